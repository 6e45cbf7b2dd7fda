"""Chatwoot: conversations with their messages. Activity and forms are no messages; the answer to the survey
becomes a tag. A reply is a person's where its sender is a user.
"""

from collections.abc import Iterator
from typing import Any

from feedback.formats.fields import FieldFault, find_field, find_id, find_objects, find_texts, has_fields
from feedback.formats.format import Converted, Format
from feedback.formats.helpdesk import Talk, clean_tags, read_text
from feedback.formats.jsonl import Body
from feedback.formats.times import find_time

MESSAGE_TYPES: dict[Any, str] = {0: "customer", "incoming": "customer", 1: "agent", "outgoing": "agent"}
EVENTS = (2, 3, "activity", "template")
PEOPLE = ("user", "User")  # who sends; an agent bot is another type
SURVEY = "content_attributes.submitted_values.csat_survey_response.rating"


def recognise_chatwoot(body: Body) -> bool:
    messages = body.get("messages")
    return isinstance(messages, list) and bool(messages) and has_fields(messages[0], "message_type content")


def read_chatwoot(body: Body) -> Iterator[Converted]:
    talk = Talk(find_id(body, "id"), clean_tags(find_texts(body, "labels")))
    for message in find_objects(body, "messages"):
        kind = message.get("message_type")
        if isinstance(kind, bool) or not isinstance(kind, int | str) or kind not in (*MESSAGE_TYPES, *EVENTS):
            raise FieldFault("unknown_role", f"message_type {str(kind)[:40]!r}")
        if find_field(message, "private", bool):
            talk.notes.add("internal_left_out")
        elif kind in EVENTS:
            talk.notes.add("event_left_out")
            talk.rate(find_field(message, SURVEY, object))
        else:
            add_chat_message(talk, message, MESSAGE_TYPES[kind])
    yield talk.make()


def add_chat_message(talk: Talk, message: Body, role: str) -> None:
    if role == "customer":
        talk.customer_id = talk.customer_id or find_id(message, "sender.id")
        talk.know(*(find_field(message, f"sender.{name}", str) for name in ("name", "email", "phone_number")))
    elif find_field(message, "sender.type", str) not in PEOPLE:
        role = "bot"
    talk.say(role, read_text(message, "content", "content"), find_time(message, "created_at"))


CHATWOOT = Format("Chatwoot conversations", recognise_chatwoot, read_chatwoot, "chatwoot")
