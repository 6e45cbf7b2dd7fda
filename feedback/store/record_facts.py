"""What the rows of records tell of why a dataset holds a record or not. Keyword-only, session first."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session, and_, col, not_, or_, select

from feedback.records.derived import IMPORT
from feedback.records.from_conversation import PERSON
from feedback.records.from_judgement import DUEL
from feedback.store.engine import of_desk
from feedback.store.overview import name_language
from feedback.store.row_selection import is_in_language
from feedback.store.tables import Conversation, Duel, Label, Message, Record
from feedback.store.tag_filters import match_tags


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


def has_selected(
    session: Session,
    *,
    desk_id: str,
    sources: Collection[str],
    left_out: Collection[str],
    tags: Collection[str] | None,
    without_tags: Collection[str],
    languages: Collection[str],
    since: datetime | None,
) -> bool:
    """Whether any record that something can be learned from is selected, or may be, or an imported
    conversation in which a person wrote: verdicts of duels have no rows here, and count if there are any.
    `tags` are strings, as `TagTree.expand` names them; None asks for none.
    """

    def match(table: Any) -> Iterator[Any]:
        yield table.desk_id == desk_id
        yield col(table.source).not_in(left_out)
        if sources:
            yield col(table.source).in_(sources)
        if tags is not None:
            yield match_tags(tags, table.tags)
        if without_tags:
            yield not_(match_tags(without_tags, table.tags))
        yield from (or_(*(is_in_language(each, table.language) for each in languages)),) if languages else ()

    records = select(Record.id).where(
        *match(Record), col(Record.rejection).is_(None), col(Record.erased_at).is_(None)
    )
    written = select(Message.id).join(Conversation, col(Conversation.id) == col(Message.conversation_id))
    talks = written.where(*match(Conversation), Message.origin == PERSON, col(Message.text).is_not(None))
    if since is not None:
        is_own = col(Record.origin_kind) != IMPORT
        records = records.where(or_(col(Record.at) >= since, and_(is_own, col(Record.created_at) >= since)))
        talks = talks.where(col(Conversation.created_at) >= since)
    if any(session.exec(query.limit(1)).first() is not None for query in (records, talks)):
        return True
    judged = of_desk(Label, desk_id).join(Duel, col(Duel.task_id) == col(Label.task_id)).limit(1)
    return (not sources or DUEL in sources) and session.exec(judged).first() is not None


def list_languages_of_records(session: Session, *, desk_id: str) -> list[str]:
    """The languages of the desk's records, without their regions."""
    query = select(Record.language).where(Record.desk_id == desk_id).distinct()
    return sorted({name_language(code) for code in session.exec(query) if code})
