"""Rows of `helper_label` and `helper_trust`: what the helper said of items, and in which tasks it is trusted.
Keyword-only, session first, no commit. No query about labels reads these tables: nobody is shown them.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, null, or_, select
from sqlmodel import Session, col

from feedback.records.item_states import DROPPED, OPEN, SETTLED
from feedback.store.engine import of_desk, save_row
from feedback.store.items import OF_ARMS, OF_ITEM
from feedback.store.tables import Assignment, HelperLabel, HelperTrust, Item, Label, Task
from feedback.store.tasks import OPEN as TASK_OPEN

SAID, ABSTAINED, UNANSWERED = "said", "abstained", "unanswered"
# Among what is hidden of an item that the helper doubted: the `least` labels that it needs since, and the
# `outcome` that it had, `at` which time.
DOUBTED = "doubted"
SETTLED_BY = "helper"  # settled_by of an item that the helper settled alone
PEOPLE = 1  # the lowest tier of a task in which it helps: a customer's own word is not asked of others


def list_helped_tasks(session: Session, *, desk_id: str, kinds: Sequence[str]) -> list[str]:
    """The open tasks of these kinds that ask everybody of their tier, oldest first."""
    query = of_desk(Task, desk_id).where(
        Task.state == TASK_OPEN, col(Task.kind).in_(kinds), Task.tier == PEOPLE
    )
    return [task.id for task in session.exec(query.order_by(col(Task.created_at))) if not task.assigned]


def list_unsaid(session: Session, *, task_id: str, asked: str, settled: bool, limit: int) -> list[Item]:
    """The first items that wait for people and that this helper has said nothing of; then, where it is asked
    for, of those that people settled. Checks that estimate errors, duels and gold are people's.
    """
    waits = col(Item.state) == OPEN
    peoples = and_(col(Item.state) == SETTLED, col(Item.settled_by).is_distinct_from(SETTLED_BY))
    said = select(1).where(col(HelperLabel.item_id) == col(Item.id), col(HelperLabel.asked) == asked)
    query = select(Item).where(
        col(Item.task_id) == task_id,
        or_(waits, peoples) if settled else waits,
        col(Item.gold).is_(null()),
        col(Item.subject_kind).not_in((OF_ARMS, OF_ITEM)),
        ~said.correlate(Item).exists(),
    )
    return list(session.scalars(query.order_by(waits.desc(), col(Item.position)).limit(limit)))


def list_settleable(session: Session, *, task_id: str, model: str) -> list[tuple[str, dict[str, Any]]]:
    """The items of a task that wait, that nobody has had, and of which this model said something."""
    had = select(1).where(col(Assignment.item_id) == col(Item.id))
    query = (
        select(col(Item.id), col(HelperLabel.value))
        .join(HelperLabel, col(HelperLabel.item_id) == col(Item.id))
        .where(col(Item.task_id) == task_id, col(Item.state) == OPEN, col(Item.gold).is_(null()))
        .where(col(HelperLabel.model) == model, col(HelperLabel.value).is_not(null()))
        .where(~had.correlate(Item).exists())
        .order_by(col(Item.position))
    )
    return [(item_id, value) for item_id, value in session.execute(query)]


def is_untouched(session: Session, *, item_id: str) -> bool:
    """Whether nobody has or had an item; the caller holds it."""
    return session.scalars(select(1).where(col(Assignment.item_id) == item_id).limit(1)).first() is None


def list_compared(
    session: Session, *, task_id: str, model: str
) -> list[tuple[dict[str, Any], dict[str, Any], datetime]]:
    """What this model said and what people came to, oldest first, with when. Of an item that it doubted that
    is what they came to before: else a doubt could only ever speak for it.
    """
    before = col(Item.hidden)[DOUBTED]
    doubted = and_(col(Item.state) != DROPPED, before.as_string().is_not(None), _is_said())
    query = (
        select(col(HelperLabel.value), col(Item.outcome), col(Item.settled_at), before)
        .join(Item, col(Item.id) == col(HelperLabel.item_id))
        .where(col(HelperLabel.task_id) == task_id, col(HelperLabel.model) == model)
        .where(or_(and_(*_settled_by_people()), doubted))
        .order_by(col(Item.position))
    )
    found = [
        (value, told["outcome"], datetime.fromisoformat(told["at"])) if told else (value, outcome, at)
        for value, outcome, at, told in session.execute(query)
    ]
    return sorted(found, key=lambda row: row[2])


def list_said_of_settled(
    session: Session, *, task_id: str
) -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
    """The items that both answered: each with what a helper said and what people came to."""
    query = (
        select(col(Item.id), col(HelperLabel.value), col(Item.outcome))
        .join(HelperLabel, col(HelperLabel.item_id) == col(Item.id))
        .where(col(Item.task_id) == task_id, *_settled_by_people())
        .order_by(col(Item.position))
    )
    return [(item_id, value, outcome) for item_id, value, outcome in session.execute(query)]


def _settled_by_people() -> list[ColumnElement[bool]]:
    """Which items both answered."""
    return [
        _is_said(),
        col(Item.state) == SETTLED,
        col(Item.outcome).is_not(null()),
        col(Item.gold).is_(null()),
        col(Item.settled_by).is_distinct_from(SETTLED_BY),
    ]


def _is_said() -> ColumnElement[bool]:
    return col(HelperLabel.value).is_not(null())


def count_doubted(session: Session, *, task_id: str) -> int:
    """The items of which one more person was asked since the helper doubted them."""
    doubted = col(Item.hidden)[DOUBTED].as_string().is_not(None)
    return session.scalars(select(func.count()).where(col(Item.task_id) == task_id, doubted)).one()


def knows_another(session: Session, *, task_id: str, item_id: str) -> bool:
    """Whether somebody labels in a task who has not had this item."""
    had = select(col(Assignment.labeller)).where(col(Assignment.item_id) == item_id)
    others = select(1).where(col(Label.task_id) == task_id, col(Label.labeller).not_in(had))
    return session.scalars(others.limit(1)).first() is not None


def list_settled_by_helper(session: Session, *, task_id: str) -> list[str]:
    query = select(col(Item.id)).where(
        col(Item.task_id) == task_id, col(Item.state) == SETTLED, col(Item.settled_by) == SETTLED_BY
    )
    return list(session.scalars(query.order_by(col(Item.position))))


def find_trust(session: Session, *, task_id: str) -> HelperTrust | None:
    """The last word about a task."""
    query = select(HelperTrust).where(col(HelperTrust.task_id) == task_id)
    return session.scalars(query.order_by(col(HelperTrust.number).desc()).limit(1)).first()


def find_last_loss(session: Session, *, task_id: str, model: str) -> datetime | None:
    """When trust in this model was taken away last."""
    query = select(col(HelperTrust.created_at)).where(
        col(HelperTrust.task_id) == task_id,
        col(HelperTrust.model) == model,
        col(HelperTrust.is_trusted).is_(False),
    )
    return session.scalars(query.order_by(col(HelperTrust.number).desc()).limit(1)).first()


def add_trust(session: Session, *, row: HelperTrust) -> bool:
    """Adds a decision behind the one that it was made by; False where there is another one since. The caller
    holds the task.
    """
    last = find_trust(session, task_id=row.task_id)
    if row.number != (1 if last is None else last.number + 1):
        return False
    save_row(session, row)
    return True


def count_states(session: Session, *, desk_id: str) -> dict[str, dict[str, int]]:
    """What became of the items that the helper was asked about, by task and state."""
    query = (
        select(col(HelperLabel.task_id), col(HelperLabel.state), func.count())
        .where(col(HelperLabel.desk_id) == desk_id)
        .group_by(col(HelperLabel.task_id), col(HelperLabel.state))
    )
    counts: dict[str, dict[str, int]] = {}
    for task_id, state, count in session.execute(query):
        counts.setdefault(task_id, {})[state] = count
    return counts


def list_trust(session: Session, *, desk_id: str) -> list[HelperTrust]:
    """The last word about every task that has one."""
    rows = session.scalars(
        select(HelperTrust)
        .where(col(HelperTrust.desk_id) == desk_id)
        .order_by(col(HelperTrust.task_id), col(HelperTrust.number))
    )
    return list({row.task_id: row for row in rows}.values())
