"""Battles of LMArena: two chats from one beginning, and which of them won. Each becomes a choice of two
replies; where both were called bad, nothing was preferred.
"""

from collections.abc import Iterator
from datetime import datetime

from feedback.formats.chat import Chat, make_labelled, split_reply, take_chat
from feedback.formats.fields import FieldFault, find_field, find_id, has_fields, take_field
from feedback.formats.format import Converted, Format, Made
from feedback.formats.jsonl import Body
from feedback.formats.times import find_time

LANGUAGE_CODES = {"English": "en", "Chinese": "zh", "German": "de", "French": "fr", "Spanish": "es"}
WINNERS = {"model_a": [0], "model_b": [1], "tie": [0, 1], "tie (bothbad)": [], "both_bad": []}


def recognise_arena(body: Body) -> bool:
    return has_fields(body, "conversation_a conversation_b winner")


def read_arena(body: Body) -> Iterator[Converted]:
    winner = take_field(body, "winner", str)
    if winner not in WINNERS:
        raise FieldFault("unclear_label", f"winner {winner[:40]!r}")
    yield make_battle(
        take_chat(body, "conversation_a"),
        take_chat(body, "conversation_b"),
        WINNERS[winner],
        id=find_id(body, "question_id") or find_id(body, "id"),
        annotator=find_id(body, "judge"),
        at=find_time(body, "tstamp") or find_time(body, "timestamp"),
        language=LANGUAGE_CODES.get(find_field(body, "language", str) or ""),
    )


def make_battle(
    first: Chat,
    second: Chat,
    picked: list[int],
    *,
    id: str | None,
    annotator: str | None = None,
    at: datetime | None = None,
    language: str | None = None,
) -> Made:
    """A choice between the last replies of two chats that are equal up to them."""
    prompt, reply = split_reply(first)
    other_prompt, other = split_reply(second)
    if prompt != other_prompt:
        raise FieldFault("sides_differ_before")
    if not picked:
        raise FieldFault("none", "both replies were called bad")
    texts = [reply[0]["content"], other[0]["content"]]
    made = {"prompt": prompt, "candidates": [{"text": text} for text in texts], "picked": picked}
    told_at = at.isoformat() if at else None
    return make_labelled(
        "choices", made, id=id, conversation=id, annotator=annotator, at=told_at, language=language
    )


ARENA = Format("LMArena battles", recognise_arena, read_arena, "lmarena")
