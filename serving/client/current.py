"""Clients of the engine that runs now: kept while endpoint.json is unchanged, made anew when the engine comes
back with another port or key.
"""

import threading
from pathlib import Path

from serving.client.endpoint import Endpoint, read_endpoints
from serving.client.fleet import Fleet
from serving.settings import ServingSettings


class CurrentFleet:
    """A callable that returns the fleet of the current engine; raises EngineNotRunning while there is none.

    It is thread-safe. A replaced fleet is not closed at once, since a reply may still be in progress on it.
    That happens once per engine restart with another key or port, and its idle connections close by
    themselves.
    """

    def __init__(self, settings: ServingSettings, data_dir: Path) -> None:
        self._settings = settings
        self._data_dir = data_dir
        self._lock = threading.Lock()
        self._endpoints: list[Endpoint] = []
        self._fleet: Fleet | None = None

    def __call__(self) -> Fleet:
        endpoints = read_endpoints(self._settings, self._data_dir)
        with self._lock:
            if self._fleet is None or endpoints != self._endpoints:
                self._fleet, self._endpoints = Fleet.from_endpoints(endpoints, self._settings), endpoints
            return self._fleet

    def close(self) -> None:
        with self._lock:
            if self._fleet is not None:
                self._fleet.close()
                self._fleet = None
