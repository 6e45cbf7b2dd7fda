"""Limits how many waiting requests may be open at once: per visitor, address and person, for all strangers,
and in total.

A request over the limit is answered at once, as if its waiting time were over, and the client asks again
later. So nobody is refused, and nobody uses up the places of others. An app has no limit of its own: it waits
for all its customers.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from feedback.actor import Actor
from feedback.web.addresses import is_loopback, widen

VISITOR_PLACES = 8  # pages that one customer has open on their conversation
ADDRESS_PLACES = 200  # customers behind one address; loopback is a proxy or a test, and stands for many
PERSON_PLACES = 64  # an agent's tabs
STRANGER_PLACES = 5_000  # for all visitors together whose conversation no app opened
ALL_PLACES = 20_000


class Places:
    def __init__(self, *, total: int = ALL_PLACES) -> None:
        self._total = total
        self._taken: Counter[str] = Counter()
        self._open = 0

    @property
    def open(self) -> int:
        return self._open

    @contextmanager
    def take(self, actor: Actor, address: str) -> Iterator[bool]:
        """Takes a place if one is free and holds it while the block lasts; gives whether it did. Event loop's
        thread only.
        """
        limits = list_place_limits(actor, address)
        if self._open >= self._total or any(self._taken[key] >= limit for key, limit in limits.items()):
            yield False
            return
        self._open += 1
        self._taken.update(limits.keys())
        try:
            yield True
        finally:
            self._open -= 1
            for key in limits:
                self._taken[key] -= 1
                if not self._taken[key]:
                    del self._taken[key]


def list_place_limits(actor: Actor, address: str) -> dict[str, int]:
    if actor.role == "app":
        return {}
    if actor.role != "visitor":
        return {actor.key: PERSON_PLACES}
    limits = {actor.key: VISITOR_PLACES}
    if actor.is_stranger:
        limits |= {"strangers": STRANGER_PLACES, f"strangers:{widen(address)}": ADDRESS_PLACES}
    elif not is_loopback(address):
        limits[f"address:{widen(address)}"] = ADDRESS_PLACES
    return limits
