"""Asks the helper whether the reply that a record prefers answers another message in place of its last."""

from typing import Any

from feedback.helper.ask import Helper
from feedback.helper.outcome import HelperAnswer
from feedback.helper.question import HelperQuestion
from feedback.helper.record_texts import RecordTexts
from feedback.labelling.kinds import ValueUnknown

FIT = "fit"  # use
VERSION = 1  # of the instruction: another one asks anew
INSTRUCTION = (
    "Say whether `reply`, sent as it is, is a whole and right answer to the last of `messages`: `fits` is "
    "true or false, and false where this cannot be told."
)
SCHEMA = {
    "type": "object",
    "properties": {"fits": {"type": "boolean"}},
    "required": ["fits"],
    "additionalProperties": False,
}


def ask_fit(helper: Helper, texts: RecordTexts, message: str) -> HelperAnswer:
    """`message`: what stands for the last one of the record. Raises HelperError."""
    messages = [*texts.messages[:-1], {**texts.messages[-1], "content": message}]
    question = HelperQuestion(
        use=FIT,
        version=VERSION,
        instruction=INSTRUCTION,
        material={"messages": messages, "reply": texts.reply},
        conversation=texts.conversation,
        schema=SCHEMA,
        check=check_fits,
        known=texts.known,
        subjects=[texts.subject],
        judges_replies=True,
    )
    return helper.ask(question)


def check_fits(told: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(told.get("fits"), bool) or len(told) != 1:
        raise ValueUnknown("fits", told.get("fits"), "true, false")
    return told
