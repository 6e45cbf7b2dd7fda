"""Our own four forms, as `feedback/records/schemas.py` has them. They go through as they are, so that a line
has the identity it always had; an id that is a number, messages in parts and other forms of a time are set
right. A row of a table is read as our export writes it (`cells.py`).

TRL's conversational forms with a stated prompt are the same as our pairs and thumbs.
"""

from collections.abc import Callable, Iterator
from typing import Any

from feedback.formats.cells import unpack_cells
from feedback.formats.chat import is_chat, take_chat
from feedback.formats.fields import FieldFault, find_id
from feedback.formats.format import Format, Made
from feedback.formats.jsonl import Body
from feedback.formats.times import find_time

CHATS = ("prompt", "chosen", "rejected", "completion")
IDS = ("id", "conversation", "group", "annotator", "customer_id")


def open_row(body: Body) -> Body:
    """The record that a row stands for; a row that cannot be read is none of ours."""
    try:
        return unpack_cells(body)
    except FieldFault:
        return body


def is_own_choice(body: Body) -> bool:
    return is_chat(body.get("prompt")) and isinstance(body.get("candidates"), list)


def is_own_pair(body: Body) -> bool:
    return all(is_chat(body.get(name)) for name in ("prompt", "chosen", "rejected"))


def is_own_thumb(body: Body) -> bool:
    return is_chat(body.get("prompt")) and is_chat(body.get("completion")) and "label" in body


def is_own_conversation(body: Body) -> bool:
    turns = body.get("turns")
    if not isinstance(turns, list):
        return False
    return not turns or (isinstance(turns[0], dict) and {"role", "text"} <= turns[0].keys())


def recognise_row(recognise: Callable[[Body], bool]) -> Callable[[Body], bool]:
    return lambda row: recognise(open_row(row))


def make_own_reader(kind: str) -> Callable[[Body], Iterator[Made]]:
    """A reader for one of our own forms: it gives ids, messages and times their stored form."""

    def read_own(row: Body) -> Iterator[Made]:
        body = unpack_cells(row)
        yield Made(kind, settle_ids(body) | settle_chats(body) | settle_time(body))

    return read_own


def settle_ids(body: Body) -> Body:
    ids = {name: body[name] for name in IDS if isinstance(body.get(name), int)}
    return body | {name: found for name in ids if (found := find_id(body, name)) is not None}


def settle_chats(body: Body) -> dict[str, Any]:
    """The messages whose content is null or in parts, as texts; those that are texts stay as they are."""
    chats = {name: body[name] for name in CHATS if isinstance(body.get(name), list)}
    return {
        name: take_chat(body, name) for name, chat in chats.items() if not all(map(is_plain_message, chat))
    }


def is_plain_message(message: Any) -> bool:
    """Whether the form can judge the message itself."""
    return not isinstance(message, dict) or isinstance(message.get("content"), str)


def settle_time(body: Body) -> dict[str, Any]:
    at = body.get("at")
    if at is None or at == "":
        return {}
    read = find_time(body, "at")
    assert read is not None
    return {} if isinstance(at, str) and at[:4].isdigit() and "-" in at else {"at": read.isoformat()}


OWN = {
    kind: Format(f"our own {kind}", recognise_row(recognise), make_own_reader(kind), None)
    for kind, recognise in (
        ("choices", is_own_choice),
        ("pairs", is_own_pair),
        ("thumbs", is_own_thumb),
        ("conversations", is_own_conversation),
    )
}
