"""What the rows of records tell of why a dataset holds a record or not. Keyword-only, session first."""

from collections.abc import Collection, Iterator, Sequence

from sqlmodel import Session, col, select

from feedback.store.tables import Record


def find_by_identity(
    session: Session, *, desk_id: str, form: str, identities: Collection[str]
) -> Sequence[Record]:
    """The records of a form with one of these identities, of any source."""
    query = select(Record).where(
        Record.desk_id == desk_id, Record.kind == form, col(Record.identity).in_(identities)
    )
    return session.exec(query).all()


def iterate_names(session: Session, *, desk_id: str) -> Iterator[tuple[str, str, str, str | None]]:
    """Form, source, identity and language of every record that something can be learned from."""
    query = select(Record.kind, Record.source, Record.identity, Record.language).where(
        Record.desk_id == desk_id, col(Record.rejection).is_(None), col(Record.erased_at).is_(None)
    )
    yield from session.exec(query.execution_options(yield_per=1_000))
