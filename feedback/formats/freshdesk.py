"""Freshdesk: tickets with their conversations, of which private ones are notes among agents."""

from collections.abc import Iterator

from feedback.formats.fields import find_field, find_id, find_objects, find_texts, has_fields
from feedback.formats.format import Converted, Format
from feedback.formats.helpdesk import Talk, clean_tags, read_text
from feedback.formats.jsonl import Body
from feedback.formats.times import find_time


def recognise_freshdesk(body: Body) -> bool:
    return has_fields(body, "id requester_id responder_id description")


def read_freshdesk(body: Body) -> Iterator[Converted]:
    customer = find_id(body, "requester_id")
    talk = Talk(find_id(body, "id"), clean_tags(find_texts(body, "tags")), customer)
    talk.know(*(find_field(body, f"requester.{name}", str) for name in ("name", "email", "phone", "mobile")))
    talk.say("customer", read_text(body, "description_text", "description"), find_time(body, "created_at"))
    if find_field(body, "conversations", list) is None:
        talk.notes.add("first_message_only")
    for message in find_objects(body, "conversations"):
        if find_field(message, "private", bool):
            talk.notes.add("internal_left_out")
            continue
        role = "customer" if find_field(message, "incoming", bool) else "agent"
        talk.say(role, read_text(message, "body_text", "body"), find_time(message, "created_at"))
    yield talk.make()


FRESHDESK = Format("Freshdesk tickets", recognise_freshdesk, read_freshdesk, "freshdesk")
