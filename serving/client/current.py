"""Clients of the engines that run now: kept while endpoint.json and checkpoint.json are unchanged, made anew
when an engine comes back with another port or key, or a checkpoint comes or goes.
"""

import threading
from pathlib import Path

from serving.client.endpoint import Endpoint, SecondEngine, read_endpoints, read_second_engine
from serving.client.fleet import Fleet
from serving.settings import ServingSettings


class CurrentFleet:
    """A callable that returns the fleet of the current engine; raises EngineNotRunning while there is none.

    It is thread-safe. A replaced fleet is not closed at once, since a reply may still be in progress on it.
    That happens once per engine restart with another key or port and with each checkpoint, and its idle
    connections close by themselves.
    """

    def __init__(self, settings: ServingSettings, data_dir: Path) -> None:
        self._settings = settings
        self._data_dir = data_dir
        self._lock = threading.Lock()
        self._known: tuple[list[Endpoint], SecondEngine | None] | None = None
        self._fleet: Fleet | None = None

    def __call__(self) -> Fleet:
        found = (read_endpoints(self._settings, self._data_dir), read_second_engine(self._data_dir))
        with self._lock:
            if self._fleet is None or found != self._known:
                self._fleet, self._known = Fleet.from_endpoints(found[0], self._settings, found[1]), found
            return self._fleet

    def close(self) -> None:
        with self._lock:
            if self._fleet is not None:
                self._fleet.close()
                self._fleet = None
