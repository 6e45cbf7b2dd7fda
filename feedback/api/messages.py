"""Calls about the messages of a conversation: what people write in it and what they get to read."""

from datetime import datetime
from typing import Annotated, Self

from flask import Blueprint
from pydantic import Field, StringConstraints, model_validator
from sqlmodel import Session

from feedback.api.caps import check_messages
from feedback.api.drafts import clear_sent
from feedback.api.routes import Read, Write, get, write
from feedback.api.schemas import (
    DUE,
    SHOWN_BESIDE,
    Answer,
    Attachments,
    Body,
    HandedText,
    Id,
    Knowledge,
    KnowledgeList,
    Name,
    PassedFields,
    Query,
    Revision,
    Role,
    Text,
    Time,
    Wait,
    write_down,
)
from feedback.api.thumbs import ThumbShown, show_own_thumbs
from feedback.api.two_answers import TwoAnswersShown, show_two_answers
from feedback.errors import NotFound, NotPermitted
from feedback.labelling.two_answers import end_offer
from feedback.records.language import find_language
from feedback.store.changes import conversation_topic
from feedback.store.conversations import (
    MESSAGES_AT_ONCE,
    IncomingMessage,
    append_message,
    list_messages,
    lock_conversation,
)
from feedback.store.engine import get_row
from feedback.store.marks import read_mark
from feedback.store.tables import Conversation, Message, Turn
from feedback.store.turns import check_claim, check_waiting, close_waiting, find_waiting_turn, open_turn
from feedback.web.services import services
from feedback.web.waiting import Waiting, set_waiting

bp = Blueprint("messages", __name__)


class WrittenMessage(Body):
    """A message that a person writes on a page. Only an app may also give knowledge and times."""

    role: Role
    text: Text


class WrittenAnswer(WrittenMessage):
    turn_id: Id | None = Field(None, description="agent: refused unless this is the turn that waits.")
    draft_revision: Revision | None = Field(
        None, description="agent: the draft that this sends: it goes with it."
    )


class NewMessage(WrittenAnswer):
    text: HandedText = ""
    attachments: Attachments
    knowledge: KnowledgeList | None = Field(
        None, description="What the reply may rest on; agents see it beside the message."
    )
    occurred_at: Time | None = None
    agent: Name | None = Field(None, description="The agent an app acts for.")
    fields: PassedFields | None = Field(None, description=f"{SHOWN_BESIDE} In the place of those before.")
    due_at: Time | None = Field(None, description=DUE)

    @model_validator(mode="after")
    def write_down(self) -> Self:
        self.text = write_down(self.text, self.attachments)
        return self


class MessageAdded(Answer):
    message_id: str
    turn_id: str | None


class MessagesAsked(Query):
    after: Id | None = Field(None, description="Only messages after this one.")
    two_answers: Annotated[str, StringConstraints(max_length=128)] | None = Field(
        None,
        description="The message_id of the two answers that the caller has got already, empty for none: "
        "then waiting ends when that changes, too.",
    )
    wait: Wait = 0
    pending: bool | None = Field(
        None, description="Also replies whose undo window is open. Default: yes for agents, no for apps."
    )


class MessageShown(Answer):
    message_id: str
    role: Role
    text: str
    created_at: datetime
    occurred_at: datetime = Field(description="When it was said, as the one who handed it over tells.")
    released: bool
    knowledge: list[Knowledge] = Field(description="What an app passed along with it; hidden from customers.")
    thumb: ThumbShown | None = Field(description="The visitor's own last one; null for everybody else.")


class Messages(Answer):
    messages: list[MessageShown]
    two_answers: TwoAnswersShown | None = Field(
        description="Two answers of which the customer is to pick one."
    )


@write(
    bp,
    "/v1/conversations/<conversation_id>/messages",
    roles=("app", "visitor", "agent"),
    body=NewMessage,
    own={"visitor": WrittenMessage, "agent": WrittenAnswer},
    answer=MessageAdded,
)
def add_message(call: Write, body: NewMessage, conversation_id: str) -> MessageAdded:
    """Add a message: a customer's opens a turn, an agent's own text answers the waiting one."""
    by_customer = body.role == "customer"
    if by_customer and call.actor.role not in ("app", "visitor", "admin"):
        raise NotPermitted(f"{call.actor.role} writing as the customer", ("app", "visitor", "admin"))
    if not by_customer and call.actor.role == "visitor":
        raise NotPermitted("visitor writing as an agent", ("app", "agent", "admin"))
    agent = None if by_customer else call.actor.agent_name(body.agent)
    conversation = lock_conversation(
        call.session, desk_id=call.actor.desk_id, conversation_id=conversation_id
    )
    knowledge = [part.model_dump() for part in body.knowledge] if body.knowledge else None
    if body.fields is not None:
        conversation.fields = [given.keep() for given in body.fields]
    said = IncomingMessage(body.role, body.text, body.occurred_at, knowledge)
    if agent is None:
        check_messages(call, conversation.id)
        end_offer(call.session, desk_id=conversation.desk_id, conversation_id=conversation.id, now=call.now)
        conversation.language = conversation.language or find_language([body.text])
        message = append_message(call.session, conversation=conversation, said=said, now=call.now)
        turn = open_turn(call.session, message=message, now=call.now, due_at=body.due_at)
        notice_after(call)
        return MessageAdded(message_id=message.id, turn_id=turn.id)
    if body.turn_id is not None:
        check_turn(call.session, conversation, body.turn_id)
    message = answer_by_hand(call, conversation, said, agent)
    clear_sent(call, body.agent, conversation.id, body.draft_revision)
    return MessageAdded(message_id=message.id, turn_id=None)


def check_turn(session: Session, conversation: Conversation, turn_id: str) -> None:
    """Refuses a reply written for one turn if that turn waits no more. The conversation is locked."""
    turn = get_row(session, Turn, turn_id, desk_id=conversation.desk_id, what="turn")
    if turn.conversation_id != conversation.id:
        raise NotFound("turn", turn_id)
    check_waiting(turn)


def answer_by_hand(call: Write, conversation: Conversation, said: IncomingMessage, agent: str) -> Message:
    """Stores an agent's own text, written without a suggestion: it answers the waiting turn, whose set is not
    trained on (`bypassed`). A person's text is held for the undo window; an app's was sent already.
    """
    waiting = find_waiting_turn(call.session, desk_id=conversation.desk_id, conversation_id=conversation.id)
    found = services()
    if waiting is not None:
        check_claim(waiting, agent=agent, now=call.now, claim_minutes=found.settings.claim_minutes)
    turn = close_waiting(
        call.session, conversation_id=conversation.id, state="answered", set_state="bypassed", now=call.now
    )
    end_offer(call.session, desk_id=conversation.desk_id, conversation_id=conversation.id, now=call.now)
    is_held = call.actor.role != "app" and found.settings.undo_window_s > 0
    message = append_message(
        call.session,
        conversation=conversation,
        said=said,
        now=call.now,
        is_held=is_held,
        origin="own",
        agent=agent,
        turn_id=turn.id if turn is not None else None,
    )
    if is_held:
        message_id = message.id
        call.after_commit(lambda: found.releaser.hold(message_id))
    return message


@get(
    bp,
    "/v1/conversations/<conversation_id>/messages",
    roles=("app", "visitor", "agent"),
    answer=Messages,
    query=MessagesAsked,
)
def read_messages(call: Read[MessagesAsked], conversation_id: str) -> Messages:
    """Messages in order; waits for the next one when there is none yet."""
    asked = call.query
    pending = call.actor.role != "app" if asked.pending is None else asked.pending
    by_customer = call.actor.role == "visitor"

    topic = conversation_topic(conversation_id)
    with call.read() as session:
        mark = read_mark(session.connection(), topic=topic)
        rows = list_messages(
            session,
            desk_id=call.actor.desk_id,
            conversation_id=conversation_id,
            after=asked.after,
            pending=pending and not by_customer,
        )
        thumbs = show_own_thumbs(session, call.actor, rows) if by_customer else {}
        offered = show_two_answers(session, call.actor, conversation_id)
    now_open = offered.message_id if offered is not None else ""
    set_waiting(
        Waiting(
            topic=topic,
            actor=call.actor,
            seconds=asked.wait,
            found=bool(rows) or asked.two_answers not in (None, now_open),
            then={"after": rows[-1].id if rows else asked.after or ""}
            | ({} if asked.two_answers is None else {"two_answers": now_open}),
            mark=mark,
            again_in_s=0.0 if len(rows) == MESSAGES_AT_ONCE else None,
        )
    )
    return Messages(
        messages=[
            show_message(row, with_knowledge=not by_customer, thumb=thumbs.get(row.id)) for row in rows
        ],
        two_answers=offered,
    )


def show_message(row: Message, *, with_knowledge: bool, thumb: ThumbShown | None) -> MessageShown:
    knowledge = (row.knowledge or []) if with_knowledge else []
    return MessageShown(
        message_id=row.id,
        role="customer" if row.role == "customer" else "agent",
        text=row.text or "",
        created_at=row.created_at,
        occurred_at=row.occurred_at,
        released=row.release_no is not None,
        knowledge=[Knowledge(**part) for part in knowledge],
        thumb=thumb,
    )


def notice_after(call: Write) -> None:
    """After the commit, tells the suggester that a turn waits, in case an agent has its queue open."""
    suggester = services().suggester
    if suggester is not None:
        call.after_commit(suggester.notice_turn)
