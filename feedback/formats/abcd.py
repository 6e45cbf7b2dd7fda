"""ABCD: chats of a shop's customers and agents with their scenario. Actions of an agent are no messages."""

from collections.abc import Iterator

from feedback.formats.fields import FieldFault, find_field, find_id, has_fields, take_field
from feedback.formats.format import Converted, Format
from feedback.formats.helpdesk import Talk
from feedback.formats.jsonl import Body

PERSONAL = ("customer_name", "email", "phone", "username")


def recognise_abcd(body: Body) -> bool:
    return has_fields(body, "convo_id original")


def read_abcd(body: Body) -> Iterator[Converted]:
    talk = Talk(f"abcd-{find_id(body, 'convo_id')}")
    for name in ("flow", "subflow"):
        value = find_field(body, f"scenario.{name}", str)
        talk.tags += [f"{name}:{value}"] if value else []
    talk.know(*(find_field(body, f"scenario.personal.{name}", str) for name in PERSONAL))
    for turn in take_field(body, "original", list):
        if not isinstance(turn, list) or len(turn) != 2 or not all(isinstance(part, str) for part in turn):
            raise FieldFault("wrong_type:original", "a turn is not a speaker and a text")
        if turn[0] == "action":
            talk.notes.add("event_left_out")
        elif turn[0] in ("customer", "agent"):
            talk.say(turn[0], turn[1], None)
        else:
            raise FieldFault("unknown_role", f"role {turn[0][:40]!r}")
    yield talk.make(language="en")


ABCD = Format("ABCD chats", recognise_abcd, read_abcd, "abcd")
