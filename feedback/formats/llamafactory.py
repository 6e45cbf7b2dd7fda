"""LLaMA-Factory's preference data: a chat with a chosen and a rejected reply (dpo), and a chat whose last
reply is good or bad (kto). Its ranked lists stand in `alpaca.py`, its chats in `sharegpt.py`.
"""

from collections.abc import Iterator

from feedback.formats.beside import find_beside
from feedback.formats.chat import Chat, is_chat, make_labelled, read_reply, split_reply, take_chat
from feedback.formats.fields import find_field, has_fields, take_field
from feedback.formats.format import Converted, Format
from feedback.formats.jsonl import Body
from feedback.formats.trl import read_label

CHATS = ("conversations", "messages")


def recognise_dpo(body: Body) -> bool:
    return find_chat(body) is not None and has_fields(body, "chosen rejected")


def find_chat(body: Body) -> str | None:
    return next((name for name in CHATS if is_chat(body.get(name))), None)


def read_told_chat(body: Body) -> Chat:
    """The chat, with the system's words where they stand beside it."""
    system = find_field(body, "system", str)
    before = [{"role": "system", "content": system}] if system else []
    return [*before, *take_chat(body, find_chat(body) or CHATS[0])]


def read_dpo(body: Body) -> Iterator[Converted]:
    sides = {
        "prompt": read_told_chat(body),
        "chosen": read_reply(body, "chosen"),
        "rejected": read_reply(body, "rejected"),
    }
    yield make_labelled("pairs", sides, **find_beside(body, "pairs"))


def recognise_kto(body: Body) -> bool:
    return find_chat(body) is not None and ("label" in body or "kto_tag" in body)


def read_kto(body: Body) -> Iterator[Converted]:
    prompt, reply = split_reply(read_told_chat(body))
    label = read_label(take_field(body, "label" if "label" in body else "kto_tag", object))
    made = {"prompt": prompt, "completion": reply, "label": label}
    yield make_labelled("thumbs", made, **find_beside(body, "thumbs"))


DPO = Format("LLaMA-Factory dpo", recognise_dpo, read_dpo, "llamafactory")
KTO = Format("LLaMA-Factory kto", recognise_kto, read_kto, "llamafactory")
