"""Rows of `import_tally`: what each import brought of each source. Keyword-only, session first, no commit."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import case, func, select
from sqlmodel import Session, col

from feedback.sources.grade import SourceCounts
from feedback.store.tables import Import, ImportTally


class SourceImport(NamedTuple):
    """An import, and what it brought of one source."""

    row: Import
    tally: ImportTally


def add_tallies(session: Session, *, rows: Iterable[ImportTally]) -> None:
    session.add_all(rows)


def count_imports(session: Session, *, desk_id: str, name: str | None = None) -> dict[str, SourceCounts]:
    """The sums over all imports that stand, by source; of all sources or of one."""
    known = case((col(ImportTally.usable).is_(None), 0), else_=col(ImportTally.accepted))
    sums: list[Any] = [
        func.sum(part)
        for part in (
            ImportTally.accepted,
            ImportTally.duplicates,
            ImportTally.refused,
            ImportTally.usable,
            known,
        )
    ]
    query = (
        select(col(ImportTally.source), *sums)
        .join(Import, col(Import.id) == ImportTally.import_id)
        .where(col(ImportTally.desk_id) == desk_id, col(Import.undone_at).is_(None))
        .group_by(col(ImportTally.source))
    )
    if name is not None:
        query = query.where(col(ImportTally.source) == name)
    return {
        source: SourceCounts(*(int(part or 0) for part in parts)) for source, *parts in session.execute(query)
    }


def list_imports_of(session: Session, *, desk_id: str, name: str, limit: int = 50) -> Sequence[SourceImport]:
    """The imports that brought records of a source, newest first."""
    query = (
        select(Import, ImportTally)
        .join(ImportTally, col(ImportTally.import_id) == Import.id)
        .where(col(ImportTally.desk_id) == desk_id, col(ImportTally.source) == name)
        .order_by(col(Import.created_at).desc(), col(Import.id))
        .limit(limit)
    )
    return [SourceImport(row, tally) for row, tally in session.execute(query)]


def name_sources_of(session: Session, *, desk_id: str, import_ids: Collection[str]) -> dict[str, list[str]]:
    """The sources of which each of these imports brought something, by their names."""
    query = (
        select(col(ImportTally.import_id), col(ImportTally.source))
        .where(col(ImportTally.desk_id) == desk_id, col(ImportTally.import_id).in_(import_ids))
        .order_by(col(ImportTally.source))
    )
    found: dict[str, list[str]] = {}
    for import_id, source in session.execute(query):
        found.setdefault(import_id, []).append(source)
    return found
