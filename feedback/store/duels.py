"""Duels: added by the person who starts one, generated under a lease, opened and closed with their task.

    drawing -> open     every round is generated, at least one can be judged or is equal
    drawing -> failed   no round came of it
    drawing, open -> closed

Rounds, the items of that task, are in `duel_rounds.py`. Keyword-only, session first, no commit.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlmodel import Session, col

from feedback.errors import Conflict, NotFound
from feedback.lease import Lease, lease_of
from feedback.records.from_label import COMPARE
from feedback.store import tasks
from feedback.store.engine import columns_of, get_row, of_desk, save_row
from feedback.store.tables import Conversation, Duel, Item, SuggestionSet, Task
from feedback.store.tags import match_tag

DRAWING, OPEN, CLOSED, FAILED = "drawing", "open", "closed", "failed"
# The state of its task in each of them.
TASK_STATES = {DRAWING: tasks.DRAFT, OPEN: tasks.OPEN, CLOSED: tasks.CLOSED, FAILED: tasks.CLOSED}


@dataclass(frozen=True)
class PromptKey:
    """A stored suggestion set whose prompt may be used again in a duel."""

    set_id: str
    conversation_id: str
    arrived_at: datetime  # of the conversation
    language: str | None = None


@dataclass(frozen=True)
class Prompt:
    messages: list[dict[str, str]]
    chat_template_kwargs: dict[str, Any]


class DuelOver(Conflict):
    def __init__(self, duel_id: str, state: str) -> None:
        super().__init__("duel_over", f"Duel {duel_id} is {state} already.", "Nothing is left to do.")


def list_prompt_keys(session: Session, *, desk_id: str, tag: str | None = None) -> list[PromptKey]:
    """Every set that has a prompt, without the prompts themselves; erased sets have none. With a tag, sets of
    conversations that have it or one below it.
    """
    query = (
        select(
            *columns_of(SuggestionSet, "id conversation_id"), *columns_of(Conversation, "created_at language")
        )
        .join(Conversation, col(Conversation.id) == col(SuggestionSet.conversation_id))
        .where(col(SuggestionSet.desk_id) == desk_id, col(SuggestionSet.state) != "preparing")
        .where(col(Conversation.erased_at).is_(None))
        .order_by(col(SuggestionSet.id))
    )
    query = query.where(*match_tag(session, desk_id, tag, Conversation.tags))
    return [PromptKey(*row) for row in session.execute(query)]


def read_prompts(session: Session, *, desk_id: str, set_ids: list[str]) -> dict[str, Prompt]:
    query = select(*columns_of(SuggestionSet, "id messages chat_template_kwargs"))
    query = query.where(col(SuggestionSet.desk_id) == desk_id, col(SuggestionSet.id).in_(set_ids))
    return {set_id: Prompt(messages, kwargs) for set_id, messages, kwargs in session.execute(query)}


def add_duel(session: Session, *, duel: Duel, task: Task, rounds: Iterable[Item]) -> Duel:
    """Adds a duel and returns it. If a duel with this id exists already, that one is returned unchanged."""
    found = session.get(Duel, duel.id)
    if found is not None:
        return found
    save_row(session, task)
    save_row(session, duel)
    session.add_all(rounds)
    session.flush()
    return duel


def get_duel(session: Session, *, desk_id: str, duel_id: str, lock: bool = False) -> Duel:
    """The row of a duel. Raises NotFound."""
    return get_row(session, Duel, duel_id, desk_id=desk_id, what="duel", lock=lock)


def is_compared() -> ColumnElement[bool]:
    """Whether the sides of a duel are compared; those of the others are rated one by one (`scores.py`)."""
    return col(Duel.task_id).in_(select(col(Task.id)).where(col(Task.kind) == COMPARE))


def get_compared(session: Session, *, desk_id: str, duel_id: str) -> Duel:
    """The row of a duel whose sides are compared. Raises NotFound."""
    duel = get_duel(session, desk_id=desk_id, duel_id=duel_id)
    if find_task_duel(session, task_id=duel.task_id) is None:
        raise NotFound("duel", duel_id)
    return duel


def find_task_duel(session: Session, *, task_id: str) -> Duel | None:
    """The duel whose rounds are the items of this task; None for every other task."""
    return session.scalars(select(Duel).where(col(Duel.task_id) == task_id, is_compared())).one_or_none()


def select_duels(session: Session, *, desk_id: str, limit: int = 100) -> Sequence[Duel]:
    """The duels of a desk whose sides are compared, newest first."""
    newest = (col(Duel.created_at).desc(), col(Duel.id))
    return session.exec(of_desk(Duel, desk_id).where(is_compared()).order_by(*newest).limit(limit)).all()


def list_undrawn(session: Session, *, rebase_id: str | None = None) -> dict[str, Lease]:
    """Duels of all desks that still have to be generated: id and current drawer of each, oldest first.

    Those of a rebase need an engine of another base, so only who names it finds them.
    """
    query = (
        select(col(Duel.id), col(Duel.lease_owner), col(Duel.lease_until))
        .where(col(Duel.state) == DRAWING, col(Duel.rebase_id) == rebase_id)
        .order_by(col(Duel.created_at), col(Duel.id))
    )
    return {id: Lease(owner, until) for id, owner, until in session.execute(query)}


def list_rebase_duels(session: Session, *, rebase_id: str) -> Sequence[Duel]:
    """The duels of a rebase, oldest first."""
    query = select(Duel).where(col(Duel.rebase_id) == rebase_id)
    return session.scalars(query.order_by(col(Duel.created_at), col(Duel.id))).all()


def is_drawn_with(session: Session, *, adapter: str, now: datetime) -> bool:
    """Whether a duel with this adapter is being generated now, so that the adapter must stay loaded."""
    query = select(col(Duel.id)).where(
        (col(Duel.adapter) == adapter) | (col(Duel.rival) == adapter),
        col(Duel.state) == DRAWING,
        col(Duel.lease_until) > now,
    )
    return session.execute(query.limit(1)).first() is not None


def take_duel(
    session: Session, *, duel_id: str, replaces: Lease, lease: Lease, plan: dict[str, Any]
) -> Duel | None:
    """Takes a duel under this lease; None if there is nothing to generate, or another process took it first.

    `replaces` is the lease that was found abandoned. `plan` (sampling and base) is written once: a duel that
    is taken over goes on as it began.
    """
    duel = session.get(Duel, duel_id, with_for_update={"key_share": True}, populate_existing=True)
    if duel is None or duel.state != DRAWING or lease_of(duel) != replaces:
        return None
    if duel.sampling is None:
        for name, value in plan.items():
            setattr(duel, name, value)
    lease.write_to(duel)
    return save_row(session, duel)


def keep_duel(session: Session, *, duel_id: str, lease: Lease, error: str | None) -> bool:
    """Prolongs the lease and records what the duel waits for; False if another process has the duel now."""
    duel = _lock_own(session, duel_id, lease.owner)
    if duel is None:
        return False
    lease.write_to(duel)
    duel.error = error
    save_row(session, duel)
    return True


def open_duel(session: Session, *, duel_id: str, owner: str, countable: bool, now: datetime) -> str | None:
    """Ends the generation: `open`, or `failed` if no round can count; None if another process has the
    duel.
    """
    duel = _lock_own(session, duel_id, owner)
    if duel is None:
        return None
    if countable:
        duel.state, duel.opened_at, duel.error = OPEN, now, None
    else:
        duel.state, duel.error = FAILED, "no_round"
    return _release(session, duel)


def fail_duel(session: Session, *, duel_id: str, owner: str, error: str) -> None:
    duel = _lock_own(session, duel_id, owner)
    if duel is not None:
        duel.state, duel.error = FAILED, error
        _release(session, duel)


def close_duel(session: Session, *, desk_id: str, duel_id: str, actor: str, now: datetime) -> Duel:
    """Closes a duel that is generated: from then on it takes no label and shows its result."""
    duel = get_duel(session, desk_id=desk_id, duel_id=duel_id, lock=True)
    if duel.state not in (DRAWING, OPEN):
        raise DuelOver(duel_id, duel.state)
    duel.state, duel.closed_at, duel.closed_by = CLOSED, now, actor
    _release(session, duel)
    return duel


def _lock_own(session: Session, duel_id: str, owner: str | None) -> Duel | None:
    duel = session.get(Duel, duel_id, with_for_update={"key_share": True}, populate_existing=True)
    return duel if duel is not None and duel.state == DRAWING and duel.lease_owner == owner else None


def _release(session: Session, duel: Duel) -> str:
    """Ends the lease of a duel whose state has changed, and gives its task the state that belongs to it."""
    Lease().write_to(duel)
    save_row(session, duel)
    # A label that is being written holds this lock, so that closing waits for it.
    task = session.get_one(Task, duel.task_id, with_for_update={"key_share": True}, populate_existing=True)
    task.state = TASK_STATES[duel.state]
    task.opened_at, task.closed_at, task.closed_by = duel.opened_at, duel.closed_at, duel.closed_by
    save_row(session, task)
    return duel.state
