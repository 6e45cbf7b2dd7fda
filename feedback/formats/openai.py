"""OpenAI's fine-tuning files: chats of messages, and preferences with an input and two outputs."""

from collections.abc import Iterator

from feedback.formats.beside import find_beside
from feedback.formats.chat import is_chat, make_labelled, make_turns, read_reply, take_chat
from feedback.formats.fields import find_field, find_id, has_fields
from feedback.formats.format import Converted, Format, Made
from feedback.formats.jsonl import Body


def recognise_openai_chat(body: Body) -> bool:
    return is_chat(body.get("messages")) and "label" not in body and "chosen" not in body


def read_openai_chat(body: Body) -> Iterator[Converted]:
    """OpenAI's own lines have messages only; sets in this form often say more, which is kept. Some name their
    source as we do, others the address of a page, which is no name of a source.
    """
    turns, notes = make_turns(take_chat(body, "messages"))
    source = find_field(body, "source", str)
    named = {"source": source} if source and "://" not in source else {}
    yield Made("conversations", {"turns": turns} | named | find_beside(body, "conversations"), notes)


def recognise_openai_preference(body: Body) -> bool:
    return has_fields(body, "input preferred_output non_preferred_output")


def read_openai_preference(body: Body) -> Iterator[Converted]:
    sides = {
        "prompt": take_chat(body, "input.messages"),
        "chosen": read_reply(body, "preferred_output"),
        "rejected": read_reply(body, "non_preferred_output"),
    }
    yield make_labelled("pairs", sides, id=find_id(body, "id"))


OPENAI_CHAT = Format("OpenAI chat", recognise_openai_chat, read_openai_chat, "openai")
OPENAI_PREFERENCE = Format("OpenAI preference", recognise_openai_preference, read_openai_preference, "openai")
