"""What is decided about a labeller in a kind of task: paused or resumed, their labels left out or taken in
again. Each decision adds a row to `change` and needs a reason.

Somebody who is paused gets no more items; what they said counts on. Labels that are left out count nowhere:
not for an item's outcome, not for agreement, not as training data. They stay as they are, so that it can be
undone.
"""

from datetime import datetime

from sqlmodel import Session, col

from feedback.errors import NotFound
from feedback.labelling.kinds import KINDS
from feedback.labelling.posterior import FIRST_ACCURACY
from feedback.labelling.reliability import find_interval
from feedback.store.definition_changes import add_definition_change
from feedback.store.engine import of_desk
from feedback.store.exclusions import CHANGED
from feedback.store.reliabilities import find_reliability, save_reliability
from feedback.store.tables import Assignment, Label, Reliability

PAUSE, RESUME = "pause", "resume"


def decide_labeller(
    session: Session,
    *,
    desk_id: str,
    labeller: str,
    kind: str | None,
    did: str,
    actor: str,
    reason: str,
    now: datetime,
) -> None:
    """Pauses, resumes, excludes or includes a labeller in one kind of task, or in all. Raises NotFound for
    somebody who was never given an item.
    """
    require_known_labeller(session, desk_id=desk_id, labeller=labeller)
    for each in KINDS if kind is None else (kind,):
        if did in (PAUSE, RESUME):
            set_paused(
                session, desk_id, labeller, each, is_paused=did == PAUSE, actor=actor, reason=reason, now=now
            )
        add_definition_change(
            session,
            desk_id=desk_id,
            kind=CHANGED,
            key=labeller,
            what={"did": did, "kind": each},
            actor=actor,
            reason=reason,
            now=now,
        )


def require_known_labeller(session: Session, *, desk_id: str, labeller: str) -> None:
    for table in (Label, Assignment):
        query = of_desk(table, desk_id).where(col(table.labeller) == labeller).limit(1)
        if session.exec(query).first() is not None:
            return
    raise NotFound("labeller", labeller)


def set_paused(
    session: Session,
    desk_id: str,
    labeller: str,
    kind: str,
    *,
    is_paused: bool,
    actor: str,
    reason: str,
    now: datetime,
) -> None:
    row = ensure_reliability(session, desk_id=desk_id, labeller=labeller, kind=kind, now=now)
    if is_paused and row.paused_at is None:
        row.paused_at, row.paused_by, row.pause_reason = now, actor, reason
    elif not is_paused and row.paused_at is not None:
        row.paused_at, row.paused_by, row.pause_reason, row.resumed_at = None, None, None, now
    save_reliability(session, row=row)


def ensure_reliability(
    session: Session, *, desk_id: str, labeller: str, kind: str, now: datetime
) -> Reliability:
    """The row of a labeller in a kind of task; a new one as of somebody of whom nothing is known."""
    row = find_reliability(session, desk_id=desk_id, kind=kind, labeller=labeller)
    if row is not None:
        return row
    low, high = find_interval(0, 0)
    new = Reliability(
        desk_id=desk_id,
        kind=kind,
        labeller=labeller,
        accuracy=FIRST_ACCURACY,
        low=low,
        high=high,
        computed_at=now,
    )
    return save_reliability(session, row=new)
