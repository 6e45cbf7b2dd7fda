"""Counts records by source and split, and reads what finds their difficulty. Reads only."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import Text, cast, func, not_, select
from sqlmodel import Session, col

from feedback.records.derived import IMPORT
from feedback.records.split import split_of
from feedback.store.engine import batched, columns_of
from feedback.store.labelled_items import RECORD
from feedback.store.tables import Conversation, Item, Record


class RecordName(NamedTuple):
    """The name under which a run reads a record, its language and the JSON of its tags."""

    form: str
    source: str
    identity: str
    language: str | None
    tags: str


def count_records_by_source(session: Session, *, desk_id: str) -> dict[str, Counter[str]]:
    """Usable records by source and split. An imported one is in the split of its conversation."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    is_ours = (
        col(Record.desk_id) == desk_id,
        col(Record.rejection).is_(None),
        col(Record.erased_at).is_(None),
    )
    is_import = col(Record.origin_kind) == IMPORT
    by_split, by_talk = (
        (col(Record.source), col(Record.split)),
        (col(Record.source), col(Record.conversation)),
    )
    own = select(*by_split, func.count()).where(*is_ours, not_(is_import)).group_by(*by_split)
    for source, split, count in session.execute(own):
        found[source][split or ""] += count
    came = select(*by_talk, func.count()).where(*is_ours, is_import).group_by(*by_talk)
    for source, conversation, count in session.execute(came):
        found[source][split_of(conversation)] += count
    return found


def read_item_sources(session: Session, *, task_id: str) -> dict[str, str]:
    """By item of a task, the source of the conversation or the record that it shows."""
    of_task = col(Item.task_id) == task_id
    talks = (
        select(col(Item.id), col(Conversation.source))
        .join(Conversation, col(Conversation.id) == col(Item.conversation_id))
        .where(of_task, col(Item.subject_kind) != RECORD)
    )
    found: dict[str, str] = {item_id: source for item_id, source in session.execute(talks)}
    shown = select(col(Item.id), col(Item.subject_id)).where(of_task, col(Item.subject_kind) == RECORD)
    record_of = {item_id: int(row) for item_id, row in session.execute(shown)}
    sources: dict[int, str] = {}
    for ids in batched(sorted(set(record_of.values()))):
        rows = select(col(Record.id), col(Record.source)).where(col(Record.id).in_(ids))
        sources |= {row: source for row, source in session.execute(rows)}
    return found | {item_id: sources[row] for item_id, row in record_of.items() if row in sources}


def iterate_named(session: Session, *, desk_id: str) -> Iterator[RecordName]:
    """Every record that something can be learned from."""
    columns = *columns_of(Record, "kind source identity language"), cast(col(Record.tags), Text)
    query = select(*columns).where(
        col(Record.desk_id) == desk_id, col(Record.rejection).is_(None), col(Record.erased_at).is_(None)
    )
    for row in session.execute(query.execution_options(yield_per=1_000)):
        yield RecordName(*row)
