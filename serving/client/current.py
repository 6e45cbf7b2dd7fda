"""The engine's clients as it runs now: kept while endpoint.json stays the same, made anew when the engine
came back elsewhere.
"""

import threading
from pathlib import Path

from serving.client.endpoint import Endpoint, read_endpoints
from serving.client.fleet import Fleet
from serving.settings import ServingSettings


class CurrentFleet:
    """Called like a function; raises EngineNotRunning while there is no engine. Safe in several threads.

    A replaced fleet is not closed at once, since a reply may still be under way on it: that happens once
    for each engine restart with another key or port, and its idle connections end by themselves.
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
