"""Repeats requests to an engine that does not answer, and loads an adapter once that it has lost."""

import math
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from feedback.clock import Clock
from serving.client.client import Completions
from serving.client.fleet import Fleet
from serving.errors import (
    AdapterNotLoaded,
    EngineNotRunning,
    EngineResting,
    EngineUnreachable,
    ServingError,
)

Answer = TypeVar("Answer")

ASK_AGAIN_S = 0.25
ENGINE_AWAY = (EngineUnreachable, EngineNotRunning)


class AdapterUnusable(Exception):
    """The engine does not have the adapter and cannot load it."""


class Retry:
    """Asks an engine that does not answer, most often because it restarts, again until so many seconds are
    over, the end of this process, or the moment when nobody wants its answers. One that rests is not waited
    for unless `waits_out_rests`.
    """

    def __init__(
        self,
        closing: threading.Event,
        clock: Clock,
        *,
        within_s: float = math.inf,
        every_s: float = ASK_AGAIN_S,
        waits_out_rests: bool = False,
    ) -> None:
        self._closing, self._clock = closing, clock
        self._deadline = clock.monotonic() + within_s
        self._every_s = every_s
        self._waits_out_rests = waits_out_rests
        self._is_over = False

    @property
    def left_s(self) -> float:
        return self._deadline - self._clock.monotonic()

    def end(self) -> None:
        self._is_over = True

    def keep_asking(self, ask: Callable[[], Answer], may_wait: Callable[[], bool] = lambda: True) -> Answer:
        """Calls `ask` until it succeeds. `may_wait` is called before each wait and may end the retries."""
        while True:
            try:
                return ask()
            except ENGINE_AWAY as away:
                if isinstance(away, EngineResting) and not self._waits_out_rests:
                    raise
                if self.left_s < 2 * self._every_s:  # leaves time to report the failure
                    raise
                if not may_wait() or self._closing.wait(self._every_s) or self._is_over:
                    raise


def generate_loaded(
    fleet: Fleet, adapter: str | None, path: Path | None, generate: Callable[[], Completions]
) -> Completions:
    """Calls `generate`, and again once it has loaded a lost adapter. Raises AdapterUnusable."""
    try:
        return generate()
    except AdapterNotLoaded:
        if adapter is None or path is None:
            raise
    try:
        fleet.load_adapter(adapter, path)
    except ENGINE_AWAY:
        raise
    except ServingError as failure:
        raise AdapterUnusable(str(failure)) from failure
    return generate()
