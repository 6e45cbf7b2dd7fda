"""What may become an item of a task: conversations, suggestion sets that wait for nobody, imported records.
First their keys, by what was asked for; then the texts of a few. Keyword-only, session first.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlmodel import Session, col

from feedback.records.derived import IMPORT
from feedback.records.from_judgement import LIVE
from feedback.records.personal import list_known
from feedback.records.rejections import Refusal
from feedback.records.schemas import ChoiceForm, Labelled, PairForm, ThumbForm, read_form
from feedback.store.choices import read_cards
from feedback.store.conversations import CONVERSATION_COLUMNS
from feedback.store.engine import batched, columns_of, within
from feedback.store.tables import Conversation, Item, Judgement, Message, Record, SuggestionSet
from feedback.store.tag_filters import match_tags
from feedback.store.whole_conversations import PLACE, TOLD, add_messages

CONVERSATION, SET, RECORD = "conversation", "set", "record"  # kinds of subjects
OVER = ("judged", "superseded", "bypassed")  # states of sets that wait for nobody
FORMS: dict[str, type[Labelled]] = {"choice": ChoiceForm, "pair": PairForm, "thumb": ThumbForm}
ROLES = {"customer": "user", "agent": "assistant"}


@dataclass(frozen=True)
class Wanted:
    """Which subjects: of any of these sources and languages, with a string of each of these lists of tags,
    among these keys, each with the nats that it cost. An empty wish asks for nothing; `among` of None, too.
    """

    sources: Collection[str] = ()
    tags: Sequence[Collection[str]] = ()
    languages: Collection[str] = ()
    among: Mapping[tuple[str, str], float] | None = None  # by kind and id
    since: datetime | None = None  # when it came, at the earliest


@dataclass(frozen=True)
class Subject:
    kind: str
    id: str
    source: str
    is_erased: bool
    nats: float = 0.0  # what is worst comes first where not all are taken

    @property
    def key(self) -> tuple[str, str]:
        return self.kind, self.id


@dataclass(frozen=True)
class SubjectReply:
    """`place` is its slot or its index in the record."""

    text: str
    place: int
    arm: str | None = None
    adapter: str | None = None


@dataclass(frozen=True)
class Material:
    """The texts of a subject as they were written, and what stands for its customer."""

    messages: Sequence[dict[str, str]]
    replies: Sequence[SubjectReply]
    conversation: str  # the group of its split
    conversation_id: str | None = None
    language: str | None = None
    known: Sequence[str] = ()
    chat_template_kwargs: dict[str, Any] = field(default_factory=dict)


def list_conversation_subjects(session: Session, *, desk_id: str, wanted: Wanted) -> list[Subject]:
    query = select(*columns_of(Conversation, "id source erased_at")).where(
        col(Conversation.desk_id) == desk_id,
        *within(col(Conversation.created_at), wanted.since),
        *_match(Conversation, wanted),
    )
    found = [
        Subject(CONVERSATION, id, source, gone is not None) for id, source, gone in session.execute(query)
    ]
    return _keep_among(found, wanted)


def list_sets(session: Session, *, desk_id: str, wanted: Wanted) -> list[Subject]:
    query = (
        select(col(SuggestionSet.id), *columns_of(Conversation, "source erased_at"))
        .join(Conversation, col(Conversation.id) == col(SuggestionSet.conversation_id))
        .where(col(SuggestionSet.desk_id) == desk_id, col(SuggestionSet.state).in_(OVER))
        .where(*within(col(SuggestionSet.created_at), wanted.since), *_match(Conversation, wanted))
    )
    found = [Subject(SET, id, source, gone is not None) for id, source, gone in session.execute(query)]
    return _keep_among(found, wanted)


def list_records(session: Session, *, desk_id: str, wanted: Wanted, forms: Collection[str]) -> list[Subject]:
    query = select(*columns_of(Record, "id source erased_at")).where(
        col(Record.desk_id) == desk_id,
        col(Record.origin_kind) == IMPORT,
        col(Record.kind).in_(forms),
        *within(col(Record.created_at), wanted.since),
        *_match(Record, wanted),
    )
    found = [
        Subject(RECORD, str(id), source, gone is not None) for id, source, gone in session.execute(query)
    ]
    return _keep_among(found, wanted)


def list_present(session: Session, *, task_id: str) -> set[tuple[str, str]]:
    """The subjects that the task has as items already."""
    query = select(*columns_of(Item, "subject_kind subject_id")).where(col(Item.task_id) == task_id)
    return {(kind, id) for kind, id in session.execute(query)}


def keep_unerased(session: Session, *, subjects: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
    """Those conversations and records that are not erased; nobody erases them before the transaction ends."""
    kept: set[tuple[str, str]] = set()
    for table, kind in ((Conversation, CONVERSATION), (Record, RECORD)):
        ids: list[Any] = sorted(id for of, id in subjects if of == kind)
        for batch in batched(ids if kind == CONVERSATION else map(int, ids)):
            rows: Any = select(col(table.id)).where(col(table.id).in_(batch), col(table.erased_at).is_(None))
            kept |= {(kind, str(id)) for id in session.scalars(rows.with_for_update(read=True))}
    return kept


def find_named_subjects(
    session: Session, *, desk_id: str, named: Collection[tuple[str, str, str]]
) -> dict[tuple[str, str, str], tuple[str, str]]:
    """The subjects behind records of datasets (form, source, id), by these names: of a judgement here its
    set, else the imported record.
    """
    own = [id for form, source, id in named if source == LIVE and form == "choice"]
    found: dict[tuple[str, str, str], tuple[str, str]] = {}
    for ids in batched(own):
        query = select(*columns_of(Judgement, "id set_id")).where(
            col(Judgement.desk_id) == desk_id, col(Judgement.id).in_(ids)
        )
        found |= {("choice", LIVE, id): (SET, set_id) for id, set_id in session.execute(query)}
    name = col(Record.kind) + "/" + col(Record.source) + "/" + col(Record.identity)
    for names in batched("/".join(each) for each in named if each[1] != LIVE):
        rows = select(*columns_of(Record, "kind source identity id")).where(
            col(Record.desk_id) == desk_id, name.in_(names), col(Record.origin_kind) == IMPORT
        )
        found |= {(form, source, own): (RECORD, str(id)) for form, source, own, id in session.execute(rows)}
    return {each: key for each, key in found.items() if each in named}


def read_material(session: Session, *, kind: str, ids: Sequence[str]) -> dict[str, Material | str]:
    """The texts of these subjects of one kind, by id, or the code of why a record has none."""
    if kind == CONVERSATION:
        return _read_conversations(session, ids)
    return _read_sets(session, ids) if kind == SET else _read_records(session, ids)


def _read_conversations(session: Session, ids: Sequence[str]) -> dict[str, Material | str]:
    rows = session.execute(select(*PLACE, *TOLD).where(col(Conversation.id).in_(ids))).all()
    return {
        row.id: Material(
            messages=[{"role": ROLES[said.role], "content": said.text} for said in messages],
            replies=(),
            conversation=row.id if row.source == LIVE else row.external_id or row.id,
            conversation_id=row.id,
            language=row.language,
            known=list_known(row.customer_id, row.customer_details),
        )
        for row, messages in add_messages(session, rows)
    }


def _read_sets(session: Session, ids: Sequence[str]) -> dict[str, Material | str]:
    query = (
        select(
            *columns_of(SuggestionSet, "id conversation_id messages chat_template_kwargs"),
            *CONVERSATION_COLUMNS,
        )
        .join(Conversation, col(Conversation.id) == col(SuggestionSet.conversation_id))
        .where(col(SuggestionSet.id).in_(ids))
    )
    cards = read_cards(session, set_ids=list(ids), with_tokens=False)
    found: dict[str, Material | str] = {}
    for id, conversation_id, messages, kwargs, language, _, customer_id, details in session.execute(query):
        ready = [card for card in cards.get(id, ()) if card.state == "ready" and card.text]
        found[id] = Material(
            messages=messages,
            replies=[SubjectReply(card.text or "", card.slot, card.arm, card.adapter) for card in ready],
            conversation=conversation_id,
            conversation_id=conversation_id,
            language=language,
            known=list_known(customer_id, details),
            chat_template_kwargs=kwargs,
        )
    return found


def _read_records(session: Session, ids: Sequence[str]) -> dict[str, Material | str]:
    query = select(*columns_of(Record, "id kind body conversation language"))
    found: dict[str, Material | str] = {}
    for id, kind, body, conversation, language in session.execute(
        query.where(col(Record.id).in_([int(each) for each in ids]))
    ):
        form = read_form(FORMS[kind], body)
        if isinstance(form, Refusal):
            found[str(id)] = form.reason
            continue
        found[str(id)] = Material(
            messages=[{"role": said.role, "content": said.content} for said in form.prompt],
            replies=_list_replies(form),
            conversation=conversation,
            language=language,
            chat_template_kwargs=form.chat_template_kwargs,
        )
    return found


def _list_replies(form: Labelled) -> list[SubjectReply]:
    if isinstance(form, ChoiceForm):
        return [
            SubjectReply(each.text, at, each.arm, each.adapter) for at, each in enumerate(form.candidates)
        ]
    if isinstance(form, PairForm):
        return [SubjectReply(side[-1].content, at) for at, side in enumerate((form.chosen, form.rejected))]
    assert isinstance(form, ThumbForm)
    return [SubjectReply(form.completion[-1].content, 0, form.arm, form.adapter)]


def _match(table: Any, wanted: Wanted) -> list[ColumnElement[bool]]:
    found = [match_tags(strings, table.tags) for strings in wanted.tags]
    if wanted.sources:
        found.append(col(table.source).in_(wanted.sources))
    if wanted.languages:  # zh asks for zh-CN, too
        spoken = func.lower(col(table.language))
        asked = [each.lower() for each in wanted.languages]
        found.append(or_(spoken.in_(asked), *(spoken.like(f"{each}-%") for each in asked)))
    return found


def _keep_among(found: list[Subject], wanted: Wanted) -> list[Subject]:
    if wanted.among is None:
        return found
    return [replace(each, nats=wanted.among[each.key]) for each in found if each.key in wanted.among]


def read_material_before(session: Session, *, message: Message) -> Material:
    """A reply of the desk, with the prompt of its set or, where it has none, what was said before it."""
    (talk,) = _read_conversations(session, [message.conversation_id]).values()
    assert isinstance(talk, Material)
    query = select(*columns_of(SuggestionSet, "messages chat_template_kwargs"))
    drawn = session.execute(query.where(col(SuggestionSet.turn_id) == message.turn_id)).first()
    prompt, kwargs = drawn if drawn is not None and drawn[0] else (_before(talk.messages), {})
    reply = SubjectReply(message.text or "", 0)
    return replace(talk, messages=prompt, replies=[reply], chat_template_kwargs=kwargs)


def _before(messages: Sequence[dict[str, str]]) -> Sequence[dict[str, str]]:
    """What was said up to the customer's last message."""
    asked = [place for place, said in enumerate(messages) if said["role"] == "user"]
    return messages[: asked[-1] + 1] if asked else []
