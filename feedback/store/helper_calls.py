"""Rows of `helper_call`: requests to the helper, each written with its reservation before it is sent.
Keyword-only, session first, no commit.

    asked -> ok | invalid | refused          answered; paid as the address says
    asked -> unknown                         sent, and no whole answer came: counted as paid in full
    asked -> unreachable | failed            not answered, and not paid
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, col, select

from feedback.store.engine import of_desk, save_row
from feedback.store.tables import Desk, HelperCall, Item

ASKED, OK, INVALID, REFUSED = "asked", "ok", "invalid", "refused"
UNKNOWN, UNREACHABLE, FAILED = "unknown", "unreachable", "failed"
FAULTS = (UNKNOWN, UNREACHABLE, FAILED)
UNPAID = (UNREACHABLE, FAILED)
INTERRUPTED = "interrupted"  # error: the process ended before the answer was written down


def hold_budget(session: Session, *, desk_id: str) -> None:
    """Lets nobody else reserve before the transaction ends."""
    session.exec(select(Desk.id).where(Desk.id == desk_id).with_for_update(key_share=True))


def list_calls(session: Session, *, desk_id: str, key: str) -> list[HelperCall]:
    """The requests of one question, in the order in which they were sent."""
    query = of_desk(HelperCall, desk_id).where(HelperCall.key == key)
    return list(session.exec(query.order_by(col(HelperCall.created_at), col(HelperCall.id))))


def sum_tokens(session: Session, *, desk_id: str, day: str) -> int:
    """The tokens of a day, with what is reserved for requests in progress."""
    query = select(func.coalesce(func.sum(HelperCall.tokens), 0))
    return int(session.exec(query.where(HelperCall.desk_id == desk_id, HelperCall.day == day)).one())


def count_day(session: Session, *, desk_id: str, day: str) -> tuple[int, float]:
    """The requests of a day, and what they cost."""
    query = select(func.count(), func.coalesce(func.sum(HelperCall.cost), 0.0))
    count, cost = session.exec(query.where(HelperCall.desk_id == desk_id, HelperCall.day == day)).one()
    return count, float(cost)


def list_failed(session: Session, *, desk_id: str, limit: int) -> list[tuple[HelperCall, str | None]]:
    """The last requests without an answer that can be used, newest first, each with the task of its item."""
    query = (
        select(HelperCall, Item.task_id)
        .join(Item, col(Item.id) == col(HelperCall.item_id), isouter=True)
        .where(HelperCall.desk_id == desk_id, col(HelperCall.state).not_in((ASKED, OK)))
        .order_by(col(HelperCall.created_at).desc(), col(HelperCall.id))
    )
    return [(call, task_id) for call, task_id in session.exec(query.limit(limit))]


def list_last(session: Session, *, desk_id: str, host: str, limit: int) -> Sequence[HelperCall]:
    """The last requests to an address that have ended, newest first."""
    ended = of_desk(HelperCall, desk_id).where(HelperCall.host == host, HelperCall.state != ASKED)
    newest = ended.order_by(col(HelperCall.finished_at).desc(), col(HelperCall.id))
    return session.exec(newest.limit(limit)).all()


def find_last_answer(session: Session, *, desk_id: str, host: str) -> HelperCall | None:
    """The request to an address that was answered last, whatever it was about."""
    answered = of_desk(HelperCall, desk_id).where(HelperCall.host == host, HelperCall.state == OK)
    newest = answered.order_by(col(HelperCall.finished_at).desc(), col(HelperCall.id))
    return session.exec(newest.limit(1)).first()


def give_up(session: Session, *, call: HelperCall, now: datetime) -> None:
    """Marks a request whose process has ended: it may have been answered and paid."""
    call.state, call.error, call.finished_at = UNKNOWN, INTERRUPTED, now
    call.lease_owner = call.lease_until = None
    save_row(session, call)


def finish_call(
    session: Session,
    *,
    call_id: str,
    state: str,
    error: str | None,
    answer: str | None,
    answered_by: str | None,
    tokens: tuple[int, int] | None,
    cost: float | None,
    ms: int,
    now: datetime,
) -> HelperCall:
    """Writes what a request came to. `tokens` and `cost` are None where the address did not tell: then what
    was reserved counts. Of an item that was erased meanwhile no answer is kept.
    """
    row = session.get_one(HelperCall, call_id, with_for_update=True, populate_existing=True)
    row.state, row.error, row.answered_by, row.ms, row.finished_at = state, error, answered_by, ms, now
    row.answer = answer if row.request is not None else None
    row.lease_owner = row.lease_until = None
    if state in UNPAID:
        row.tokens, row.cost = 0, 0.0
    elif tokens is not None:
        row.tokens_in, row.tokens_out = tokens
        row.tokens, row.cost = sum(tokens), cost or 0.0
    return save_row(session, row)
