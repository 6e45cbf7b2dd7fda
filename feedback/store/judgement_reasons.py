"""Reasons that somebody adds after their judgement. All rows are kept; the last one counts."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, func, select

from feedback.clock import still_runs
from feedback.errors import Conflict
from feedback.store.engine import get_row, of_desk, save_row
from feedback.store.retractions import NotYours
from feedback.store.tables import Judgement, JudgementReasons

TERM = timedelta(minutes=10)


class ReasonsTooLate(Conflict):
    def __init__(self, judgement_id: str) -> None:
        super().__init__(
            "reasons_too_late",
            f"Judgement {judgement_id} takes no reasons any more.",
            f"Reasons are taken for {TERM.seconds // 60} minutes, unless the judgement is taken back.",
        )


def add_reasons(
    session: Session,
    *,
    desk_id: str,
    judgement_id: str,
    agent: str,
    reasons: Sequence[str],
    now: datetime,
    anybody: bool = False,
) -> JudgementReasons:
    """Replaces all earlier reasons. With `anybody`, the judgement may be another person's."""
    judgement = get_row(session, Judgement, judgement_id, desk_id=desk_id, what="judgement")
    if judgement.agent != agent and not anybody:
        raise NotYours("judgement", judgement_id)
    undone = session.exec(of_desk(Judgement, desk_id).where(col(Judgement.undoes) == judgement_id)).first()
    is_open = still_runs(judgement.created_at + TERM, now=now, term=TERM)
    if judgement.kind == "undo" or undone is not None or not is_open:
        raise ReasonsTooLate(judgement_id)
    row = JudgementReasons(
        desk_id=desk_id, judgement_id=judgement_id, reasons=list(reasons), agent=agent, created_at=now
    )
    return save_row(session, row)


def reasons_that_count() -> Any:
    """A query column with the last reasons of a judgement."""
    last = (
        select(JudgementReasons.reasons)
        .where(JudgementReasons.judgement_id == Judgement.id)
        .order_by(col(JudgementReasons.created_at).desc(), col(JudgementReasons.id).desc())
        .limit(1)
        .correlate(Judgement)
        .scalar_subquery()
    )
    return func.coalesce(last, col(Judgement.reasons))


def read_reasons(session: Session, *, judgement_id: str) -> list[str]:
    """The last reasons of one judgement."""
    return list(session.exec(select(reasons_that_count()).where(Judgement.id == judgement_id)).one())
