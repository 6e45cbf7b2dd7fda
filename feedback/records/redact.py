"""Replaces personal data in records: what `feedback.records.personal` finds becomes a surrogate of the same
shape.

A surrogate depends on the value, its conversation and the key of this data directory. It is constant
throughout a conversation and differs between conversations; without the key it cannot be traced back. Order,
ticket and parcel numbers stay, unless they are a card or a mobile number. Names and addresses are found only
if the conversation knows them or an address rule matches: this is no complete anonymiser.
"""

import hashlib
import hmac
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from feedback.records.personal import HAN, find_personal, narrow
from feedback.records.schemas import ChatMessage, ChoiceForm, ThumbForm
from feedback.records.surrogates import MAKERS, value_key
from serving.files import read_key_file

KEY_FILE = "redaction.key"


@dataclass(frozen=True)
class Redactor:
    """Replaces personal data; the same key, conversation and value always give the same surrogate."""

    key: bytes

    def redact(self, text: str, conversation: str, known: Sequence[str] = ()) -> str:
        """Replaces the personal data in a text. `known` holds names, addresses and the like that the
        conversation has of its customer.
        """
        pieces: list[str] = []
        at = 0
        for found in find_personal(text, known):
            surrogate = self._replace(narrow(text[found.start : found.end]), found.kind, conversation)
            pieces += [text[at : found.start], surrogate]
            at = found.end
        return "".join([*pieces, text[at:]]) if pieces else text

    def _replace(self, value: str, kind: str, conversation: str) -> str:
        if kind == "known" and is_several_words(value):  # so that "Ann Lee" and "Ann" stay one person
            return " ".join(self._replace(word, kind, conversation) for word in value.split())
        plain = value_key(value, kind)
        for attempt in range(100):
            surrogate = MAKERS[kind](value, self._numbers(f"{conversation}\0{kind}\0{plain}\0{attempt}"))
            if surrogate.casefold() != value.casefold():
                return surrogate
        raise AssertionError("a hundred surrogates in a row equal to their value")

    def _numbers(self, what: str) -> Iterator[int]:
        """An endless stream of pseudo-random bytes (HMAC) that can be repeated only with the key."""
        block = 0
        while True:
            yield from hmac.new(self.key, f"{what}\0{block}".encode(), hashlib.sha256).digest()
            block += 1


def is_several_words(value: str) -> bool:
    return " " in value and not HAN.search(value) and not any(char.isdecimal() for char in value)


def open_redactor(data_dir: Path) -> Redactor:
    """The redactor of this data directory; its key is created at the first use."""
    return Redactor(bytes.fromhex(read_key_file(data_dir / KEY_FILE, lambda: secrets.token_hex(32))))


def redact_choice(
    form: ChoiceForm, conversation: str, redactor: Redactor, known: Sequence[str] = ()
) -> ChoiceForm:
    """The choice without personal data. The sampled token ids are kept only where the text did not change."""
    prompt = redact_messages(form.prompt, conversation, redactor, known)
    replies = []
    for reply in form.candidates:
        text = redactor.redact(reply.text, conversation, known)
        same = text == reply.text
        clean = reply.model_copy(update={"text": text, "token_ids": None})
        replies.append(reply if same else clean)
    return form.model_copy(
        update={
            "prompt": prompt,
            "prompt_token_ids": form.prompt_token_ids if prompt == form.prompt else None,
            "candidates": replies,
            "edited": redactor.redact(form.edited, conversation, known) if form.edited is not None else None,
            "own": redactor.redact(form.own, conversation, known) if form.own is not None else None,
            "reasons": redact_reasons(form.reasons, conversation, redactor, known),
        }
    )


def redact_thumb(
    form: ThumbForm, conversation: str, redactor: Redactor, known: Sequence[str] = ()
) -> ThumbForm:
    update: dict[str, Any] = {
        name: redact_messages(getattr(form, name), conversation, redactor, known)
        for name in ("prompt", "completion")
    }
    comment = redactor.redact(form.comment, conversation, known) if form.comment else None
    reasons = redact_reasons(form.reasons, conversation, redactor, known)
    return form.model_copy(update=update | {"comment": comment, "reasons": reasons})


def redact_reasons(
    reasons: list[str] | None, conversation: str, redactor: Redactor, known: Sequence[str]
) -> list[str] | None:
    """The reasons without personal data: mostly codes, but a caller may write anything. No reasons give None,
    which no file contains.
    """
    return [redactor.redact(reason, conversation, known) for reason in reasons or ()] or None


def redact_messages(
    messages: list[ChatMessage], conversation: str, redactor: Redactor, known: Sequence[str] = ()
) -> list[ChatMessage]:
    clean = []
    for message in messages:
        text = redactor.redact(message.content, conversation, known)
        same = text == message.content
        clean.append(message if same else ChatMessage(role=message.role, content=text))
    return clean
