"""Counted picks as plain records: who picked, which arm won, what was on each card. From the store in pages.

A record of the store is a counted pick exactly if `support.py` counts it as one. None holds a text, so that a
long history fits in memory.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import log
from typing import Any

from sqlalchemy import Engine

from feedback.records.candidate import BASE, BOTH, TUNED
from feedback.records.cards import Card
from feedback.store.choices import Key
from feedback.store.picks import iterate_closings, iterate_picks
from feedback.store.tables import DEFAULT_DESK

INTENT = "intent:"  # a tag of this form names what the customer wants, as `domain:` names the field


@dataclass(frozen=True, slots=True)
class CountedPick:
    """One pick behind the support rate. "both" is half to each in the rate and nothing to a decision."""

    judgement: str
    adapter: str
    agent: str | None
    won: str
    cards: tuple[Card, ...]
    tags: tuple[str, ...] = ()
    language: str | None = None
    experience: int = 0  # how many sets of this desk the agent had closed before

    @property
    def slots(self) -> tuple[int, ...]:
        """The slots of the picked replies; a tie has several."""
        return tuple(card.slot for card in self.cards if card.is_picked)

    @property
    def intent(self) -> str | None:
        return next((tag.removeprefix(INTENT) for tag in self.tags if tag.startswith(INTENT)), None)

    @property
    def length_difference(self) -> float:
        """The mean log length of the tuned replies minus the base's; 0.69 means twice as long."""
        means = []
        for arm in (TUNED, BASE):
            lengths = [log(max(card.length, 1)) for card in self.cards if card.arm in (arm, BOTH)]
            means.append(sum(lengths) / len(lengths))
        return means[0] - means[1]


def read_picks(
    store_engine: Engine, adapter: str, *, desk_id: str = DEFAULT_DESK, with_experience: bool = False
) -> Iterator[CountedPick]:
    """The counted picks of the adapter, oldest first, on request with each agent's experience."""
    closings = list_closings(store_engine, desk_id=desk_id) if with_experience else {}
    for row in iterate_picks(store_engine, desk_id=desk_id, adapter=adapter):
        yield make_pick(row, closings)


def list_closings(store_engine: Engine, *, desk_id: str) -> dict[str | None, list[Key]]:
    """When each agent closed a set, oldest first, as (created_at, id) of judgements that nobody took back."""
    closings: dict[str | None, list[Key]] = {}
    for at, id, agent in iterate_closings(store_engine, desk_id=desk_id):
        closings.setdefault(agent, []).append((at, id))
    return closings


def make_pick(row: Any, closings: Mapping[str | None, Sequence[Key]]) -> CountedPick:
    """Makes a pick from a row with the columns of `feedback.store.picks`."""
    return CountedPick(
        judgement=row.origin_id,
        adapter=row.adapter,
        agent=row.agent,
        won=row.winner,
        cards=tuple(Card.from_json(card) for card in row.cards),
        tags=tuple(row.tags),
        language=row.language,
        experience=bisect_left(closings.get(row.agent, ()), (row.created_at, row.origin_id)),
    )
