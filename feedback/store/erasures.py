"""Erases a customer's texts from the rows and keeps the rows as tombstones with ids, states and times.

What is left in each column is declared where its table is defined (`columns.declare()`); this module finds
the rows of a customer. Files are erased in `feedback/erasure/files.py`. Keyword-only, session first, no
commit.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlmodel import Session, SQLModel, col

from feedback.records.derived import IMPORT
from feedback.records.from_judgement import DUEL, LABEL, LIVE
from feedback.store.derived_records import renew_conversations, renew_items
from feedback.store.engine import batched, of_desk
from feedback.store.helper_subjects import CONVERSATION, ITEM, RECORD, is_about
from feedback.store.mixed_datasets import has_learnt
from feedback.store.records import list_text_names
from feedback.store.shown_items import drop_items, items_of_conversations, items_of_records
from feedback.store.tables import (
    Assignment,
    Candidate,
    Conversation,
    Dataset,
    DatasetJob,
    Draft,
    Duel,
    Erasure,
    Fit,
    HelperCall,
    HelperLabel,
    Item,
    Judgement,
    JudgementReasons,
    Label,
    Message,
    Record,
    Run,
    SuggestionSet,
    Thumb,
    Turn,
)
from feedback.store.turns import OPEN_SETS

ERASED = "erased"
Member = tuple[str, str, str]  # form, source and id under which a dataset holds a record


@dataclass(frozen=True)
class ErasedSubject:
    """The rows to erase, with what was derived from them: conversations by id, imported records by row."""

    conversations: list[str] = field(default_factory=list)
    records: list[int] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        return not self.conversations and not self.records


def find_customer(session: Session, *, desk_id: str, customer_id: str) -> ErasedSubject:
    """All rows of this customer that still have their texts."""
    theirs = col(Conversation.customer_id) == customer_id
    named = col(Record.body)["customer_id"].as_string() == customer_id
    return _find(session, desk_id, theirs, [named])


def find_conversation(session: Session, *, desk_id: str, conversation_id: str) -> ErasedSubject:
    """One conversation, found by its id or by the id of its source, and the imported records made of it."""
    named = or_(col(Conversation.id) == conversation_id, col(Conversation.external_id) == conversation_id)
    return _find(session, desk_id, named, [col(Record.conversation) == conversation_id])


def find_before(session: Session, *, desk_id: str, before: datetime, limit: int) -> ErasedSubject:
    """At most `limit` conversations and records from before that time without a message since."""
    since = select(col(Message.conversation_id)).where(col(Message.created_at) >= before)
    old = (col(Conversation.created_at) < before) & col(Conversation.id).not_in(since)
    return _find(session, desk_id, old, [col(Record.created_at) < before], limit=limit)


def find_listed(
    session: Session, *, desk_id: str, conversations: list[str], records: list[str]
) -> ErasedSubject:
    """The rows that an earlier erasure named, in a restored store; records are `kind/source/identity`."""
    found = ErasedSubject()
    for ids in batched(conversations):
        found.conversations.extend(_find(session, desk_id, col(Conversation.id).in_(ids), []).conversations)
    name = col(Record.kind) + "/" + col(Record.source) + "/" + col(Record.identity)
    for names in batched(records):
        found.records.extend(_find(session, desk_id, col(Conversation.id).in_(()), [name.in_(names)]).records)
    return found


def _find(
    session: Session,
    desk_id: str,
    conversations: ColumnElement[bool],
    records: list[ColumnElement[bool]],
    limit: int | None = None,
) -> ErasedSubject:
    rows = session.execute(
        select(col(Conversation.id), col(Conversation.source), col(Conversation.external_id))
        .where(col(Conversation.desk_id) == desk_id, col(Conversation.erased_at).is_(None), conversations)
        .order_by(col(Conversation.created_at), col(Conversation.id))
        .limit(limit)
    ).all()
    # Records that were imported beside their conversation name it by the id of their common source.
    by_source: dict[str, list[str]] = {}
    for _, source, external_id in rows:
        if external_id is not None:
            by_source.setdefault(source, []).append(external_id)
    for source, ids in by_source.items():
        records = [*records, (col(Record.source) == source) & col(Record.conversation).in_(ids)]
    query = select(col(Record.id)).where(
        col(Record.desk_id) == desk_id,
        col(Record.origin_kind) == IMPORT,
        col(Record.erased_at).is_(None),
        or_(False, *records),
    )
    found = session.scalars(query.order_by(col(Record.id)).limit(limit))
    return ErasedSubject([row[0] for row in rows], [id for id in found if id is not None])


def list_members(session: Session, *, subject: ErasedSubject) -> list[Member]:
    """The names (form, source, id) under which datasets may hold what is to be erased."""
    members: list[Member] = []
    for ids in batched(subject.conversations):
        judged = select(col(Judgement.id)).where(col(Judgement.set_id).in_(_sets(ids)))
        said = select(col(Label.id)).join(Duel, col(Duel.task_id) == col(Label.task_id))
        marked = select(col(Thumb.id)).where(col(Thumb.message_id).in_(_messages(ids)))
        members += [("choice", LIVE, id) for id in session.scalars(judged)]
        verdicts = session.scalars(said.where(col(Label.item_id).in_(items_of_conversations(ids))))
        members += [("choice", DUEL, id) for id in verdicts]
        members += [("thumb", LIVE, id) for id in session.scalars(marked)]
        members += _labelled(session, items_of_conversations(ids))
        members += list_text_names(session, conversation_ids=ids)
    for rows in batched(subject.records):
        names = select(col(Record.kind), col(Record.source), col(Record.identity))
        members += [tuple(row) for row in session.execute(names.where(col(Record.id).in_(rows)))]
        members += _labelled(session, items_of_records(rows))
    return members


def _labelled(session: Session, items: Any) -> list[Member]:
    """The names of the records that items came to."""
    names = select(col(Record.kind), col(Record.source), col(Record.identity))
    of_items = col(Record.origin_kind) == LABEL, col(Record.origin_id).in_(items)
    return [tuple(row) for row in session.execute(names.where(*of_items))]


def list_record_names(session: Session, *, subject: ErasedSubject) -> list[str]:
    """The names `kind/source/identity` of the subject's imported records."""
    imported = list_members(session, subject=ErasedSubject(records=subject.records))
    return ["/".join(name) for name in imported if name[1] != LABEL]


def erase_rows(session: Session, *, subject: ErasedSubject, now: datetime) -> dict[str, int]:
    """Leaves tombstones of the subject's rows, closes work on them, and returns their number by table."""
    counts: dict[str, int] = {}
    for ids in batched(subject.conversations):
        session.execute(  # the lock under which everybody writes to a conversation
            select(col(Conversation.id)).where(col(Conversation.id).in_(ids)).with_for_update(key_share=True)
        )
        _close_work(session, ids)
        for table, of_them in _paths(ids):
            _erase(session, table, of_them, counts)
        _erase(session, Conversation, col(Conversation.id).in_(ids), counts, erased_at=now)
        counted = select(col(Record.adapter)).where(col(Record.conversation).in_(ids))
        _erase(session, Fit, col(Fit.adapter).in_(counted), {})  # its breakdown names the customers' tags
        renew_conversations(session, conversation_ids=ids)
    for rows in batched(subject.records):
        session.execute(
            select(col(Record.id)).where(col(Record.id).in_(rows)).with_for_update(key_share=True)
        )
        items = items_of_records(rows)
        drop_items(session, items, reason=ERASED)
        for table, of_them in _label_paths(items):
            _erase(session, table, of_them, counts)
        _erase(session, HelperCall, is_about(RECORD, [str(row) for row in rows]), counts)
        _erase(session, Record, col(Record.id).in_(rows), counts, erased_at=now)
        renew_items(session, which=col(Item.id).in_(items))
    return counts


def _paths(ids: Sequence[str]) -> list[tuple[type[SQLModel], ColumnElement[bool]]]:
    """Every table whose rows belong to a conversation, with the condition that finds them."""
    return [
        (Message, col(Message.conversation_id).in_(ids)),
        (SuggestionSet, col(SuggestionSet.conversation_id).in_(ids)),
        (Candidate, col(Candidate.set_id).in_(_sets(ids))),
        (Judgement, col(Judgement.set_id).in_(_sets(ids))),
        (Draft, col(Draft.conversation_id).in_(ids)),
        (JudgementReasons, col(JudgementReasons.judgement_id).in_(_judgements(ids))),
        (Thumb, col(Thumb.message_id).in_(_messages(ids))),
        (HelperCall, is_about(CONVERSATION, ids)),
        *_label_paths(items_of_conversations(ids)),
    ]


def _label_paths(items: Any) -> list[tuple[type[SQLModel], ColumnElement[bool]]]:
    """The tables of items and of what was said of them, by people and the helper."""
    return [
        (Item, col(Item.id).in_(items)),
        (Assignment, col(Assignment.item_id).in_(items)),
        (Label, col(Label.item_id).in_(items)),
        (HelperCall, or_(col(HelperCall.item_id).in_(items), is_about(ITEM, items))),
        (HelperLabel, col(HelperLabel.item_id).in_(items)),
    ]


# Whose rows are found otherwise: by their own id, a dataset that is erased, or an adapter.
BESIDE: tuple[type[SQLModel], ...] = (Conversation, Record, Run, DatasetJob, Fit)


def list_covered() -> set[type[SQLModel]]:
    """All tables in which erasure finds a customer's rows."""
    return {table for table, _ in _paths(())} | set(BESIDE)


def _close_work(session: Session, ids: Sequence[str]) -> None:
    turns = update(Turn).where(col(Turn.conversation_id).in_(ids), col(Turn.state) == "waiting")
    session.execute(turns.values(state="closed"))
    sets = update(SuggestionSet).where(col(SuggestionSet.conversation_id).in_(ids))
    session.execute(sets.where(col(SuggestionSet.state).in_(OPEN_SETS)).values(state="superseded"))
    session.execute(sets.values(lease_owner=None, lease_until=None))  # a generator can no longer write
    drop_items(session, items_of_conversations(ids), reason=ERASED)


def _erase(
    session: Session, table: type[SQLModel], which: ColumnElement[bool], counts: dict[str, int], **marks: Any
) -> None:
    columns = table.__table__.info["erased"]  # type: ignore[attr-defined]
    done = session.execute(update(table).where(which).values(**columns, **marks))
    counts[table.__tablename__] = counts.get(str(table.__tablename__), 0) + done.rowcount  # type: ignore[attr-defined,index]


def _sets(ids: Sequence[str]) -> Any:
    return select(col(SuggestionSet.id)).where(col(SuggestionSet.conversation_id).in_(ids))


def _judgements(ids: Sequence[str]) -> Any:
    return select(col(Judgement.id)).where(col(Judgement.set_id).in_(_sets(ids)))


def _messages(ids: Sequence[str]) -> Any:
    return select(col(Message.id)).where(col(Message.conversation_id).in_(ids))


def mark_datasets(session: Session, *, dataset_ids: Iterable[str], now: datetime) -> None:
    """Marks these datasets as holding erased records, and erases the texts of their runs, whose errors may
    quote a record, and what checks found, which names records. The mark of an earlier erasure stays.
    """
    ids = list(dataset_ids)
    unmarked = update(Dataset).where(col(Dataset.id).in_(ids), col(Dataset.erased_at).is_(None))
    session.execute(unmarked.values(erased_at=now))
    _erase(session, Run, col(Run.dataset_id).in_(ids), {})
    _erase(session, DatasetJob, col(DatasetJob.dataset_id).in_(ids), {})


def list_dataset_ids(session: Session, *, desk_id: str) -> list[str]:
    """Every dataset of the desk, erased ones as well."""
    query = select(col(Dataset.id)).where(col(Dataset.desk_id) == desk_id)
    return list(session.scalars(query.order_by(col(Dataset.created_at), col(Dataset.id))))


def count_erasures(session: Session, *, desk_id: str) -> int:
    query = select(func.count()).select_from(Erasure).where(col(Erasure.desk_id) == desk_id)
    return session.scalar(query) or 0


def list_unfinished_erasures(session: Session) -> list[str]:
    query = select(col(Erasure.id)).where(col(Erasure.finished_at).is_(None))
    return list(session.scalars(query.order_by(col(Erasure.created_at), col(Erasure.id))))


def list_to_rebuild(session: Session, *, desk_id: str) -> list[Dataset]:
    query = of_desk(Dataset, desk_id).where(
        col(Dataset.erased_at).is_not(None), col(Dataset.rebuilt_at).is_(None)
    )
    return list(session.exec(query.order_by(col(Dataset.created_at), col(Dataset.id))))


def list_runs_of(session: Session, *, dataset_ids: list[str]) -> list[Run]:
    return list(session.scalars(select(Run).where(has_learnt(dataset_ids))))


def sum_of_run(session: Session, *, run_id: str) -> dict[str, int]:
    """The number of rows by table that the retention rule erased in the night of this run."""
    summed: dict[str, int] = {}
    for counts in session.scalars(select(col(Erasure.counts)).where(col(Erasure.run_id) == run_id)):
        for table, count in counts.items():
            summed[table] = summed.get(table, 0) + count
    return summed
