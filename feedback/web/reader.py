"""State of one waiting reader: the request, the last answer to it, and when to ask the view again.

It knows neither sockets nor threads, and is used on the server's event loop only.
"""

import asyncio
import math
from dataclasses import replace
from typing import Any

from feedback.web import events
from feedback.web.waiting import AGAIN, Waiting
from feedback.web.wsgi import WsgiAnswer

CROWDED_AGAIN_S = 1.0


class BodyReader:
    def __init__(
        self, environ: dict[str, Any], answer: WsgiAnswer, waiting: Waiting, *, has_place: bool
    ) -> None:
        self._clock = asyncio.get_running_loop().time
        self._began = self._clock()
        self._has_place = has_place
        self.environ = {**environ, AGAIN: True}
        self.is_gone = False
        self.take(answer, waiting)

    def take(self, answer: WsgiAnswer, waiting: Waiting | None) -> None:
        """Stores the answer to a repeated request. An answer that no longer waits is an error, and the last
        one.
        """
        self.answer = answer
        self.is_refused = waiting is None
        if waiting is not None:
            self.waiting = waiting
            again_in_s = waiting.again_in_s
            self._due_at = math.inf if again_in_s is None else self._clock() + again_in_s

    def repeat_later(self) -> None:
        """Plans to repeat the request later, since no thread was free for it."""
        self._due_at = self._clock() + CROWDED_AGAIN_S

    def count_left(self, lasts_s: float) -> float:
        """Seconds for which the reader may still wait; 0 without a place (see places.py)."""
        return self._began + lasts_s - self._clock() if self._has_place else 0.0

    @property
    def until_due(self) -> float:
        """Seconds until the answer may have changed without a signal."""
        return max(0.0, self._due_at - self._clock())

    def ask_next(self) -> bool:
        """Moves on to the question after the answer that was found, and tells whether there is one."""
        if self.waiting.then is None:
            return False
        self.environ = events.ask_next(self.environ, self.waiting.then)
        self.waiting = replace(self.waiting, found=False)
        return True
