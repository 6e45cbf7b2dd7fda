"""Queries of lineage: which column names the steps of each kind, and which columns lead from one kind to
another. One query serves every kind, another every edge, in both directions.

An adapter's story and what was generated while it served is no foreign key: `adapter_story.py`.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple

from sqlalchemy import Integer
from sqlmodel import Session, col, func, select

from feedback.records.derived import IMPORT
from feedback.records.from_judgement import LABEL
from feedback.records.from_label import FORM_OF
from feedback.records.item_states import SETTLED
from feedback.store.duels import is_compared
from feedback.store.engine import leave_out, of_desk
from feedback.store.items import OF_ARMS
from feedback.store.labelled_items import RECORD
from feedback.store.live_judgements import is_judgement
from feedback.store.mixed_datasets import HAS_MIXED, MIXED
from feedback.store.sets import LARGE
from feedback.store.tables import (
    Adapter,
    AdapterEvent,
    Approval,
    Candidate,
    Conversation,
    Dataset,
    Deployment,
    Duel,
    Item,
    Judgement,
    Label,
    Message,
    Record,
    RolloutDecision,
    Run,
    SuggestionSet,
    Thumb,
    Turn,
    User,
)

Named = tuple[str, str]  # kind and id of a step
MOST_DIGITS = 9  # of the place of a message

KEYS: dict[str, Any] = {
    "message": col(Message.id),
    "set": col(SuggestionSet.id),
    "judgement": col(Judgement.id),
    "thumb": col(Thumb.id),
    "dataset": col(Dataset.id),
    "run": col(Run.id),
    "adapter": col(Adapter.name),
    "report": col(Adapter.name),
    "duel": col(Duel.id),
    "verdict": col(Label.id),
    "item": col(Item.id),
    "label": col(Label.id),
    "decision": col(AdapterEvent.id),
    "rollout": col(RolloutDecision.id),
    "approval": col(Approval.id),
    "deployment": col(Deployment.fencing_token),
}
# What a bare id may be of: the step's kind, the column that is compared, the one that names the step, and
# further conditions.
NAMED: tuple[tuple[Any, ...], ...] = (
    *((kind, KEYS[kind], KEYS[kind]) for kind in ("message", "judgement", "set", "thumb")),
    *((kind, KEYS[kind], KEYS[kind]) for kind in ("dataset", "run", "adapter")),
    ("message", col(Turn.id), col(Turn.message_id)),  # a turn is the message that waits
    ("set", col(Candidate.id), col(Candidate.set_id)),
    ("duel", col(Duel.id), col(Duel.id)),
    ("duel", col(Item.id), col(Duel.id), col(Duel.task_id) == col(Item.task_id)),
    ("verdict", col(Label.id), col(Label.id), col(Duel.task_id) == col(Label.task_id)),
    ("item", col(Item.id), col(Item.id), col(Item.subject_kind) != OF_ARMS),
    ("label", col(Label.id), col(Label.id), col(Item.id) == col(Label.item_id), Item.subject_kind != OF_ARMS),
)


class Edge(NamedTuple):
    """The relation between a step (`before`) and what was made from it (`after`): the columns that name both,
    and further conditions.

    `prefix` is put before the id of what was made.
    """

    before: str
    after: str
    maker: Any
    made: Any
    where: Sequence[Any] = ()
    prefix: str = ""


# A message is found by its turn first, which is indexed. No verdict is shown before its duel is closed.
_sent = (
    col(Judgement.message_id) == col(Message.id),
    col(Judgement.turn_id) == col(Message.turn_id),
    is_judgement(),
)
_of_duel = (col(Label.undoes).is_(None), col(Duel.task_id) == col(Label.task_id), is_compared())
# What was said of an item is told once it is settled: until then others, and who adjudicates, must not know.
_settled = col(Item.id) == col(Label.item_id), col(Item.state) == SETTLED
_came_to = (
    *_settled,
    col(Label.value).is_not(None),
    col(Record.origin_id) == col(Label.item_id),
    col(Record.origin_kind) == LABEL,
)
EDGES = (
    Edge("message", "set", Turn.message_id, SuggestionSet.id, [col(Turn.id) == SuggestionSet.turn_id]),
    Edge("message", "thumb", Thumb.message_id, Thumb.id),
    Edge("set", "judgement", Judgement.set_id, Judgement.id, [is_judgement()]),
    Edge("judgement", "choice", Judgement.id, Judgement.id, [is_judgement()]),
    Edge("judgement", "message", Judgement.id, Message.id, _sent),
    Edge("judgement", "judgement", Judgement.undoes, Judgement.id),
    Edge("dataset", "run", Run.dataset_id, Run.id),
    Edge("dataset", "run", MIXED, Run.id, [HAS_MIXED]),
    Edge("run", "adapter", Adapter.run_id, Adapter.name),
    Edge("dataset", "adapter", Adapter.dataset_id, Adapter.name, [col(Adapter.run_id).is_(None)]),
    Edge("adapter", "duel", Duel.adapter, Duel.id, [is_compared()]),
    Edge("adapter", "duel", Duel.rival, Duel.id, [is_compared()]),
    Edge("duel", "verdict", Duel.id, Label.id, (*_of_duel, Duel.state == "closed")),
    Edge("verdict", "choice", Label.id, Label.id, _of_duel, prefix="duel/"),
    Edge("verdict", "verdict", Label.undoes, Label.id),
    *(
        Edge(kind, "item", Item.subject_id, Item.id, [col(Item.subject_kind) == kind])
        for kind in ("set", "message")
    ),
    Edge("item", "label", Label.item_id, Label.id, [*_settled, col(Label.value).is_not(None)]),
    *(
        Edge("label", form, Label.id, Record.origin_id, [*_came_to, col(Record.kind) == form], f"{LABEL}/")
        for form in sorted(set(FORM_OF.values()))
    ),
    Edge("label", "label", Label.undoes, Label.id, _settled),
)


def find_row(session: Session, *, desk_id: str, kind: str, id: str) -> Any:
    """The row of a step, or None. The row of a decision has no desk; the desk is that of its adapter."""
    key = KEYS[kind]
    query = select(key.class_).where(key == (as_number(id) if isinstance(key.type, Integer) else id))
    if kind != "decision":
        query = query.where(key.class_.desk_id == desk_id)
    if kind == "set":
        query = query.options(*leave_out(LARGE))
    return session.exec(query).one_or_none()


def list_makers(session: Session, *, kind: str, id: str) -> list[Named]:
    """The steps from which this step was made, as far as columns tell."""
    found: list[Named] = []
    for edge in EDGES:
        if edge.after == kind and id.startswith(edge.prefix):
            query = select(edge.maker).where(edge.made == id.removeprefix(edge.prefix), *edge.where)
            found += [(edge.before, maker) for maker in session.exec(query) if maker is not None]
    return found


def list_made(session: Session, *, kind: str, id: str) -> list[Named]:
    """The steps that were made from this step, as far as columns tell: by kind, oldest first."""
    found: list[Named] = []
    for after, edges in groupby((edge for edge in EDGES if edge.before == kind), lambda edge: edge.after):
        rows: set[tuple[datetime, str]] = set()
        for edge in edges:
            query = select(edge.made.class_.created_at, edge.made).where(edge.maker == id, *edge.where)
            rows.update((at, f"{edge.prefix}{made}") for at, made in session.exec(query))
        found += [(after, made) for _, made in sorted(rows)]
    return found


def find_named(session: Session, *, desk_id: str, text: str, is_prefix: bool, limit: int) -> list[Named]:
    """All steps whose id equals the text, or begins with it; the id of a record is `source/identity`."""
    found: list[Named] = []
    for kind, compared, named, *further in NAMED:
        its = compared.class_.desk_id == desk_id
        query = select(named).where(its, _fits(compared, text, is_prefix), *further)
        found += [(kind, id) for id in session.exec(query.order_by(compared).limit(limit))]
    records = select(Record.kind, Record.source, Record.identity).where(
        Record.desk_id == desk_id, Record.origin_kind == IMPORT, _fits(col(Record.identity), text, is_prefix)
    )
    in_order = col(Record.identity), col(Record.kind), col(Record.source)
    rows = session.exec(records.order_by(*in_order).limit(limit))
    found += [(kind, f"{source}/{identity}") for kind, source, identity in rows]
    return list(dict.fromkeys(found))


def _fits(column: Any, text: str, is_prefix: bool) -> Any:
    # Not LIKE, which on SQLite takes one letter for the other of its case.
    return func.substr(column, 1, len(text)) == text if is_prefix else column == text


def find_import(session: Session, *, desk_id: str, kind: str, named: str) -> Record | None:
    """The imported record with the name `source/identity`; both parts may contain slashes."""
    imported = of_desk(Record, desk_id).where(Record.origin_kind == IMPORT, Record.kind == kind)
    for cut, sign in enumerate(named):
        if sign == "/":
            query = imported.where(Record.source == named[:cut], Record.identity == named[cut + 1 :])
            row = session.exec(query).one_or_none()
            if row is not None:
                return row
    return None


def find_spoken(session: Session, *, desk_id: str, named: str) -> tuple[Conversation, Message] | None:
    """The imported conversation and the message with the name `source/conversation/position`; the first two
    may contain slashes.
    """
    talk, _, position = named.rpartition("/")
    if not position.isdecimal() or len(position) > MOST_DIGITS:
        return None
    query = select(Conversation, Message).join(Message, col(Message.conversation_id) == col(Conversation.id))
    query = query.where(Conversation.desk_id == desk_id, Message.position == int(position))
    for cut in (cut for cut, sign in enumerate(talk) if sign == "/"):
        found = session.exec(
            query.where(Conversation.source == talk[:cut], Conversation.external_id == talk[cut + 1 :])
        ).one_or_none()
        if found is not None:
            return found
    return None


def find_label_record(session: Session, *, desk_id: str, kind: str, item_id: str) -> Record | None:
    """The record of this form that an item came to."""
    came = of_desk(Record, desk_id).where(Record.origin_kind == LABEL, Record.origin_id == item_id)
    return session.exec(came.where(Record.kind == kind)).one_or_none()


def list_items_of_record(session: Session, *, record: Record) -> list[Named]:
    """The items that showed an imported record, oldest first."""
    shown = of_desk(Item, record.desk_id).where(
        Item.subject_kind == RECORD, Item.subject_id == str(record.id)
    )
    rows = session.exec(shown.order_by(col(Item.created_at), col(Item.id)))
    return [("item", row.id) for row in rows]


def find_shown_record(session: Session, *, item: Item) -> Named | None:
    """The imported record that an item shows."""
    if item.subject_kind != RECORD:
        return None
    row = session.get(Record, as_number(item.subject_id))
    return (row.kind, f"{row.source}/{row.identity}") if row is not None else None


def is_last_thumb(session: Session, *, thumb: Thumb) -> bool:
    """Whether this thumb is the last one on its message, which is the one that counts."""
    query = select(Thumb.id).where(Thumb.message_id == thumb.message_id)
    last = session.exec(query.order_by(col(Thumb.created_at).desc(), col(Thumb.id).desc()).limit(1)).one()
    return last == thumb.id


def list_datasets_since(session: Session, *, desk_id: str, since: datetime) -> Sequence[Dataset]:
    """The datasets that may hold what was stored at that time, oldest first."""
    query = of_desk(Dataset, desk_id).where(Dataset.created_at >= since)
    return session.exec(query.order_by(col(Dataset.created_at), col(Dataset.id))).all()


def name_agent(session: Session, *, agent: str | None) -> str | None:
    """The user's name, or the stored word itself if no user has this id."""
    user = session.get(User, agent) if agent else None
    return user.name if user else agent


def as_number(id: str) -> int:
    """The id as a number; -1, which no row has, if it is not a number."""
    return int(id) if id.isascii() and id.isdigit() and len(id) < 10 else -1
