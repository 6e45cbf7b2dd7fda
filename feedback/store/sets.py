"""Reads suggestion sets: what agents may see of them, and who has seen their arms.

Nothing of a set is shown before it is ready; then all candidates are shown at once and the time is recorded.
`set_writes.py` prepares sets.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from feedback.errors import Conflict
from feedback.store.engine import columns_of, get_row, leave_out, of_desk, save_row
from feedback.store.tables import Candidate, SuggestionSet, Unblinding

# Kept for the trainer, of no use while agents work: not read on their way.
LARGE = columns_of(SuggestionSet, "messages prompt_token_ids chat_template_kwargs sampling requests")


class SetNotJudged(Conflict):
    def __init__(self, set_id: str, state: str) -> None:
        super().__init__(
            "set_not_judged",
            f"Set {set_id} is {state}: where its candidates came from is shown once it is judged.",
            "Judge it first.",
        )


def find_set(session: Session, *, desk_id: str, turn_id: str) -> SuggestionSet | None:
    """The set of a turn; None before its preparation begins."""
    query = of_desk(SuggestionSet, desk_id).where(SuggestionSet.turn_id == turn_id)
    return session.exec(query.options(*leave_out(LARGE))).one_or_none()


def read_settings(session: Session, *, set_id: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The sampling of a set and the arguments of its chat template."""
    query = select(SuggestionSet.sampling, SuggestionSet.chat_template_kwargs)
    sampling, arguments = session.exec(query.where(SuggestionSet.id == set_id)).one()
    return sampling, arguments


def list_candidates(session: Session, *, desk_id: str, set_id: str) -> Sequence[Candidate]:
    """All candidates in the order shown, without their token ids."""
    query = of_desk(Candidate, desk_id).where(Candidate.set_id == set_id).order_by(col(Candidate.slot))
    return session.exec(query.options(*leave_out([Candidate.token_ids]))).all()


def reveal_set(session: Session, *, desk_id: str, set_id: str, now: datetime) -> SuggestionSet:
    """Records the time at which the candidates of a ready set were first shown."""
    row = get_row(session, SuggestionSet, set_id, desk_id=desk_id, what="set", lock=True, without=LARGE)
    if row.state == "ready" and row.revealed_at is None:
        row.revealed_at = now
        save_row(session, row)
    return row


def unblind_set(session: Session, *, desk_id: str, set_id: str, agent: str, now: datetime) -> SuggestionSet:
    """Records that an agent is about to see the arms of a set. SetNotJudged while they must stay hidden."""
    row = get_row(session, SuggestionSet, set_id, desk_id=desk_id, what="set", lock=True, without=LARGE)
    if row.state != "judged":
        raise SetNotJudged(row.id, row.state)
    if not is_unblinded(session, set_id=set_id, agent=agent):
        session.add(Unblinding(desk_id=desk_id, set_id=set_id, agent=agent, at=now))
        session.flush()
    return row


def is_unblinded(session: Session, *, set_id: str, agent: str) -> bool:
    query = select(Unblinding.id).where(Unblinding.set_id == set_id, Unblinding.agent == agent)
    return session.exec(query).first() is not None
