"""Turns a customer's thumb into a record in its form, or into why there is none. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from feedback.records.from_judgement import LIVE
from feedback.records.rejections import Refusal
from feedback.records.schemas import Arm, ChatMessage, ThumbForm


@dataclass(frozen=True)
class ThumbedReply:
    """The last thumb on a message, which counts. `prompt`: None where no set was generated."""

    id: str
    message_id: str
    conversation: str
    value: int
    at: datetime
    text: str | None
    prompt: list[dict[str, str]] | None
    arm: str | None
    adapter: str | None
    chat_template_kwargs: dict[str, Any]
    language: str | None
    tags: list[str]
    reasons: list[str]
    comment: str | None
    known: list[str]  # what stands for the customer, to be replaced


def derive_thumb(reply: ThumbedReply) -> ThumbForm | Refusal:
    """Makes a record of one live thumb. A reply that was edited or written by hand has no arm."""
    if reply.value == 0:
        return Refusal("taken_back")
    if reply.text is None:
        return Refusal("erased")
    if reply.prompt is None:
        return Refusal("no_prompt")
    return ThumbForm.model_construct(
        id=reply.id,
        source=LIVE,
        prompt=[ChatMessage.model_validate(message) for message in reply.prompt],
        completion=[ChatMessage(role="assistant", content=reply.text)],
        label=reply.value > 0,
        arm=cast(Arm | None, reply.arm),
        adapter=reply.adapter,
        language=reply.language,
        tags=reply.tags,
        at=reply.at,
        chat_template_kwargs=reply.chat_template_kwargs,
        reasons=reply.reasons or None,
        comment=reply.comment or None,
    )
