"""Alpaca: an instruction with an optional input, the turns before it, and an output. Where the output is a
list, it is ranked with the best first (LLaMA-Factory), and becomes a choice of its first.
"""

from collections.abc import Iterator

from feedback.formats.chat import Chat, make_labelled, make_turns
from feedback.formats.fields import FieldFault, find_field, find_id, find_texts, take_field
from feedback.formats.format import Converted, Format, Made
from feedback.formats.jsonl import Body


def recognise_alpaca(body: Body) -> bool:
    return isinstance(body.get("instruction"), str) and isinstance(body.get("output"), str)


def read_alpaca(body: Body) -> Iterator[Converted]:
    output = take_field(body, "output", str)
    turns, notes = make_turns([*read_instruction(body), {"role": "assistant", "content": output}])
    if not output.strip():
        raise FieldFault("no_reply", "the output is blank")
    named = find_id(body, "id")
    yield Made("conversations", {"turns": turns} | ({"id": named} if named else {}), notes)


def read_instruction(body: Body) -> Chat:
    """The chat up to the reply."""
    system = find_field(body, "system", str)
    chat = [{"role": "system", "content": system}] if system else []
    for exchange in find_field(body, "history", list) or []:
        if not (
            isinstance(exchange, list) and len(exchange) == 2 and all(isinstance(t, str) for t in exchange)
        ):
            raise FieldFault("wrong_type:history", "an entry is not a question with its answer")
        chat += [
            {"role": role, "content": text}
            for role, text in zip(("user", "assistant"), exchange, strict=True)
        ]
    asked = [take_field(body, "instruction", str), find_field(body, "input", str) or ""]
    return [*chat, {"role": "user", "content": "\n".join(text for text in asked if text.strip())}]


def recognise_ranked(body: Body) -> bool:
    return isinstance(body.get("instruction"), str) and isinstance(body.get("output"), list)


def read_ranked(body: Body) -> Iterator[Converted]:
    replies = [{"text": text} for text in find_texts(body, "output")]
    made = {"prompt": read_instruction(body), "candidates": replies, "picked": [0]}
    yield make_labelled("choices", made, id=find_id(body, "id"))


ALPACA = Format("Alpaca", recognise_alpaca, read_alpaca, "alpaca")
RANKED = Format("LLaMA-Factory ranked", recognise_ranked, read_ranked, "llamafactory")
