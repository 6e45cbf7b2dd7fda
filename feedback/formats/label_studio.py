"""Label Studio's pairwise tasks: every annotation that was not cancelled becomes a choice between the two
replies that its result names.
"""

from collections.abc import Iterator
from typing import Any

from feedback.formats.chat import Chat, is_chat, make_labelled, take_chat
from feedback.formats.fields import FieldFault, find_field, find_id, find_objects, take_field, take_named
from feedback.formats.format import Converted, Format, Made
from feedback.formats.jsonl import Body
from feedback.formats.times import find_time
from feedback.records.rejections import Refusal

PLACES = {"left": 0, "right": 1}


def recognise_label_studio(body: Body) -> bool:
    return isinstance(body.get("annotations"), list) and isinstance(body.get("data"), dict)


def read_label_studio(body: Body) -> Iterator[Converted]:
    data = take_field(body, "data", dict)
    for annotation in find_objects(body, "annotations"):
        yield read_annotation(body, data, annotation)


def read_annotation(body: Body, data: dict[str, Any], annotation: dict[str, Any]) -> Made | Refusal:
    if find_field(annotation, "was_cancelled", bool):
        return Refusal("skip", "the annotation was cancelled")
    result = next((one for one in find_objects(annotation, "result") if one.get("type") == "pairwise"), None)
    if result is None:
        return Refusal("not_judged", "the annotation has no pairwise result")
    side = find_field(result, "value.selected", str)
    names = take_field(result, "to_name", str).split(",")
    if side not in PLACES or len(names) != 2:
        return Refusal("unclear_label", f"selected {str(side)[:40]!r} of {len(names)} replies")
    texts = [take_named(data, name.strip(), str, place="reply") for name in names]
    person = annotation.get("completed_by")
    named = find_id(body, "id")
    at = find_time(annotation, "created_at")
    annotation_id = find_id(annotation, "id")
    return make_labelled(
        "choices",
        {
            "prompt": find_prompt(data, [name.strip() for name in names]),
            "candidates": [{"text": text} for text in texts],
            "picked": [PLACES[side]],
        },
        id=f"{named}/{annotation_id}" if named and annotation_id else None,
        conversation=named,
        annotator=find_id(person, "id") if isinstance(person, dict) else find_id(annotation, "completed_by"),
        at=at.isoformat() if at else None,
    )


def find_prompt(data: dict[str, Any], replies: list[str]) -> Chat:
    """The chat among the data of a task, else its first text that is none of the replies."""
    others = [name for name in data if name not in replies]
    place = next((name for name in others if is_chat(data[name])), None)
    place = place or next((name for name in others if isinstance(data[name], str)), None)
    if place is None:
        raise FieldFault("no_prompt", "the data of the task hold no chat and no text beside the replies")
    return take_chat({"prompt": data[place]}, "prompt")


LABEL_STUDIO = Format("Label Studio pairwise", recognise_label_studio, read_label_studio, "label-studio")
