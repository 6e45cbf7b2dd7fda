"""Rows of `source`: the registry of where records come from, and what people decide about each.
Keyword-only, session first, no commit.

Every decision adds a row to `change`, which tells when, by whom and why. What people do here (`live`, `duel`)
is registered, too, and nobody decides about it: it is left out of a dataset by a selection, never silently.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, func, select

from feedback.errors import Conflict, NotFound
from feedback.sources.grade import GRADES, SourceCounts, SourceGrade, grade_source
from feedback.sources.kinds import OWN_KIND, guess_kind
from feedback.store.definition_changes import add_definition_change
from feedback.store.engine import of_desk, save_row
from feedback.store.import_tallies import count_imports
from feedback.store.tables import DefinitionChange, Source, new_id

ACTIVE, PAUSED, WITHDRAWN = "active", "paused", "withdrawn"
STATES = (ACTIVE, PAUSED, WITHDRAWN)
REFUSED_AS = {PAUSED: "source_paused", WITHDRAWN: "source_withdrawn"}  # by state
LOW_GRADE = "source_grade"
CHANGED = "source"  # the kind of its rows in `change`


class SourcePaused(Conflict):
    def __init__(self, name: str) -> None:
        super().__init__(
            "source_paused",
            f"The source {name!r} is paused and takes nothing.",
            f"Resume it with `rejoinder source state {name} active --reason WHY`, or on its page.",
        )


class SourceWithdrawn(Conflict):
    def __init__(self, name: str) -> None:
        super().__init__(
            "source_withdrawn",
            f"The source {name!r} is withdrawn and takes nothing.",
            f"Resume it with `rejoinder source state {name} active --reason WHY`, or give another name.",
        )


class SourceOwn(Conflict):
    def __init__(self, name: str) -> None:
        super().__init__(
            "source_own",
            f"{name!r} is what people do here: it is neither described, paused, withdrawn nor graded.",
            "Build a dataset from the other sources alone: `rejoinder dataset build --source NAME`.",
        )


class SourceState(Conflict):
    def __init__(self, name: str, state: str, wanted: str) -> None:
        super().__init__(
            "source_state",
            f"The source {name!r} is {state} and cannot become {wanted}.",
            "Resume it first.",
        )


def list_sources(session: Session, *, desk_id: str) -> Sequence[Source]:
    """All sources of a desk by name."""
    return session.exec(of_desk(Source, desk_id).order_by(col(Source.name))).all()


def register_sources(
    session: Session, *, desk_id: str, kinds: Mapping[str, str], now: datetime
) -> dict[str, str]:
    """Registers those of these sources that the desk does not know, each with its kind. Returns the state of
    each of them by name.
    """
    query = select(Source.name, Source.state).where(
        col(Source.desk_id) == desk_id, col(Source.name).in_(kinds)
    )
    states = dict(session.exec(query).all())
    rows = [
        {
            "id": new_id(),
            "desk_id": desk_id,
            "name": name,
            "kind": kind,
            "state": "active",
            "created_at": now,
        }
        for name, kind in sorted(kinds.items())
        if name not in states
    ]
    if rows:
        # Another process may register the same one at this moment.
        insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
        new = insert(Source).on_conflict_do_nothing(index_elements=["desk_id", "name"])
        session.connection().execute(new, rows)
        states |= dict(session.exec(query).all())
    return states


def require_open(session: Session, *, desk_id: str, names: Collection[str]) -> None:
    """Raises SourcePaused or SourceWithdrawn if one of these sources takes nothing at present."""
    for row in list_sources(session, desk_id=desk_id):
        if row.name in names and row.state == PAUSED:
            raise SourcePaused(row.name)
        if row.name in names and row.state == WITHDRAWN:
            raise SourceWithdrawn(row.name)


def hold_source(session: Session, *, desk_id: str, name: str) -> Source:
    """The row of a source that people may decide about, held until the end of the transaction. Raises
    NotFound and SourceOwn.
    """
    query = of_desk(Source, desk_id).where(col(Source.name) == name)
    row = session.exec(query.with_for_update(key_share=True)).one_or_none()
    if row is None:
        raise NotFound("source", name)
    if row.kind == OWN_KIND:
        raise SourceOwn(name)
    return row


def describe_source(
    session: Session,
    *,
    desk_id: str,
    name: str,
    values: Mapping[str, str | None],
    actor: str,
    now: datetime,
    reason: str = "",
) -> Source:
    """Registers a source or, if it is there, says more of it: its kind, owner, licence, language, note."""
    register_sources(session, desk_id=desk_id, kinds={name: guess_kind(name)}, now=now)
    row = hold_source(session, desk_id=desk_id, name=name)
    return set_source(session, row=row, values=values, actor=actor, reason=reason, now=now)


def change_source_state(
    session: Session, *, desk_id: str, name: str, state: str, actor: str, reason: str, now: datetime
) -> Source:
    """Pauses, withdraws or resumes a source. Its records stay. A withdrawn one is not merely paused: that
    would undo the withdrawal without a word.
    """
    row = hold_source(session, desk_id=desk_id, name=name)
    if (row.state, state) == (WITHDRAWN, PAUSED):
        raise SourceState(name, row.state, state)
    return set_source(session, row=row, values={"state": state}, actor=actor, reason=reason, now=now)


def set_source(
    session: Session,
    *,
    row: Source,
    values: Mapping[str, str | None],
    actor: str,
    reason: str,
    now: datetime,
) -> Source:
    """Gives a source these values and notes what they were; where all are as they were, nothing is noted."""
    what: dict[str, Any] = {
        name: [getattr(row, name), value] for name, value in values.items() if getattr(row, name) != value
    }
    if what:
        for name, (_, value) in what.items():
            setattr(row, name, value)
        save_row(session, row)
        add_definition_change(
            session,
            desk_id=row.desk_id,
            kind=CHANGED,
            key=row.name,
            what=what,
            actor=actor,
            reason=reason,
            now=now,
        )
    return row


def read_withdrawn(session: Session, *, desk_id: str) -> dict[str, datetime]:
    """The withdrawn sources, each with the time of its withdrawal."""
    withdrawn = select(Source.name).where(col(Source.desk_id) == desk_id, col(Source.state) == WITHDRAWN)
    query = (
        select(DefinitionChange.key, func.max(DefinitionChange.created_at))
        .where(
            col(DefinitionChange.desk_id) == desk_id,
            col(DefinitionChange.kind) == CHANGED,
            col(DefinitionChange.key).in_(withdrawn),
            col(DefinitionChange.what)["state"].as_string().is_not(None),
        )
        .group_by(col(DefinitionChange.key))
    )
    return dict(session.exec(query).all())


def read_grades(session: Session, *, desk_id: str) -> dict[str, SourceGrade]:
    """The grade of every source but our own, by name. What imports brought are sums, not a history."""
    counts = count_imports(session, desk_id=desk_id)
    return {
        row.name: grade_source(counts.get(row.name, SourceCounts()), row.grade_override)
        for row in list_sources(session, desk_id=desk_id)
        if row.kind != OWN_KIND
    }


def override_grade(
    session: Session, *, desk_id: str, name: str, grade: str | None, actor: str, reason: str, now: datetime
) -> Source:
    """Gives a source a grade that holds instead of the computed one; None takes it back."""
    row = hold_source(session, desk_id=desk_id, name=name)
    return set_source(session, row=row, values={"grade_override": grade}, actor=actor, reason=reason, now=now)


def read_left_out(session: Session, *, desk_id: str, named: Collection[str] = ()) -> dict[str, str]:
    """The sources that no dataset takes, each with the code of why. One with the grade D is taken where a
    selection names it.
    """
    left = {
        name: LOW_GRADE
        for name, grade in read_grades(session, desk_id=desk_id).items()
        if grade.in_force == GRADES[-1] and name not in named
    }
    query = select(Source.name, Source.state).where(
        col(Source.desk_id) == desk_id, col(Source.state).in_(REFUSED_AS)
    )
    return left | {name: REFUSED_AS[state] for name, state in session.exec(query)}
