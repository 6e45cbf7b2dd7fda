"""Intercom: conversations as the API lists them, and the notification of a webhook around one."""

from collections.abc import Iterator

from feedback.formats.fields import FieldFault, find_field, find_id, find_objects, has_fields, take_field
from feedback.formats.format import Converted, Format
from feedback.formats.helpdesk import Talk, clean_tags, read_text
from feedback.formats.jsonl import Body
from feedback.formats.times import find_time

AUTHORS = {"user": "customer", "lead": "customer", "contact": "customer"}
AUTHORS |= {"admin": "agent", "bot": "bot", "team": "bot"}
OPENINGS = ("conversation_message", "source")  # older and newer versions of the API


def recognise_intercom(body: Body) -> bool:
    return has_fields(body, "id conversation_parts")


def read_intercom(body: Body) -> Iterator[Converted]:
    talk = Talk(find_id(body, "id"))
    talk.tags = clean_tags(tag.get("name") for tag in find_objects(body, "tags.tags"))
    talk.rate(find_field(body, "conversation_rating.rating", object))
    opening = next((name for name in OPENINGS if body.get(name) is not None), OPENINGS[0])
    add_part(talk, take_field(body, opening, dict) | {"created_at": body.get("created_at")})
    for part in find_objects(body, "conversation_parts.conversation_parts"):
        if part.get("part_type") == "note":
            talk.notes.add("internal_left_out")
        elif part.get("body") is None and not part.get("attachments"):
            talk.notes.add("event_left_out")
        else:
            add_part(talk, part)
    yield talk.make()


def add_part(talk: Talk, part: Body) -> None:
    kind = take_field(part, "author.type", str)
    if kind not in AUTHORS:
        raise FieldFault("unknown_role", f"author of type {kind[:40]!r}")
    if AUTHORS[kind] == "customer":
        talk.customer_id = talk.customer_id or find_id(part, "author.id")
        talk.know(find_field(part, "author.name", str), find_field(part, "author.email", str))
    talk.say(AUTHORS[kind], read_text(part, "body_text", "body"), find_time(part, "created_at"))


def recognise_intercom_webhook(body: Body) -> bool:
    if body.get("type") != "notification_event" or not isinstance(body.get("data"), dict):
        return False
    return recognise_intercom(body["data"].get("item"))


def read_intercom_webhook(body: Body) -> Iterator[Converted]:
    yield from read_intercom(take_field(body, "data.item", dict))


INTERCOM = Format("Intercom conversations", recognise_intercom, read_intercom, "intercom")
INTERCOM_WEBHOOK = Format("Intercom webhook", recognise_intercom_webhook, read_intercom_webhook, "intercom")
