"""Checks that an engine still makes tokens: asks for one every few seconds, since a hung engine goes on
answering `/health`.

Several time-outs in a row mean that it hangs; a note in the data directory (`engine.hung`) tells the web. The
callback `on_hung` decides what follows: an engine of this machine is started again, a remote one is only
reported.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from serving.client.client import Sampling
from serving.client.fleet import Fleet
from serving.errors import EngineTimeout, ServingError
from serving.settings import ServingSettings

log = logging.getLogger(__name__)

BEAT_EVERY_S = 5.0
HUNG_AFTER = 2  # time-outs in a row; each is `request_timeout_s` long, so a busy engine has its time
NOTE = "engine.hung"


def is_hung(data_dir: Path) -> bool:
    return (data_dir / NOTE).exists()


class Pulse:
    def __init__(
        self,
        settings: ServingSettings,
        data_dir: Path,
        find_fleet: Callable[[], Fleet],
        on_hung: Callable[[], None],
    ) -> None:
        self._find_fleet = find_fleet
        self._on_hung = on_hung
        self._note = data_dir / NOTE
        self._kwargs = settings.chat_template_kwargs
        self._sampling = replace(Sampling.from_settings(settings), max_tokens=1, temperature=0.0)
        self._late = 0
        self._ended, self._lock = threading.Event(), threading.Lock()
        self._thread = threading.Thread(target=self._run, name="engine-pulse", daemon=True)

    def start(self) -> None:
        self._note.unlink(missing_ok=True)
        self._thread.start()

    def close(self) -> None:
        """Stops the pulse, without waiting for a token that may never come."""
        with self._lock:
            self._ended.set()
            self._note.unlink(missing_ok=True)

    def beat(self) -> None:
        """Asks for one token and counts time-outs.

        An engine that is down is not hung: the supervisor starts it again.
        """
        try:
            fleet = self._find_fleet()
            fleet.generate(
                model=fleet.base_name,
                messages=[{"role": "user", "content": "."}],
                sampling=self._sampling,
                seed=0,
                n=1,
                chat_template_kwargs=self._kwargs,
            )
        except EngineTimeout:
            self._late += 1
            if self._late >= HUNG_AFTER and self._write_note():
                self._late = 0
                log.error("the engine gives no token, %d times in a row: it hangs", HUNG_AFTER)
                self._on_hung()
        except ServingError as fault:
            self._late = 0
            log.info("no pulse of the engine: %s", fault)
        else:
            self._late = 0
            self._note.unlink(missing_ok=True)

    def _write_note(self) -> bool:
        """Whether the note is written: after `close` it is not, since nobody would take it back."""
        with self._lock:
            if not self._ended.is_set():
                self._note.touch()
            return not self._ended.is_set()

    def _run(self) -> None:
        while not self._ended.wait(BEAT_EVERY_S):
            try:
                self.beat()
            except Exception:  # the edge of this thread: the next beat tries again
                log.exception("the engine's pulse could not be taken")
