"""Calls that erase a customer, by the app's id, or one conversation; a visitor may erase their own.

When the call answers, the rows hold no text any more (tombstones). Files are erased right after that in this
process, or by the trainer's next check.
"""

from flask import Blueprint

from feedback.api.routes import Write, write
from feedback.api.schemas import Answer, Body, Name
from feedback.erasure.erase import ErasureRequest, erase, finish
from feedback.errors import NotFound
from feedback.store import erasures as store
from feedback.store.changes import conversation_topic, note_change
from feedback.store.erasures import ErasedSubject
from feedback.web.services import Services, services

bp = Blueprint("erasures", __name__)


class EraseCustomer(Body):
    customer_id: Name


class EraseConversation(Body):
    pass


class Erased(Answer):
    erasure_id: str
    conversations: int
    records: int


@write(bp, "/v1/erasures", roles=("app",), body=EraseCustomer, answer=Erased)
def erase_customer(call: Write, body: EraseCustomer) -> Erased:
    """Erase everything of a customer: texts, token ids, comments, and the datasets that held them."""
    subject = store.find_customer(call.session, desk_id=call.actor.desk_id, customer_id=body.customer_id)
    if subject.is_empty:
        raise NotFound("customer", body.customer_id)
    return carry_out(call, subject, "customer")


@write(
    bp,
    "/v1/conversations/<conversation_id>/erasure",
    roles=("app", "visitor"),
    body=EraseConversation,
    answer=Erased,
)
def erase_conversation(call: Write, body: EraseConversation, conversation_id: str) -> Erased:
    """Erase one conversation; afterwards the token of its customer is no longer valid."""
    subject = store.find_conversation(
        call.session, desk_id=call.actor.desk_id, conversation_id=conversation_id
    )
    if subject.is_empty:
        raise NotFound("conversation", conversation_id)
    return carry_out(call, subject, "conversation")


def carry_out(call: Write, subject: ErasedSubject, kind: str) -> Erased:
    found = services()
    asked = ErasureRequest(kind, call.actor.key, call.actor.desk_id, found.settings.data_dir)
    erasure_id = erase(call.session, subject, asked, now=call.now).id
    call.after_commit(lambda: finish_now(found, erasure_id))
    for conversation_id in subject.conversations:
        note_change(call.session, conversation_topic(conversation_id))
    return Erased(
        erasure_id=erasure_id, conversations=len(subject.conversations), records=len(subject.records)
    )


def finish_now(found: Services, erasure_id: str) -> None:
    settings = found.settings
    finish(
        found.store_engine,
        erasure_id,
        data_dir=settings.data_dir,
        backup_dir=settings.backup_dir,
        clock=found.clock,
    )
