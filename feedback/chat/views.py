"""The customer chat: one page for everybody, and the call that opens a conversation with its first message.

Opening is public, since a visitor has no token before it; all else goes through the HTTP API with the
visitor's token. Only JSON is accepted, which a form on another site cannot send.
"""

from flask import Blueprint, abort, current_app, jsonify, make_response, render_template, request
from pydantic import Field
from werkzeug.wrappers import Response as AnyResponse

from feedback.actor import Actor
from feedback.api.caps import check_conversations
from feedback.api.conversations import add_visitor_token
from feedback.api.messages import notice_after
from feedback.api.requests import check_body, read_json
from feedback.api.routes import Write
from feedback.api.schemas import MAX_TEXT, Answer, Body, Language, Text
from feedback.chat.strangers import find_stranger, remember_stranger
from feedback.chat.welcome import find_welcome
from feedback.records.language import find_language
from feedback.store.conversations import IncomingMessage, open_conversation
from feedback.store.events import hash_body
from feedback.store.tables import DEFAULT_DESK, new_id
from feedback.store.users import hash_secret
from feedback.web.auth import visitor_token
from feedback.web.services import services

bp = Blueprint("chat", __name__)


class Begin(Body):
    text: Text
    language: Language | None = Field(None, description="Language the customer writes in, when known.")


class Begun(Answer):
    conversation_id: str
    message_id: str


@bp.before_request
def check_open() -> None:
    """If the chat is closed to strangers, only pages of existing conversations (an app's customers)
    remain.
    """
    if not services().settings.public_chat and not (request.view_args or {}).get("conversation_id"):
        abort(404)


@bp.get("/chat")
@bp.get("/chat/<conversation_id>")
def open(conversation_id: str | None = None) -> AnyResponse:
    """The chat page. The visitor's token is after # in the address, which browsers do not send to the
    server.
    """
    page = render_template(
        "chat/talk.html",
        conversation_id=conversation_id,
        hide_sign_out=True,
        max_text=MAX_TEXT,
        desk=find_welcome(services().settings),
        retention_days=services().retention_days,
    )
    return remember_stranger(make_response(page))


@bp.post("/chat/start")
def start_conversation() -> AnyResponse:
    """Open a conversation with a visitor's first message; idempotent by the event id."""
    given = read_json()
    said = check_body(Begin, given)
    visitor = Actor("visitor", "visitor", DEFAULT_DESK, name="visitor")
    body_hash = hash_body("POST", request.path, given)
    at_work, stranger_hash = Write(visitor), find_stranger()
    status, stored = at_work.run(said.event_id, body_hash, lambda: (201, begin(at_work, said, stranger_hash)))
    answer = jsonify(add_visitor_token(stored))
    answer.status_code = status
    return answer


def begin(call: Write, said: Begin, stranger_hash: str) -> Begun:
    check_conversations(call, stranger_hash)
    id = new_id()
    opened = open_conversation(
        call.session,
        id=id,
        desk_id=call.actor.desk_id,
        now=call.now,
        messages=[IncomingMessage("customer", said.text)],
        language=said.language or find_language([said.text]),
        stranger_hash=stranger_hash,
        visitor_token_hash=hash_secret(visitor_token(str(current_app.secret_key), id)),
    )
    notice_after(call)
    return Begun(conversation_id=id, message_id=opened.messages[0].id)
