"""What a view says when its reader is ready to wait (long polling): whether it found something, and which
topic may bring more.

The view itself answers at once. Under the front (feedback/web/front.py) an answer that found nothing is
kept back: the front calls the view again when the topic is signalled, until it finds something or the time
is over. Under a plain WSGI server the answer goes out as it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import request

from feedback.actor import Actor
from feedback.store.marks import Mark

IN_ENVIRON = "rejoinder.waiting"  # set by the view
AGAIN = "rejoinder.again"  # set by the front when it repeats the request of a waiting reader


@dataclass(frozen=True)
class Waiting:
    """`seconds` is how long the caller waits; an event stream waits as long as it is open."""

    topic: str
    actor: Actor
    seconds: float
    found: bool
    then: Mapping[str, str] | None = None  # parameters of a stream's next question; None: this was the last
    again_in_s: float | None = None  # seconds after which to look again without a signal
    mark: Mark | None = None  # the topic's last change, read no later than the answer; None: not known


def set_waiting(waiting: Waiting) -> None:
    request.environ[IN_ENVIRON] = waiting


def find_waiting(environ: Mapping[str, Any]) -> Waiting | None:
    found: Waiting | None = environ.get(IN_ENVIRON)
    return found


def is_first_request() -> bool:
    """Whether this request was not counted before; the front repeats the request of a waiting reader many
    times.
    """
    return AGAIN not in request.environ
