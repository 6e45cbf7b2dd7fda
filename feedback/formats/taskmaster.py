"""Taskmaster's rewards: a chat and the machine's next message, both as JSON in a text, and whether it was
good. A call of an API is the assistant's, its answer a tool's.
"""

import json
from collections.abc import Iterator
from typing import Any

from feedback.formats.chat import make_labelled, read_message
from feedback.formats.fields import FieldFault, find_id, has_fields, take_field
from feedback.formats.format import Converted, Format
from feedback.formats.jsonl import Body
from feedback.formats.trl import read_label


def recognise_taskmaster(body: Body) -> bool:
    return has_fields(body, "context generation reward")


def read_taskmaster(body: Body) -> Iterator[Converted]:
    context = read_json_text(body, "context", list)
    made = {
        "prompt": [read_step(step, "context") for step in context],
        "completion": [read_step(read_json_text(body, "generation", dict), "generation")],
        "label": read_label(take_field(body, "reward", object)),
    }
    yield make_labelled("thumbs", made, conversation=find_id(body, "conversation_id"))


def read_json_text(body: Body, name: str, kind: type[Any]) -> Any:
    """A field that is JSON, or JSON in a text."""
    value = take_field(body, name, object)
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise FieldFault(f"wrong_type:{name}", "the text in it is not JSON") from error
    return take_field({name: value}, name, kind)


def read_step(step: Any, name: str) -> dict[str, str]:
    """A message; a call and its answer are told as JSON, without the role."""
    if isinstance(step, dict) and step.get("text") is None:
        told = {key: value for key, value in step.items() if key not in ("role", "response")}
        told |= step["response"] if isinstance(step.get("response"), dict) else {}
        step = {"role": step.get("role"), "text": json.dumps(told, ensure_ascii=False) if told else ""}
    return read_message(step, name)


TASKMASTER = Format("Taskmaster rewards", recognise_taskmaster, read_taskmaster, "taskmaster")
