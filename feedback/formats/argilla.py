"""Argilla's records of a preference question: every response of a person becomes a choice between the replies
in the record's fields. Suggestions of a model are no responses and are left out.
"""

from collections.abc import Iterator
from typing import Any

from feedback.formats.chat import make_labelled, take_chat
from feedback.formats.fields import FieldFault, find_field, find_id, find_objects, take_field
from feedback.formats.format import Converted, Format, Made
from feedback.formats.jsonl import Body
from feedback.records.rejections import Refusal

PROMPTS = ("prompt", "instruction", "question", "input")


def recognise_argilla(body: Body) -> bool:
    return isinstance(body.get("fields"), dict) and isinstance(body.get("responses"), dict)


def read_argilla(body: Body) -> Iterator[Converted]:
    fields = take_field(body, "fields", dict)
    asked = next((name for name in PROMPTS if name in fields), None)
    if asked is None:
        raise FieldFault("no_prompt", "no field is called " + " or ".join(PROMPTS))
    replies = {name: text for name, text in fields.items() if name != asked and isinstance(text, str)}
    prompt = take_chat(fields, asked)
    for answers in take_field(body, "responses", dict).values():
        for answer in find_objects({"response": answers}, "response"):
            yield read_response(body, prompt, replies, answer)


def read_response(
    body: Body, prompt: list[dict[str, str]], replies: dict[str, str], answer: dict[str, Any]
) -> Made | Refusal:
    picked = find_field(answer, "value", object)
    names = list(replies)
    if picked == "tie":
        return Refusal("tie_of_all", "the response is a tie")
    if picked not in names:
        return Refusal("unclear_label", f"{str(picked)[:40]!r} is no reply of the record")
    named, person = find_id(body, "id"), find_id(answer, "user_id")
    made = {
        "prompt": prompt,
        "candidates": [{"text": text} for text in replies.values()],
        "picked": [names.index(str(picked))],
    }
    one = f"{named}/{person}" if named and person else None
    return make_labelled("choices", made, id=one, conversation=named, annotator=person)


ARGILLA = Format("Argilla records", recognise_argilla, read_argilla, "argilla")
