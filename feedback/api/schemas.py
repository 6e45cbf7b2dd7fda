"""Base classes of bodies and answers: strict types, no unknown fields, a maximum length for every text.

Bodies of writes derive from `Body` (it has the client's `event_id`), bodies of puts from `PutBody`, answers
from `Answer`, query parameters from `Query`.
"""

import re
from datetime import UTC, datetime, time
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)

DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
MAX_TEXT = 20_000  # characters that a person writes at once
MAX_HANDED_TEXT = 1_000_000  # characters of one message that an app hands over: a mail with all it quotes
MAX_HANDED = 20_000  # messages of a conversation handed over at once
MAX_MESSAGES = 200  # the number kept: the latest ones
MAX_ATTACHMENTS = 20  # of one message


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("must hold more than white space")
    return text


def _as_uuid(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        raise ValueError("must be a UUID") from None


def _as_utc(at: datetime) -> datetime:
    """The time in UTC, as it is stored. At the very ends of the calendar some times cannot be given in
    UTC.
    """
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise ValueError("is no time in UTC") from None


def _as_time(at: time) -> BeforeValidator:
    """Parses a time; a date alone gets this time of day, in UTC."""

    def read(text: Any) -> Any:
        if not isinstance(text, str) or not DAY.fullmatch(text):
            return text
        return datetime.combine(datetime.fromisoformat(text), at, UTC)

    return BeforeValidator(read)


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
TagPath = Annotated[str, StringConstraints(min_length=1, max_length=600, pattern=r"\S")]
Language = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,3}$", max_length=35)
]
# JSON has no type for times, so this field type is parsed from text although bodies are strict.
Time = Annotated[AwareDatetime, Field(strict=False), AfterValidator(_as_utc)]
Since = Annotated[Time, _as_time(time.min)]
Until = Annotated[Time, _as_time(time.max)]
Role = Literal["customer", "agent"]
Revision = Annotated[
    int, Field(ge=1, le=2**53, description="Of the draft, counted up by the page at every change.")
]


class Body(BaseModel):
    """The body of a write."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)

    event_id: EventId = Field(
        description="Any UUID made by the client; the same id and body give the same answer again."
    )


class PutBody(BaseModel):
    """The body of a `put`: a current state. It has no event id, since repeating it leaves the same state."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class Plain(Body):
    """A body with the event id only: the path says the rest."""


class Part(BaseModel):
    """A nested object of a body."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class Query(BaseModel):
    """Query parameters. They arrive as text, so numbers are parsed from text."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Attachment(Part):
    """An attachment that is not text. Only a mark of it is kept, not its content."""

    kind: Literal["picture", "audio", "video", "file"]
    name: Annotated[str, StringConstraints(max_length=200)] = ""

    def mark(self) -> str:
        """The text that replaces the attachment, such as [picture: receipt.jpg]."""
        return f"[{self.kind}: {self.name.strip()}]" if self.name.strip() else f"[{self.kind}]"


HandedText = Annotated[str, StringConstraints(max_length=MAX_HANDED_TEXT)]
Attachments = Annotated[
    list[Attachment],
    Field(max_length=MAX_ATTACHMENTS, default_factory=list, description="Kept as a mark in the text."),
]


def write_down(text: str, attachments: list[Attachment]) -> str:
    """The message with a mark for each attachment, as one text. Refuses a message with neither text nor
    attachment.
    """
    marks = [attachment.mark() for attachment in attachments]
    return "\n".join([*([text] if text.strip() else []), *marks]) or _not_blank(text)


class Knowledge(Part):
    title: Annotated[str, StringConstraints(max_length=300)]
    text: Annotated[str, StringConstraints(max_length=MAX_TEXT)]


Link = Annotated[str, StringConstraints(max_length=2_000, pattern=r"^https?://[^\s/@]+(/\S*)?$")]


class PassedField(Part):
    """A fact of the helpdesk that agents see beside the conversation."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"\S")]
    value: Annotated[str, StringConstraints(max_length=2_000)]
    link: Link | None = None

    def keep(self) -> dict[str, str]:
        return self.model_dump(exclude_none=True)


SHOWN_BESIDE = "What agents see beside the conversation; neither suggestions nor training read it."
ALLOWED = "What the interval allows to say: `not_known` while it includes one half."
DUE = "When the last message should be answered: shown to agents."
PassedFields = Annotated[list[PassedField], Field(max_length=30)]
KnowledgeList = Annotated[list[Knowledge], Field(max_length=20)]
Wait = Annotated[
    float,
    Field(
        ge=0,
        le=60,
        description="Seconds to wait for something new; a stream of events (see docs/http.md) needs none.",
    ),
]
