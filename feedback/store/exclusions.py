"""Labellers whose labels are left out in a kind of task, by the rows of `change` that say so, of which the
last one of each counts. Keyword-only, session first, no commit.
"""

from collections.abc import Collection

from sqlalchemy import bindparam
from sqlmodel import Session, col, select

from feedback.store.tables import DefinitionChange

CHANGED = "labeller"  # the kind of the rows in `change` that decide about somebody
EXCLUDE, INCLUDE = "exclude", "include"
# Every label asks this: it is made once.
_DECIDED = (
    select(DefinitionChange.key, DefinitionChange.what)
    .where(col(DefinitionChange.desk_id) == bindparam("of_desk"), col(DefinitionChange.kind) == CHANGED)
    .order_by(col(DefinitionChange.id))
)


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
