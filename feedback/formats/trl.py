"""The data of TRL's trainers beside the forms that are ours already: preference with a stated or an implicit
prompt, unpaired preference, prompt and completion; plain texts or messages.
"""

from collections.abc import Iterator

from feedback.formats.chat import (
    is_chat,
    make_labelled,
    make_turns,
    read_reply,
    split_reply,
    split_shared,
    take_chat,
)
from feedback.formats.fields import FieldFault, find_id, has_fields, take_field
from feedback.formats.format import Converted, Format, Made
from feedback.formats.jsonl import Body

TRUE, FALSE = (
    ("true", "1", "1.0", "yes", "good", "up", "thumbs_up"),
    ("false", "0", "0.0", "-1", "no", "bad", "down", "thumbs_down"),
)


def is_side(value: object) -> bool:
    return isinstance(value, str) or is_chat(value)


def recognise_preference(body: Body) -> bool:
    return is_side(body.get("chosen")) and is_side(body.get("rejected")) and "conversations" not in body


def read_preference(body: Body) -> Iterator[Converted]:
    """A pair. Sides without a prompt begin with it: it is what both share, up to the last message."""
    chosen, rejected = read_reply(body, "chosen"), read_reply(body, "rejected")
    prompt = take_chat(body, "prompt") if body.get("prompt") is not None else []
    if not prompt or min(len(chosen), len(rejected)) > 1:
        shared, chosen, rejected = split_shared(chosen, rejected)
        prompt = shared or prompt
    yield make_labelled(
        "pairs", {"prompt": prompt, "chosen": chosen, "rejected": rejected}, id=find_id(body, "id")
    )


def recognise_unpaired(body: Body) -> bool:
    return is_side(body.get("prompt")) and is_side(body.get("completion")) and "label" in body


def read_unpaired(body: Body) -> Iterator[Converted]:
    made = {
        "prompt": take_chat(body, "prompt"),
        "completion": read_reply(body, "completion"),
        "label": read_label(take_field(body, "label", object)),
    }
    yield make_labelled("thumbs", made, id=find_id(body, "id"))


def read_label(value: object) -> bool:
    """Good or bad, as true and false, 1 and 0 or 1 and -1, or in words. Anything between is neither."""
    text = str(value).strip().lower()
    if text in TRUE or text in FALSE:
        return text in TRUE
    raise FieldFault("unclear_label", f"{str(value)[:40]!r}")


def recognise_completion(body: Body) -> bool:
    return has_fields(body, "prompt completion") and "label" not in body and is_side(body["prompt"])


def read_completion(body: Body) -> Iterator[Converted]:
    prompt, reply = split_reply([*take_chat(body, "prompt"), *read_reply(body, "completion")])
    turns, notes = make_turns([*prompt, *reply])
    named = find_id(body, "id")
    yield Made("conversations", {"turns": turns} | ({"id": named} if named else {}), notes)


PREFERENCE = Format("TRL preference", recognise_preference, read_preference, "trl")
UNPAIRED = Format("TRL unpaired preference", recognise_unpaired, read_unpaired, "trl")
COMPLETION = Format("TRL prompt and completion", recognise_completion, read_completion, "trl")
