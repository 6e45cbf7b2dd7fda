"""Our fields beside the line of another form, as our own exports write them: `put_beside` for an export,
`find_beside` for an import. One of another type is somebody else's and left alone.

The source has a name of its own: `source` is what others call the address of a page.
"""

from typing import Any

from feedback.formats.fields import find_id
from feedback.formats.jsonl import Body
from feedback.records.schemas import Form, Time, Weight, conversation_of, read_form

SOURCE = "rejoinder_source"
LABELLED = "source conversation annotator language tags weight at reasons chat_template_kwargs"
NAMES = {
    "pairs": LABELLED.split(),
    "thumbs": [*LABELLED.split(), "comment"],
    "conversations": "source language domain customer_id customer_details tags at".split(),
}


class Beside(Form):
    """Our fields that a line of another form may have as well. A value of a wrong type is ignored."""

    source: str | None = None
    conversation: str | None = None
    annotator: str | None = None
    language: str | None = None
    domain: str | None = None
    customer_id: str | None = None
    customer_details: list[str] | None = None
    tags: list[str] | None = None
    weight: Weight | None = None
    at: Time | None = None
    reasons: list[str] | None = None
    comment: str | None = None
    chat_template_kwargs: dict[str, Any] | None = None


def put_beside(record: Body, kind: str) -> Body:
    """The fields of a record that stand beside."""
    names = ("id", *NAMES[kind], "split")
    told = {name: record[name] for name in names if record.get(name) is not None}
    if "conversation" in NAMES[kind]:
        told["conversation"] = conversation_of(record, record.get("id") or "")
    return {SOURCE if name == "source" else name: value for name, value in told.items()}


def find_beside(body: Body, kind: str) -> dict[str, Any]:
    """The fields that stand beside the line that was read."""
    found: dict[str, Any] = {}
    for name in NAMES[kind]:
        value = body.get(SOURCE if name == "source" else name)
        if value is not None and isinstance(read_form(Beside, {name: value}), Beside):
            found[name] = value
    named = find_id(body, "id")
    return found | ({"id": named} if named else {})
