"""Expert scores: rounds whose replies are rated one by one, and what experts said of them. No commit.

A round is generated as one of a duel (`duel_rounds.py`). Then its item keeps side A, and another one, further
down in the task, gets side B, so that nobody sees both replies side by side. Keyword-only, session first.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlmodel import Session, col

from feedback.records.item_states import DROPPED, WAITING
from feedback.store.engine import columns_of, save_row
from feedback.store.labels import select_active_labels
from feedback.store.tables import Conversation, Duel, Item, Label, Task

RATE = "rate"
EQUAL = "equal"  # why a round is dropped whose replies are the same


class ScoredReply(NamedTuple):
    """A reply that is rated, or a round whose replies are equal (`is_tuned` None)."""

    round_id: str
    item_id: str
    is_tuned: bool | None
    conversation: str
    tags: Sequence[str]


def part_sides(session: Session, *, row: Item) -> None:
    """Makes two items of a round that is generated: this one of side A, a later one of side B."""
    shown, hidden = row.shown, row.hidden
    columns = "desk_id task_id conversation_id conversation language tier state created_at".split()
    later = Item(
        **{name: getattr(row, name) for name in columns},
        position=hidden["second_position"],
        subject_kind=row.subject_kind,
        subject_id=f"{row.subject_id}/b",
        shown={"messages": shown["messages"], "reply": shown["b"]},
        hidden=hidden | {"side": "b", "round": row.id},
    )
    row.shown = {"messages": shown["messages"], "reply": shown["a"]}
    row.hidden = hidden | {"side": "a", "round": row.id}
    save_row(session, row)
    save_row(session, later)


def list_scoring(session: Session, *, desk_id: str, adapter: str) -> Sequence[Duel]:
    """The rounds of rating that this adapter's replies were given to, newest first."""
    query = select(Duel).join(Task, col(Task.id) == col(Duel.task_id))
    query = query.where(col(Duel.desk_id) == desk_id, col(Duel.adapter) == adapter, col(Task.kind) == RATE)
    return session.scalars(query.order_by(col(Duel.created_at).desc(), col(Duel.id))).all()


def list_scored_replies(session: Session, *, task_ids: Collection[str]) -> list[ScoredReply]:
    """The replies of these tasks that could be rated, and the rounds of equal ones; none that is erased."""
    sides = (col(Item.hidden)[name].as_string() for name in ("round", "side", "a_adapter", "b_adapter"))
    query = (
        select(*columns_of(Item, "id state reason conversation"), *sides, col(Conversation.tags))
        .join(Conversation, col(Conversation.id) == col(Item.conversation_id))
        .where(col(Item.task_id).in_(task_ids), col(Item.state) != WAITING)
        .order_by(col(Item.task_id), col(Item.position))
    )
    found = []
    for id, state, reason, conversation, round_id, side, a, b, tags in session.execute(query):
        if state != DROPPED:
            is_tuned = (a if side == "a" else b) is not None
            found.append(ScoredReply(round_id, id, is_tuned, conversation, tags))
        elif reason == EQUAL:
            found.append(ScoredReply(id, id, None, conversation, tags))
    return found


def list_scores(session: Session, *, task_ids: Collection[str]) -> Mapping[str, Mapping[str, int]]:
    """What each labeller said of each item, as their last label has it."""
    said: dict[str, dict[str, int]] = {}
    rows: Any = session.scalars(select_active_labels().where(col(Label.task_id).in_(task_ids)))
    for row in rows:
        said.setdefault(row.item_id, {})[row.labeller] = row.value["score"]
    return said
