"""LLaMA-Factory: ShareGPT's lines in the order that it accepts, and `dataset_info.json`, which names them.

It skips a chat whose user and assistant do not take turns, or that does not begin with the user and end with
the assistant. So messages of one side in a row become one, those of the system go to the beginning, and what
stands before the first of the user or after the last of the assistant is left out, all of it counted.
"""

import json
from collections.abc import Callable, Iterable
from typing import Any

from feedback.exports.form import Conversion, ExportForm, KindShape, write_lines
from feedback.exports.sharegpt import SHAREGPT_SHAPES
from feedback.formats.jsonl import Body

ASSISTANT = "gpt"
COLUMNS_OF: dict[str, dict[str, Any]] = {
    "pairs": {"ranking": True, "columns": {"chosen": "chosen", "rejected": "rejected"}},
    "thumbs": {"columns": {"kto_tag": "label"}},
    "conversations": {"columns": {}},
}


def is_assistant(message: Body) -> bool:
    return bool(message["from"] == ASSISTANT)


def take_turns(chat: list[Body]) -> tuple[list[Body], set[str]]:
    """The chat with user and assistant in turns, the user first; and codes of what it lost."""
    losses: set[str] = set()
    system = [message["value"] for message in chat if message["from"] == "system"]
    if len(system) > 1 or (system and chat[0]["from"] != "system"):
        losses.add("system_moved")
    turns: list[Body] = []
    for message in chat:
        if message["from"] == "system":
            continue
        if not turns and is_assistant(message):
            losses.add("start_cut")
        elif turns and is_assistant(turns[-1]) == is_assistant(message):
            losses.add("joined")
            turns[-1] = turns[-1] | {"value": f"{turns[-1]['value']}\n\n{message['value']}"}
        else:
            turns.append(message)
    before = [{"from": "system", "value": "\n\n".join(system)}] if system else []
    return [*before, *turns], losses


def in_turns(convert: Callable[[Body], Conversion], *, ends_with_reply: bool) -> Callable[[Body], Conversion]:
    """The same conversion, with the messages in turns."""

    def convert_in_turns(record: Body) -> Conversion:
        line, known = convert(record)
        assert line is not None
        chat, losses = take_turns(line["conversations"])
        losses.update(known)
        if ends_with_reply and chat and not is_assistant(chat[-1]):
            losses.add("end_cut")
            chat = chat[:-1]
        if not chat or (ends_with_reply and not is_assistant(chat[-1])):
            return Conversion(None, ("no_reply",))
        return Conversion(line | {"conversations": chat}, losses)

    return convert_in_turns


def write_info(kinds: Iterable[str]) -> dict[str, bytes]:
    """`dataset_info.json`, with the name of each kind's dataset."""
    info = {}
    for kind in kinds:
        told = COLUMNS_OF[kind]
        columns = {"messages": "conversations"} | told["columns"]
        file = {"file_name": LLAMAFACTORY.name_file(kind), "formatting": "sharegpt"}
        info[f"rejoinder_{kind}"] = file | told | {"columns": columns}
    return {"dataset_info.json": (json.dumps(info, indent=2) + "\n").encode()}


LLAMAFACTORY = ExportForm(
    name="llamafactory",
    ending="jsonl",
    media_type="application/jsonl",
    shapes={
        kind: KindShape(in_turns(shape.convert, ends_with_reply=kind != "pairs"), shape.holds)
        for kind, shape in SHAREGPT_SHAPES.items()
    },
    write=write_lines,
    list_beside=write_info,
)
