"""The rounds of a duel: items of its task, each with one prompt and a reply on both sides.

    waiting    its replies are being generated; nobody gets it
    ready      `open`: experts label it
    equal      `dropped`, reason `equal`: a tie that nobody is asked about
    left_out   `dropped` for any other reason

`shown` holds `messages`, `a` and `b`; `hidden` who wrote them, and how. Keyword-only, session first, no
commit.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlmodel import Session, col, func

from feedback.lease import Lease
from feedback.records.item_states import DROPPED, OPEN
from feedback.store.duels import keep_duel
from feedback.store.engine import columns_of, save_row
from feedback.store.scores import part_sides
from feedback.store.tables import Conversation, Duel, Item

WAITING, READY, EQUAL, LEFT_OUT = "waiting", "ready", "equal", "left_out"
ROUND_STATES = (WAITING, READY, EQUAL, LEFT_OUT)


class Round(NamedTuple):
    """A round as far as it is counted: without texts, and of its sides only whose A is."""

    position: int
    state: str
    reason: str | None
    a_adapter: str | None
    a_arm: str | None


def name_round_state(state: str, reason: str | None) -> str:
    """The state of a round by that of its item."""
    if state == DROPPED:
        return EQUAL if reason == EQUAL else LEFT_OUT
    return WAITING if state == WAITING else READY


def count_rounds(session: Session, *, duel_ids: list[str]) -> dict[str, dict[str, int]]:
    """The number of rounds of each duel in each state, including states without rounds."""
    counts = {duel_id: dict.fromkeys(ROUND_STATES, 0) for duel_id in duel_ids}
    of_item = columns_of(Item, "state reason")
    query = (
        select(col(Duel.id), *of_item, func.count())
        .join(Item, col(Item.task_id) == col(Duel.task_id))
        .where(col(Duel.id).in_(duel_ids))
        .group_by(col(Duel.id), *of_item)
    )
    for duel_id, state, reason, count in session.execute(query):
        counts[duel_id][name_round_state(state, reason)] += count
    return counts


def list_rounds(session: Session, *, task_id: str) -> list[Round]:
    """The rounds in order."""
    sides = (col(Item.hidden)[name].as_string() for name in ("a_adapter", "a_arm"))
    query = select(*columns_of(Item, "position state reason"), *sides)
    query = query.where(col(Item.task_id) == task_id).order_by(col(Item.position))
    return [
        Round(position, name_round_state(state, reason), reason, *whose)
        for position, state, reason, *whose in session.execute(query)
    ]


def list_readable(session: Session, *, task_id: str) -> list[tuple[Item, str | None, list[str]]]:
    """Rounds that can be judged, with the values that identify their customer."""
    query = (
        select(Item, *columns_of(Conversation, "customer_id customer_details"))
        .join(Conversation, col(Conversation.id) == col(Item.conversation_id))
        .where(col(Item.task_id) == task_id, col(Item.state) == OPEN)
        .order_by(col(Item.position))
    )
    return [tuple(row) for row in session.execute(query)]


def list_waiting(session: Session, *, task_id: str) -> Sequence[Item]:
    query = select(Item).where(col(Item.task_id) == task_id, col(Item.state) == WAITING)
    return session.scalars(query.order_by(col(Item.position))).all()


def settle_round(
    session: Session, *, duel_id: str, lease: Lease, round_id: str, outcome: dict[str, Any]
) -> bool:
    """Writes what was generated for one round and prolongs the lease; False if another process has the
    duel.
    """
    if not keep_duel(session, duel_id=duel_id, lease=lease, error=None):
        return False
    row = session.get_one(Item, round_id, populate_existing=True, with_for_update=True)
    if row.state != WAITING:
        return True  # erased while it was generated: what was generated is nobody's any more
    row.state, row.reason = outcome["state"], outcome["reason"]
    row.shown, row.hidden = row.shown | outcome["shown"], row.hidden | outcome["hidden"]
    save_row(session, row)
    if row.state == OPEN and "second_position" in row.hidden:
        part_sides(session, row=row)
    return True
