"""Anthropic's HH: two texts that each hold a whole chat, with `Human:` or `Assistant:` before a message."""

import re
from collections.abc import Iterator

from feedback.formats.chat import Chat, make_labelled, split_shared
from feedback.formats.fields import FieldFault, take_field
from feedback.formats.format import Converted, Format
from feedback.formats.jsonl import Body

SPEAKER = re.compile(r"(?:^|\n\n)(Human|Assistant):[ ]?")
HH_ROLES = {"Human": "user", "Assistant": "assistant"}


def recognise_hh(body: Body) -> bool:
    sides = (body.get("chosen"), body.get("rejected"))
    return all(isinstance(side, str) and SPEAKER.match(side) for side in sides)


def read_hh(body: Body) -> Iterator[Converted]:
    chosen, rejected = (read_told(take_field(body, name, str), name) for name in ("chosen", "rejected"))
    prompt, chosen, rejected = split_shared(chosen, rejected)
    yield make_labelled("pairs", {"prompt": prompt, "chosen": chosen, "rejected": rejected})


def read_told(text: str, name: str) -> Chat:
    before, *told = SPEAKER.split(text)
    if before.strip() or not told:
        raise FieldFault(f"wrong_type:{name}", "it does not begin with Human: or Assistant:")
    return [
        {"role": HH_ROLES[speaker], "content": said.strip()}
        for speaker, said in zip(told[::2], told[1::2], strict=True)
    ]


HH = Format("HH", recognise_hh, read_hh, "hh")
