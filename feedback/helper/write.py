"""Texts that the helper writes: a reply in better words, a customer's message in others, a translation.

    rewrite      `text`, a reply, with the same facts and nothing added
    paraphrase   `text`, a customer's message, in other words
    question     another message of a customer that `text`, a reply, answers as well
    translate    `text` in the other one of Chinese and English

A text is no label and has no vote, is never gold, and changes nothing by itself: whoever asks decides what
becomes of it. The same text asked for again is the same text, unpaid.

    written = write_text(helper, AskedText(PARAPHRASE, text, messages, conversation, [subject]))
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from feedback.duplicates.grams import is_mostly_chinese
from feedback.helper.ask import Helper
from feedback.helper.question import HelperQuestion
from feedback.labelling.kinds import MAX_TEXT, TextTooLong, ValueUnknown
from feedback.records.redact import Redactor
from feedback.records.text import check_storable, normalise
from feedback.store.helper_subjects import CallSubject

WRITE = "write"  # use
VERSION = 1  # of the instructions: another one asks anew
REWRITE, PARAPHRASE, QUESTION, TRANSLATE = "rewrite", "paraphrase", "question", "translate"
KINDS = (REWRITE, PARAPHRASE, QUESTION, TRANSLATE)
ROOM, MOST_TOKENS = 200, 2_000  # of an answer, beside the bytes of its text; and in all
KEEP = "Keep its language, and every number, id and name in it. Add nothing and promise nothing."
TELLS = {
    REWRITE: (
        "`text` is a reply to the customer's last message. Write it anew: the same facts, clearer and "
        f"friendlier. {KEEP}"
    ),
    PARAPHRASE: (
        "`text` is what a customer wrote after `messages`. Write it as another customer would who wants just "
        f"the same. {KEEP}"
    ),
    QUESTION: (
        "`text` is a reply to the customer's last message. Write, in the same language, another message that "
        "a customer could have sent there instead, and to which `text` is a whole and right answer as it is."
    ),
    TRANSLATE: "Translate `text` into {}. Keep every number, id and name in it.",
}
INTO_CHINESE, INTO_ENGLISH = "simplified Chinese", "English"
SCHEMA = {
    "type": "object",
    "properties": {"text": {"type": "string"}},
    "required": ["text"],
    "additionalProperties": False,
}


@dataclass(frozen=True)
class AskedText:
    """`text` and `messages` as they are stored: personal data leaves replaced, and comes back so, as in
    datasets where `conversation` and `known` are those of the record.
    """

    kind: str
    text: str
    messages: Sequence[Mapping[str, Any]]
    conversation: str
    subjects: Sequence[CallSubject]
    known: Sequence[str] = ()


class HelperText(NamedTuple):
    """`model`: who wrote it; `key`: of the calls."""

    text: str
    model: str
    key: str


def write_text(helper: Helper, writing: AskedText) -> HelperText:
    """Raises HelperError."""
    answer = helper.ask(make_writing_question(writing, helper.redactor))
    return HelperText(answer.value["text"], answer.model, answer.key)


def make_writing_question(writing: AskedText, redactor: Redactor) -> HelperQuestion:
    is_chinese = is_mostly_chinese(writing.text)
    told = TELLS[writing.kind]
    material: dict[str, Any] = {"text": writing.text}
    if writing.kind == TRANSLATE:
        is_chinese = not is_chinese
        told = told.format(INTO_CHINESE if is_chinese else INTO_ENGLISH)
    else:
        material["messages"] = [
            {"role": message["role"], "content": message["content"]} for message in writing.messages
        ]
    return HelperQuestion(
        use=WRITE,
        version=VERSION,
        instruction=told,
        material=material,
        conversation=writing.conversation,
        schema=SCHEMA,
        check=partial(check_written, is_chinese=is_chinese, given=list_repeated(writing, redactor)),
        max_tokens=min(MOST_TOKENS, ROOM + len(writing.text.encode())),
        known=writing.known,
        subjects=writing.subjects,
    )


def list_repeated(writing: AskedText, redactor: Redactor) -> list[str]:
    """What the text may not merely repeat, as the model gets it."""
    asked = [message["content"] for message in writing.messages[-1:]]
    given = [writing.text, *(asked if writing.kind == QUESTION else ())]
    return [normalise(redactor.redact(text, writing.conversation, writing.known)) for text in given]


def check_written(told: dict[str, Any], *, is_chinese: bool, given: Sequence[str]) -> dict[str, Any]:
    """The answer with its text stripped. Raises ApiError."""
    text = told.get("text")
    if not isinstance(text, str) or len(told) != 1 or not text.strip():
        raise ValueUnknown("text", text, "one text that is not empty")
    if len(text) > MAX_TEXT:
        raise TextTooLong(len(text))
    check_storable(text, "text")
    if normalise(text) in given:
        raise ValueUnknown("text", text, "other words than those given")
    if is_mostly_chinese(text) != is_chinese:
        raise ValueUnknown("text", text, "Chinese" if is_chinese else "a language other than Chinese")
    return {"text": text.strip()}
