"""What follows from the customer's pick of two answers: the reply in the conversation, and a label.

The item comes to be with the pick, in a task of tier 0 that opens by itself where none is open. It shows the
two texts in the order in which the customer had them, without personal data.
"""

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from feedback.errors import Conflict
from feedback.labelling import claim
from feedback.labelling.asking import CUSTOMERS, add_item_of_message, name_asked
from feedback.labelling.drafting import draft_task
from feedback.labelling.freezing import freeze
from feedback.labelling.judging import SentLabel, record_label
from feedback.labelling.labeller import Labeller
from feedback.records.from_label import COMPARE
from feedback.records.redact import Redactor
from feedback.store.conversations import lock_conversation
from feedback.store.engine import get_row, of_desk
from feedback.store.judgements import undo_judgement
from feedback.store.label_subjects import SET, Material, read_material
from feedback.store.live_judgements import is_live
from feedback.store.releases import release_messages
from feedback.store.retractions import retract_message
from feedback.store.tables import Candidate, Desk, Item, Judgement, Label, Message, Task
from feedback.store.tasks import OPEN, change_task_state
from feedback.store.two_answers import (
    BOTH,
    FIRST,
    NEITHER,
    RELEASED,
    SECOND,
    WROTE_ON,
    Offered,
    close_offered,
    find_offered,
)

NAME, MAKER = "Two answers", "rejoinder"
SIDE_OF = {FIRST: "a", SECOND: "b", BOTH: "tie", NEITHER: "both_bad"}


class TwoAnswersOver(Conflict):
    def __init__(self, conversation_id: str) -> None:
        super().__init__(
            "two_answers_over",
            f"Conversation {conversation_id} has no such two answers: one was picked, or the talk went on.",
            "Ask for the messages again.",
        )


def answer_offer(
    session: Session,
    *,
    desk_id: str,
    conversation_id: str,
    message_id: str,
    answer: str,
    dwell_ms: int | None,
    redactor: Redactor,
    now: datetime,
) -> Label | None:
    """Sends the reply that the customer picked, or lets the turn wait again; returns their label, None where
    the two texts say the same. Raises TwoAnswersOver.
    """
    task = open_customers_task(session, desk_id=desk_id, now=now)
    offered = lock_offered(session, desk_id=desk_id, conversation_id=conversation_id, message_id=message_id)
    close_offered(session, offered=offered, answer=answer, now=now)
    if answer == NEITHER:
        take_both_back(session, offered=offered, now=now)
    else:
        release_messages(session, message_ids=[message_id], now=now)
    item = make_item_of_two(session, task=task, offered=offered, redactor=redactor, now=now)
    if item is None:
        return None
    customer = Labeller(name_asked(conversation_id), "visitor")
    claim.give(session, task=task, item=item, labeller=customer, now=now)
    said = SentLabel({"side": SIDE_OF[answer]}, dwell_ms=dwell_ms)
    return record_label(
        session, desk_id=desk_id, item_id=item.id, labeller=customer, said=said, now=now
    ).label


def lock_offered(session: Session, *, desk_id: str, conversation_id: str, message_id: str) -> Offered:
    """The two answers that the customer sees, with their conversation locked. Raises TwoAnswersOver."""
    lock_conversation(session, desk_id=desk_id, conversation_id=conversation_id)
    offered = find_offered(session, desk_id=desk_id, conversation_id=conversation_id)
    if offered is None or offered.id != message_id:
        raise TwoAnswersOver(conversation_id)
    return offered


def release_first(session: Session, *, desk_id: str, message_id: str, now: datetime) -> None:
    """An agent waits no longer for the customer's pick: the first answer is sent, and nothing is learnt of
    it. Raises NotFound, TwoAnswersOver.
    """
    message = get_row(session, Message, message_id, desk_id=desk_id, what="message")
    conversation_id = message.conversation_id
    offered = lock_offered(session, desk_id=desk_id, conversation_id=conversation_id, message_id=message_id)
    close_offered(session, offered=offered, answer=RELEASED, now=now)
    release_messages(session, message_ids=[message_id], now=now)


def end_offer(session: Session, *, desk_id: str, conversation_id: str, now: datetime) -> None:
    """Somebody writes on in a locked conversation: the first answer stands before what they write, and
    nothing is learnt of it.
    """
    offered = find_offered(session, desk_id=desk_id, conversation_id=conversation_id)
    if offered is not None:
        close_offered(session, offered=offered, answer=WROTE_ON, now=now)
        release_messages(session, message_ids=[offered.id], now=now)


def open_customers_task(session: Session, *, desk_id: str, now: datetime) -> Task:
    """The open task of customers' comparisons, held; a new one where none is open."""
    task = find_customers_task(session, desk_id=desk_id)
    if task is not None:
        return task
    session.exec(select(Desk).where(Desk.id == desk_id).with_for_update(key_share=True)).one()
    task = find_customers_task(session, desk_id=desk_id)  # another first pick may have made it meanwhile
    if task is not None:
        return task
    rules = {"tier": CUSTOMERS, "overlap_min": 1, "overlap_max": 1, "confidence": 0.0, "gold_share": 0.0}
    made: dict[str, Any] = {"name": NAME, "text": "", "tags": [], "created_by": MAKER, **rules}
    task = draft_task(session, desk_id=desk_id, kind=COMPARE, now=now, **made)
    return change_task_state(
        session, desk_id=desk_id, task_id=task.id, state=OPEN, actor=MAKER, reason="", now=now
    )


def find_customers_task(session: Session, *, desk_id: str) -> Task | None:
    """The task of comparisons by customers that was opened last, held. An assigned one asks others."""
    asked = of_desk(Task, desk_id).where(Task.tier == CUSTOMERS, Task.kind == COMPARE, Task.state == OPEN)
    tasks = session.exec(asked.order_by(col(Task.opened_at).desc(), col(Task.id)).with_for_update())
    return next((each for each in tasks if not each.assigned), None)


def take_both_back(session: Session, *, offered: Offered, now: datetime) -> None:
    """Lets the turn wait again with its set; what the agent said of the two is taken back."""
    desk_id = offered.row.desk_id
    sent = of_desk(Judgement, desk_id).where(
        Judgement.set_id == offered.row.set_id, Judgement.message_id == offered.id, is_live()
    )
    judgement = session.exec(sent).one_or_none()
    if judgement is not None:
        undo_judgement(session, desk_id=desk_id, judgement_id=judgement.id, agent=None, now=now)
        return
    message = session.exec(of_desk(Message, desk_id).where(Message.id == offered.id)).one()
    retract_message(session, message=message, now=now)


def make_item_of_two(
    session: Session, *, task: Task, offered: Offered, redactor: Redactor, now: datetime
) -> Item | None:
    """The item of two answers, settled by who labels it next; None where both say the same."""
    row = offered.row
    of_both = select(Candidate.slot).where(col(Candidate.id).in_([row.first_id, row.second_id]))
    slots = session.exec(of_both).all()
    material = read_material(session, kind=SET, ids=[row.set_id])[row.set_id]
    assert isinstance(material, Material), "a set has no form that could be refused"
    both = [reply for reply in material.replies if reply.place in slots]
    frozen = freeze(COMPARE, replace(material, replies=both), seed=row.set_id, redactor=redactor)
    if isinstance(frozen, str):
        return None
    return add_item_of_message(
        session, task=task, message_id=row.message_id, material=material, frozen=frozen, now=now
    )
