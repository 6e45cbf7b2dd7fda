"""ShareGPT: conversations as lists of `from` and `value`, as FastChat and LLaMA-Factory take them."""

from collections.abc import Iterator

from feedback.formats.beside import find_beside
from feedback.formats.chat import is_chat, make_turns, take_chat
from feedback.formats.fields import find_field
from feedback.formats.format import Converted, Format, Made
from feedback.formats.jsonl import Body


def recognise_sharegpt(body: Body) -> bool:
    return is_chat(body.get("conversations")) and "label" not in body and "chosen" not in body


def read_sharegpt(body: Body) -> Iterator[Converted]:
    chat = take_chat(body, "conversations")
    system = find_field(body, "system", str)
    turns, notes = make_turns([*([{"role": "system", "content": system}] if system else []), *chat])
    yield Made("conversations", {"turns": turns} | find_beside(body, "conversations"), notes)


SHAREGPT = Format("ShareGPT", recognise_sharegpt, read_sharegpt, "sharegpt")
