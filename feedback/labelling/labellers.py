"""What is decided about a labeller in a kind of task: paused or resumed, their labels left out or taken in
again. Each decision adds a row to `change` and needs a reason.

Somebody who is paused gets no more items; what they said counts on. Labels that are left out count nowhere:
not for an item's outcome, not for agreement, not as training data. They stay as they are, so that it can be
undone.
"""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import bindparam
from sqlmodel import Session, col, select

from feedback.errors import NotFound
from feedback.labelling.kinds import KINDS
from feedback.labelling.posterior import FIRST_ACCURACY
from feedback.labelling.reliability import find_interval
from feedback.store.definition_changes import add_definition_change
from feedback.store.engine import of_desk
from feedback.store.reliabilities import find_reliability, save_reliability
from feedback.store.tables import Assignment, DefinitionChange, Label, Reliability

CHANGED = "labeller"  # the kind of its rows in `change`
PAUSE, RESUME, EXCLUDE, INCLUDE = "pause", "resume", "exclude", "include"
# Every label asks this: it is made once.
_DECIDED = (
    select(DefinitionChange.key, DefinitionChange.what)
    .where(col(DefinitionChange.desk_id) == bindparam("of_desk"), col(DefinitionChange.kind) == CHANGED)
    .order_by(col(DefinitionChange.id))
)


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


def read_excluded(session: Session, *, desk_id: str, kind: str) -> Collection[str]:
    """The labellers whose labels count nowhere in a kind of task."""
    return {labeller for labeller, of_kind in read_all_excluded(session, desk_id=desk_id) if of_kind == kind}


def read_all_excluded(session: Session, *, desk_id: str) -> set[tuple[str, str]]:
    """Labeller and kind of task of every exclusion that holds: the last word counts."""
    excluded: set[tuple[str, str]] = set()
    for labeller, what in session.exec(_DECIDED, params={"of_desk": desk_id}):
        if what["did"] == EXCLUDE:
            excluded.add((labeller, what["kind"]))
        elif what["did"] == INCLUDE:
            excluded.discard((labeller, what["kind"]))
    return excluded
