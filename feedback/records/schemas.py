"""The record forms on disk: choice, pair, thumb, conversation; one JSON object a line, the same for import
and export.

A form says what a line may look like, not whether a training record follows from it (`normalise.py` does).
Fields that a form does not know are ignored here; the importer keeps them in the stored body, the dataset
leaves them out.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from feedback.records.rejections import REASONS, Refusal
from serving.faults import say_fault

Kind = Literal["pick", "edit", "own", "tie"]
Arm = Literal["base", "tuned", "both"]
# pydantic's name of a fault -> ours, where the field's name adds nothing
BY_FIELD = {"kind": "unknown_kind", "role": "unknown_role"}


def fault(reason: str, detail: str = "") -> PydanticCustomError:
    """Makes a validation error that carries one of our reasons."""
    return PydanticCustomError(reason, "{detail}", {"detail": detail or REASONS[reason]})


def parse_time(value: object) -> object:
    """Converts ISO 8601 text to UTC; a time without a zone is taken as UTC."""
    if not isinstance(value, str):
        return value
    try:
        at = datetime.fromisoformat(value)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise fault("bad_time", f"{value[:40]!r} is not ISO 8601") from error


Time = Annotated[datetime, BeforeValidator(parse_time)]
Weight = Annotated[float, Field(gt=0, le=1000)]
Named = Annotated[str | None, AfterValidator(lambda name: name or None)]  # empty in pairs where unknown


class Form(BaseModel):
    """Base class of the forms. Types are strict: "1" is no number and 1 is no boolean."""

    model_config = ConfigDict(strict=True, extra="ignore")

    def to_record(self) -> dict[str, Any]:
        """The form as it is written to disk; fields that are not set are left out."""
        return drop_unset(self.model_dump(mode="json"), keep=())


F = TypeVar("F", bound=Form)


class ChatMessage(Form):
    role: Literal["system", "user", "assistant", "tool"]
    content: str


class OfferedReply(Form):
    """One reply on offer. `token_ids`, as sampled, stay in the store, and in datasets where no text was
    replaced. `slot` is the place on the screen, from 0; it is given where it differs from the index in the
    list, because an earlier card was blank, unavailable or a duplicate.
    """

    text: str
    arm: Arm | None = None
    adapter: str | None = None
    slot: Annotated[int, Field(ge=0)] | None = None
    token_ids: list[int] | None = None


class Labelled(Form):
    """The fields that all training records share."""

    id: str | None = None
    source: str | None = None
    conversation: str | None = None
    prompt: list[ChatMessage]
    annotator: Named = None
    language: Named = None
    tags: list[str] = []
    weight: Weight | None = None
    at: Time | None = None
    reasons: list[str] | None = None
    chat_template_kwargs: dict[str, Any] = {}

    @model_validator(mode="after")
    def check_prompt(self) -> Self:
        if not self.prompt:
            raise fault("empty_prompt")
        if self.prompt[-1].role not in ("user", "tool"):
            raise fault("prompt_not_from_user", f"the prompt ends with {self.prompt[-1].role!r}")
        if not self.prompt[-1].content.strip():
            raise fault("blank_prompt")
        return self


class ChoiceForm(Labelled):
    """The replies in the order shown, and what was done. `dwell_ms`: from the reveal to the decision."""

    candidates: list[OfferedReply]
    kind: Kind | None = None
    picked: list[int] = []
    edited: str | None = None
    own: str | None = None
    dwell_ms: Annotated[int, Field(ge=0)] | None = None
    prompt_token_ids: list[int] | None = None
    base_id: str | None = None

    @model_validator(mode="after")
    def check_choice(self) -> Self:
        if any(not 0 <= index < len(self.candidates) for index in self.picked):
            raise fault("picked_out_of_range", f"picked {self.picked} of {len(self.candidates)} replies")
        self.picked = sorted(set(self.picked))
        inferred: Kind = (
            "own"
            if self.own is not None
            else "edit"
            if self.edited is not None
            else "tie"
            if len(self.picked) > 1
            else "pick"
        )
        if self.kind is None:
            self.kind = inferred
        needs_text = {"own": self.own, "edit": self.edited}
        if self.kind in needs_text and needs_text[self.kind] is None:
            raise fault("kind_mismatch", f"kind {self.kind!r} without its text")
        if self.kind != inferred and not (self.kind == "edit" and self.own is None):
            raise fault("kind_mismatch", f"kind {self.kind!r}, but the fields say {inferred!r}")
        if self.kind != "own" and not self.picked:
            raise fault("nothing_picked")
        if self.kind in ("pick", "edit") and len(self.picked) != 1:
            raise fault("kind_mismatch", f"kind {self.kind!r} with {len(self.picked)} picked replies")
        return self

    def to_record(self) -> dict[str, Any]:
        return drop_unset(self.model_dump(mode="json"), keep=("edited", "own"))


def check_reply(name: str, messages: list[ChatMessage]) -> None:
    """Checks for a single assistant message: of several, the last would be learnt as the answer."""
    if messages[-1].role != "assistant":
        raise fault("unknown_role", f"{name} ends with {messages[-1].role!r}, not with the assistant")
    if len(messages) > 1:
        raise fault("several_messages", f"{name} has {len(messages)} messages, not one")
    if not messages[0].content.strip():
        raise fault("blank_text")


class PairForm(Labelled):
    """A pair in TRL's conversational preference form, with its origin."""

    chosen: list[ChatMessage] = Field(min_length=1)
    rejected: list[ChatMessage] = Field(min_length=1)
    group: str | None = None
    meta: dict[str, Any] | None = None

    @model_validator(mode="after")
    def check_sides(self) -> Self:
        for side in (self.chosen, self.rejected):
            check_reply("a side", side)
        if self.chosen == self.rejected:
            raise fault("equal_texts")
        return self


class ThumbForm(Labelled):
    """A thumb in TRL's unpaired form: one reply, whether it was good, and the customer's comments."""

    completion: list[ChatMessage] = Field(min_length=1)
    label: bool
    comment: str | None = None
    group: str | None = None
    meta: dict[str, Any] | None = None
    arm: Arm | None = None
    adapter: str | None = None

    @model_validator(mode="after")
    def check_completion(self) -> Self:
        check_reply("the completion", self.completion)
        return self


class SpokenTurn(Form):
    """One message of a conversation; `ts` is seconds since 1970. `bot`: a reply that a program wrote, or of
    which nobody says that a person did.
    """

    role: Literal["customer", "agent", "bot"]
    text: str
    ts: float | None = None


class ConversationForm(Form):
    """A whole conversation between a customer and the desk."""

    id: str | None = None
    source: str | None = None
    language: str | None = None
    domain: str | None = None
    customer_id: str | None = None
    customer_details: list[str] = []  # names, addresses and the like, replaced in what is learnt from
    turns: list[SpokenTurn]
    tags: list[str] = []
    at: Time | None = None

    @model_validator(mode="after")
    def check_turns(self) -> Self:
        if not self.turns:
            raise fault("no_turns")
        if any(not turn.text.strip() for turn in self.turns):
            raise fault("blank_text", "a turn has a blank text")
        for turn in self.turns:
            turn_time(turn)
        return self


def turn_time(turn: SpokenTurn) -> datetime | None:
    if turn.ts is None:
        return None
    try:
        return datetime.fromtimestamp(turn.ts, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise fault("bad_time", f"ts {turn.ts!r} is no time in seconds since 1970") from error


FORMS: dict[str, type[Form]] = {
    "choices": ChoiceForm,
    "pairs": PairForm,
    "thumbs": ThumbForm,
    "conversations": ConversationForm,
}


def read_form(form: type[F], body: Mapping[str, Any]) -> F | Refusal:
    """Parses the body into a form; returns a refusal for the first fault."""
    try:
        return form.model_validate(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=True)[0]
        name = ".".join(str(part) for part in first["loc"] if isinstance(part, str))
        if first["type"] in REASONS:
            return Refusal(first["type"], first["msg"])
        if first["type"] == "missing":
            return Refusal(f"missing_field:{name}", f"the field {name!r} is missing")
        last = name.rpartition(".")[2]
        if first["type"] == "literal_error" and last in BY_FIELD:
            return Refusal(BY_FIELD[last], f"{last} {str(first['input'])[:40]!r}")
        return Refusal(f"wrong_type:{name}", say_fault(first))


def conversation_of(body: Mapping[str, Any], identity: str) -> str:
    """The conversation, which is the unit of the split: the stated one, else the group or dialogue that the
    line names, else the id up to its last `-`.
    """
    own_id = body.get("id")
    named = own_id if isinstance(own_id, str) else ""
    return stated_conversation(body) or named.rpartition("-")[0] or named or identity


def stated_conversation(body: Mapping[str, Any]) -> str | None:
    meta = body.get("meta")
    stated = [body.get("conversation"), body.get("group")]
    if isinstance(meta, dict):
        stated += [meta.get("group"), meta.get("dialogue_id")]
    return next((value for value in stated if isinstance(value, str) and value), None)


def is_guessed(body: Mapping[str, Any]) -> bool:
    """Whether the conversation is only the id up to its last `-`, because the line names none."""
    own_id = body.get("id")
    return stated_conversation(body) is None and isinstance(own_id, str) and own_id.rfind("-") > 0


def drop_unset(record: dict[str, Any], keep: tuple[str, ...]) -> dict[str, Any]:
    cleaned: dict[str, Any] = {}
    for key, value in record.items():
        if isinstance(value, list):
            value = [drop_unset(item, ()) if isinstance(item, dict) else item for item in value]
        if key in keep or key == "tags" or (value is not None and value != {}):
            cleaned[key] = value
    return cleaned
