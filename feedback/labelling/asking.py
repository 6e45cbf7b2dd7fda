"""The one question that a customer may get after a conversation: how good was the last answer?

It is asked while a task of tier 0 and kind `rate` is open (one of a campaign asks in what belongs to it), a
minute after an answer to which the customer wrote nothing more, once in a conversation, answered or skipped.
An answer is a label like any other: the item comes to be with it, so that nothing is stored of those who are
never asked.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from feedback.errors import Conflict
from feedback.labelling import claim
from feedback.labelling.freezing import Frozen, freeze
from feedback.labelling.judging import SentLabel, pass_item, record_label
from feedback.labelling.labeller import Labeller
from feedback.records.from_label import RATE
from feedback.records.item_states import DROPPED
from feedback.records.redact import Redactor
from feedback.store import campaigns
from feedback.store.conversations import lock_conversation
from feedback.store.engine import of_desk, save_row
from feedback.store.items import add_items, find_last_position
from feedback.store.label_subjects import Material, read_material_before
from feedback.store.tables import Assignment, Item, Label, Message, Task
from feedback.store.tasks import OPEN, get_task

CUSTOMERS = 0  # the tier of tasks that customers label in
QUIET = timedelta(minutes=1)  # from the answer on, in which the customer may still write
MESSAGE = "message"  # subject_kind
SKIPPED = "skipped"


class QuestionOver(Conflict):
    def __init__(self, conversation_id: str) -> None:
        super().__init__(
            "question_over",
            f"Conversation {conversation_id} has no such question: it was answered, or the talk went on.",
            "Ask for the question again.",
        )


@dataclass(frozen=True)
class Question:
    """What a customer is asked about a reply. `asked_from`: when the reply has stood for long enough."""

    task_id: str
    message_id: str
    text: str
    asked_from: datetime


def find_question(session: Session, *, desk_id: str, conversation_id: str, now: datetime) -> Question | None:
    """The question of a conversation, also one that it is too early for; None where there is none."""
    task = find_question_task(session, desk_id=desk_id, conversation_id=conversation_id, now=now)
    if task is None or was_asked(session, conversation_id=conversation_id):
        return None
    said = of_desk(Message, desk_id).where(
        Message.conversation_id == conversation_id,
        col(Message.retracted_at).is_(None),
        col(Message.text).is_not(None),
    )
    last = session.exec(said.order_by(col(Message.position).desc()).limit(1)).first()
    if last is None or last.role != "agent" or last.release_no is None or last.released_at is None:
        return None
    return Question(task.id, last.id, task.question.get("text", ""), last.released_at + QUIET)


def find_question_task(session: Session, *, desk_id: str, conversation_id: str, now: datetime) -> Task | None:
    """The task of customers' ratings that was opened last; that of a campaign where its scenario fits."""
    asked = of_desk(Task, desk_id).where(Task.tier == CUSTOMERS, Task.kind == RATE, Task.state == OPEN)
    found = session.exec(asked.order_by(col(Task.opened_at).desc(), col(Task.id)))
    tasks = [each for each in found if not each.assigned]  # an assigned one asks others
    owned = campaigns.list_owned(session, task_ids=[each.id for each in tasks]) if tasks else set()
    if owned:
        owned -= campaigns.list_asking(session, desk_id=desk_id, conversation_id=conversation_id, now=now)
    return next((each for each in tasks if each.id not in owned), None)


def was_asked(session: Session, *, conversation_id: str) -> bool:
    query = select(Assignment.id).where(col(Assignment.labeller) == name_asked(conversation_id))
    return session.exec(query.limit(1)).first() is not None


def name_asked(conversation_id: str) -> str:
    """The labeller's key of a conversation's customer, which `Actor.key` is for a visitor."""
    return f"visitor:{conversation_id}"


def answer_question(
    session: Session,
    *,
    desk_id: str,
    conversation_id: str,
    task_id: str,
    message_id: str,
    score: int | None,
    dwell_ms: int | None,
    redactor: Redactor,
    now: datetime,
) -> Label | None:
    """Records the customer's answer, or that they skipped the question (no score). Raises QuestionOver."""
    task = get_task(session, desk_id=desk_id, task_id=task_id, lock=True)
    lock_conversation(session, desk_id=desk_id, conversation_id=conversation_id)
    question = find_question(session, desk_id=desk_id, conversation_id=conversation_id, now=now)
    if question is None or (question.task_id, question.message_id) != (task_id, message_id):
        raise QuestionOver(conversation_id)
    item = make_item(session, task=task, message_id=message_id, redactor=redactor, now=now)
    customer = Labeller(name_asked(conversation_id), "visitor")
    claim.give(session, task=task, item=item, labeller=customer, now=now)
    own: dict[str, Any] = {"desk_id": desk_id, "item_id": item.id, "labeller": customer}
    if score is None:
        pass_item(session, **own)
        item.state, item.reason = DROPPED, SKIPPED  # nobody else is asked in the customer's place
        save_row(session, item)
        return None
    return record_label(session, said=SentLabel({"score": score}, dwell_ms=dwell_ms), now=now, **own).label


def make_item(session: Session, *, task: Task, message_id: str, redactor: Redactor, now: datetime) -> Item:
    """The item of a reply, without personal data as all items are; the caller holds the task."""
    message = session.get_one(Message, message_id)
    material = read_material_before(session, message=message)
    frozen = freeze(RATE, material, seed=message_id, redactor=redactor)
    if isinstance(frozen, str):
        raise QuestionOver(message.conversation_id)
    return add_item_of_message(
        session, task=task, message_id=message_id, material=material, frozen=frozen, now=now
    )


def add_item_of_message(
    session: Session, *, task: Task, message_id: str, material: Material, frozen: Frozen, now: datetime
) -> Item:
    """An item about a message, at the end of its task."""
    item = Item(
        desk_id=task.desk_id,
        task_id=task.id,
        position=find_last_position(session, task_id=task.id) + 1,
        subject_kind=MESSAGE,
        subject_id=message_id,
        conversation_id=material.conversation_id,
        conversation=material.conversation,
        language=material.language,
        shown=frozen.shown,
        hidden=frozen.hidden,
        tier=task.tier,
        created_at=now,
    )
    add_items(session, items=[item])
    return item
