"""Counts what customers do after the replies of an arm, with an interval for each share.

Counted are replies sent as they were suggested, since only those have an arm; of a text that both arms wrote
nobody can say whose it was. At most the newest `NEWEST` of the last `PERIOD` are read, among the newest
judgements of the desk, so that a page takes no longer the more there are.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from feedback.experiments.tally import Tally
from feedback.reactions.read import FollowedReply, read_reaction
from feedback.reactions.rules import REACTIONS
from feedback.records.candidate import BASE, TUNED
from feedback.store.deployments import serving_state
from feedback.store.reactions import Followed, list_followed

NEWEST, PERIOD = 500, timedelta(days=60)


@dataclass
class Reactions:
    """The reactions to the replies of one arm. `role`: base, live, canary, null on the page of an adapter."""

    role: str | None
    adapter: str | None
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def replies(self) -> int:
        """The replies after which it is known what the customer did."""
        return self.counts.total()

    def tally(self, reaction: str) -> Tally:
        return Tally(self.counts[reaction], self.replies - self.counts[reaction])

    def to_json(self) -> dict[str, Any]:
        shares = {reaction: self.tally(reaction) for reaction in REACTIONS}
        return {
            "role": self.role,
            "adapter": self.adapter,
            "replies": self.replies,
            "reactions": {
                name: {
                    "count": each.won,
                    "share": each.rate,
                    "low": each.interval[0],
                    "high": each.interval[1],
                }
                for name, each in shares.items()
            },
        }


def count_serving_reactions(
    session: Session, *, desk_id: str, now: datetime, tag: str | None = None
) -> list[Reactions]:
    """The reactions to the base's replies and to those of what serves, live and canary."""
    serving = serving_state(session, desk_id=desk_id)
    roles = ((BASE, None), ("live", serving.live), ("canary", serving.canary))
    return [
        count_reactions(session, desk_id=desk_id, now=now, role=role, adapter=adapter, tag=tag)
        for role, adapter in roles
        if role == BASE or adapter is not None
    ]


def count_adapter_reactions(
    session: Session, adapter: str, *, desk_id: str, now: datetime
) -> list[Reactions]:
    """The reactions to the base's replies and to those of one adapter, whatever serves."""
    return [
        count_reactions(session, desk_id=desk_id, now=now, role=role, adapter=name)
        for role, name in ((BASE, None), (None, adapter))
    ]


def count_reactions(
    session: Session,
    *,
    desk_id: str,
    now: datetime,
    role: str | None,
    adapter: str | None,
    tag: str | None = None,
) -> Reactions:
    """The reactions to the replies of an adapter; without one, of the base."""
    followed = list_followed(
        session,
        desk_id=desk_id,
        arm=BASE if adapter is None else TUNED,
        adapter=adapter,
        since=now - PERIOD,
        tag=tag,
        limit=NEWEST,
    )
    return Reactions(role, adapter, tally_reactions(followed, now=now))


def tally_reactions(followed: Iterable[Followed], *, now: datetime) -> Counter[str]:
    """How often customers reacted in which way, where that is known."""
    found = (
        read_reaction(
            FollowedReply(row.question, row.role, row.after, (row.after_at or now) - row.released_at)
        )
        for row in followed
    )
    return Counter(reaction for reaction in found if reaction is not None)
