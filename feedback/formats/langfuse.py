"""Langfuse's scores. A score that comes with its trace, whose input and output are the prompt and the reply,
becomes a thumb; the scores alone say nothing of what was asked.
"""

from collections.abc import Iterator

from feedback.formats.chat import make_labelled, read_reply, take_chat
from feedback.formats.fields import FieldFault, find_field, find_id, has_fields
from feedback.formats.format import Converted, Format
from feedback.formats.jsonl import Body
from feedback.formats.times import find_time
from feedback.formats.trl import read_label


def recognise_langfuse(body: Body) -> bool:
    return has_fields(body, "traceId dataType name")


def read_langfuse(body: Body) -> Iterator[Converted]:
    if find_field(body, "trace.input", object) is None:
        raise FieldFault("no_prompt", "the score comes without the input of its trace")
    place = "trace.input.messages" if isinstance(body["trace"]["input"], dict) else "trace.input"
    value = find_field(body, "value", object)
    at = find_time(body, "timestamp")
    yield make_labelled(
        "thumbs",
        {
            "prompt": take_chat(body, place),
            "completion": read_reply(body, "trace.output"),
            "label": read_label(find_field(body, "stringValue", str) if value is None else value),
        },
        id=find_id(body, "id"),
        conversation=find_id(body, "sessionId") or find_id(body, "traceId"),
        annotator=find_id(body, "authorUserId"),
        at=at.isoformat() if at else None,
        comment=find_field(body, "comment", str),
    )


LANGFUSE = Format("Langfuse scores", recognise_langfuse, read_langfuse, "langfuse")
