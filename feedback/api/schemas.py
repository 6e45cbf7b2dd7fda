"""The building blocks of bodies and answers: strict, no unknown field, every text of limited length.

Bodies of writes derive from `Body` (they carry the client's `event_id`), answers from `Answer`, query
parameters from `Query`.
"""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

MAX_TEXT = 8_000  # characters of one message
MAX_MESSAGES = 200  # of a conversation handed over at once


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("must hold more than white space")
    return text


def _as_uuid(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        raise ValueError("must be a UUID") from None


EventId = Annotated[
    str,
    StringConstraints(max_length=64),
    AfterValidator(_as_uuid),
    Field(json_schema_extra={"format": "uuid"}),
]
Text = Annotated[str, StringConstraints(min_length=1, max_length=MAX_TEXT), AfterValidator(_not_blank)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"\S")]
Id = Annotated[str, StringConstraints(min_length=1, max_length=128)]
Tag = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"\S")]
Language = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,3}$", max_length=35)
]
# JSON has no times: the one field type that is read from text although bodies are strict.
Time = Annotated[AwareDatetime, Field(strict=False)]
Role = Literal["customer", "agent"]


class Body(BaseModel):
    """What a write carries."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)

    event_id: EventId = Field(
        description="Any UUID made by the client; the same id and body give the same answer again."
    )


class Plain(Body):
    """Nothing but the event: all there is to say stands in the path."""


class Part(BaseModel):
    """A nested object of a body."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class Query(BaseModel):
    """Query parameters: arrive as text, so numbers are read from it."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Knowledge(Part):
    title: Annotated[str, StringConstraints(max_length=300)]
    text: Annotated[str, StringConstraints(max_length=MAX_TEXT)]


KnowledgeList = Annotated[list[Knowledge], Field(max_length=20)]
Wait = Annotated[float, Field(ge=0, le=60, description="Seconds to wait for something new.")]
