"""FastChat's log of its web server: votes between two chats become choices, an upvote or downvote a thumb.
Every other line, of a chat that went on for instance, is no judgement.
"""

from collections.abc import Iterator

from feedback.formats.arena import make_battle
from feedback.formats.chat import Chat, make_labelled, split_reply
from feedback.formats.fields import FieldFault, find_field, find_id, find_objects, has_fields, take_field
from feedback.formats.format import Converted, Format
from feedback.formats.jsonl import Body
from feedback.formats.times import find_time

VOTES = {"leftvote": [0], "rightvote": [1], "tievote": [0, 1], "bothbad_vote": []}
MARKS = {"upvote": True, "downvote": False}


def recognise_fastchat(body: Body) -> bool:
    return has_fields(body, "tstamp type") and ("states" in body or "state" in body)


def read_fastchat(body: Body) -> Iterator[Converted]:
    kind = take_field(body, "type", str)
    at = find_time(body, "tstamp")
    if kind in MARKS:
        state = take_field(body, "state", dict)
        prompt, reply = split_reply(read_state(state))
        made = {"prompt": prompt, "completion": reply, "label": MARKS[kind]}
        named = find_id(state, "conv_id")
        told_at = at.isoformat() if at else None
        yield make_labelled("thumbs", made, id=named, conversation=named, at=told_at)
    elif kind in VOTES:
        states = find_objects(body, "states")
        if len(states) != 2:
            raise FieldFault("wrong_type:states", f"{len(states)} chats, not two")
        first, second = (read_state(state) for state in states)
        yield make_battle(first, second, VOTES[kind], id=find_id(states[0], "conv_id"), at=at)
    else:
        raise FieldFault("not_judged", f"a line of type {kind[:40]!r}")


def read_state(state: Body) -> Chat:
    """The messages of a chat: pairs of speaker and text, of which the second speaker is the assistant."""
    roles = take_field(state, "roles", list)
    system = find_field(state, "system_message", str)
    chat = [{"role": "system", "content": system}] if system else []
    for message in take_field(state, "messages", list):
        if not isinstance(message, list) or len(message) < 2 or message[0] not in roles[:2]:
            raise FieldFault("wrong_type:messages", "a message is not a speaker and a text")
        text = message[1][0] if isinstance(message[1], list | tuple) and message[1] else message[1]
        if text is not None and not isinstance(text, str):
            raise FieldFault("wrong_type:messages", "a message is not a speaker and a text")
        chat.append({"role": ("user", "assistant")[roles.index(message[0])], "content": text or ""})
    return chat


FASTCHAT = Format("FastChat log", recognise_fastchat, read_fastchat, "fastchat")
