"""The rest of an engine whose card a run trains on: whether it rests, and what its callers are told.

Ending the engine, or laying it to sleep, is the supervisor's part (supervisor.py); whether a run needs the
card is not known here.
"""

import threading
from datetime import datetime
from pathlib import Path

from serving.client.endpoint import write_rest


class EngineRest:
    """It is thread-safe: one thread says when a rest begins and ends, another that the card is free."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._lock = threading.Lock()
        self._is_on = self._is_gone = False
        self._until: datetime | None = None

    @property
    def is_on(self) -> bool:
        return self._is_on

    def begin(self, until: datetime | None) -> bool:
        """Begins a rest, or says anew until about when it lasts; returns whether it has just begun."""
        with self._lock:
            is_new, is_told = not self._is_on, until == self._until
            self._is_on, self._until = True, until
            if is_new or not is_told:
                write_rest(self._data_dir, until, is_gone=self._is_gone)
            return is_new

    def mark_gone(self) -> None:
        """Says that the engine holds no memory of the card any more."""
        with self._lock:
            if self._is_on:
                self._is_gone = True
                write_rest(self._data_dir, self._until, is_gone=True)

    def end(self) -> bool:
        """Ends the rest, if there is one; returns whether there was. Callers are told of it until the engine
        answers again, so that none waits for its start.
        """
        with self._lock:
            was_on, self._is_on, self._is_gone = self._is_on, False, False
            if was_on:
                write_rest(self._data_dir, None, is_gone=False)
            return was_on
