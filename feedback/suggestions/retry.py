"""Waiting for an engine that is away, most often because it restarts: it is asked again, within limits."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from serving.errors import EngineNotRunning, EngineUnreachable

Answer = TypeVar("Answer")

ASK_AGAIN_S = 0.25


class Patience:
    """How long one set waits for an engine that is away: until its deadline (a `time.monotonic` value), the
    end of this process, or the moment nobody wants its answers.
    """

    def __init__(self, deadline: float, closing: threading.Event) -> None:
        self.deadline = deadline
        self._closing = closing
        self._is_over = False

    def end(self) -> None:
        self._is_over = True

    def keep_asking(self, ask: Callable[[], Answer]) -> Answer:
        while True:
            try:
                return ask()
            except (EngineUnreachable, EngineNotRunning):
                if time.monotonic() + 2 * ASK_AGAIN_S > self.deadline:  # leaves time to say that it is away
                    raise
                if self._closing.wait(ASK_AGAIN_S) or self._is_over:
                    raise
