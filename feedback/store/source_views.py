"""What is shown of sources: the row, what the store holds of it, what its imports brought, its grade. Every
figure is a sum of the database, whatever the length of the history. Keyword-only, session first, no commit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlmodel import Session, col

from feedback.errors import NotFound
from feedback.sources.grade import SourceCounts, SourceGrade
from feedback.store.datasets import select_datasets
from feedback.store.import_tallies import count_imports
from feedback.store.source_marks import list_sources_of
from feedback.store.sources import list_sources, read_grades
from feedback.store.tables import Adapter, Conversation, Dataset, Record, Source

DETAILS = ("name", "kind", "owner", "licence", "language", "note", "state", "folder")
FORMS = ("choice", "pair", "thumb", "conversation")


@dataclass(frozen=True)
class SourceView:
    """`held` counts records by form, and conversations. `grade` is None for what people do here."""

    row: Source
    held: Mapping[str, int]
    counts: SourceCounts
    grade: SourceGrade | None

    @property
    def refused_share(self) -> float | None:
        """Of the lines that its imports read, the share that was refused; None before any."""
        return self.counts.refused / self.counts.lines if self.counts.lines else None

    def to_json(self) -> dict[str, Any]:
        return {
            **{name: getattr(self.row, name) for name in DETAILS},
            "created_at": self.row.created_at.isoformat(),
            "records": {form: self.held[form] for form in FORMS if self.held.get(form)},
            "accepted": self.counts.accepted,
            "refused": self.counts.refused,
            "grade": self.grade.to_json() if self.grade else None,
        }


def list_source_views(session: Session, *, desk_id: str) -> list[SourceView]:
    """All sources of a desk by name."""
    held = count_held(session, desk_id=desk_id)
    counts = count_imports(session, desk_id=desk_id)
    grades = read_grades(session, desk_id=desk_id)
    return [
        SourceView(row, held.get(row.name, {}), counts.get(row.name, SourceCounts()), grades.get(row.name))
        for row in list_sources(session, desk_id=desk_id)
    ]


def read_source_view(session: Session, *, desk_id: str, name: str) -> SourceView:
    """One source. Raises NotFound."""
    for view in list_source_views(session, desk_id=desk_id):
        if view.row.name == name:
            return view
    raise NotFound("source", name)


def count_held(session: Session, *, desk_id: str) -> dict[str, dict[str, int]]:
    """By source: the records of each form, and the conversations. Answered by indexes alone."""
    records = (
        select(col(Record.source), col(Record.kind), func.count())
        .where(col(Record.desk_id) == desk_id)
        .group_by(col(Record.kind), col(Record.source))
    )
    talks = (
        select(col(Conversation.source), func.count())
        .where(col(Conversation.desk_id) == desk_id)
        .group_by(col(Conversation.source))
    )
    held: dict[str, dict[str, int]] = {}
    for source, form, count in session.execute(records):
        held.setdefault(source, {})[form] = count
    for source, count in session.execute(talks):
        held.setdefault(source, {})["conversation"] = count
    return held


def list_holders(session: Session, *, desk_id: str, name: str) -> list[tuple[Dataset, Sequence[str]]]:
    """The latest datasets that hold records of a source, each with the adapters trained on it."""
    rows = [row for row in select_datasets(session, desk_id=desk_id) if name in list_sources_of(row)]
    query = select(col(Adapter.dataset_id), col(Adapter.name)).where(
        col(Adapter.dataset_id).in_([row.id for row in rows])
    )
    adapters: dict[str, list[str]] = {}
    for dataset_id, adapter in session.execute(query.order_by(col(Adapter.created_at))):
        adapters.setdefault(dataset_id, []).append(adapter)
    return [(row, adapters.get(row.id, [])) for row in rows]
