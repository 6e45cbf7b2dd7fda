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
from feedback.records.surrogates import MAKERS, value_key
from serving.files import read_key_file

KEY_FILE = "redaction.key"
MESSAGES = ("prompt", "completion", "chosen", "rejected")
TEXTS = ("edited", "own", "comment")


@dataclass(frozen=True)
class Redactor:
    """Replaces personal data; the same key, conversation and value always give the same surrogate."""

    key: bytes

    def redact(self, text: str, conversation: str, known: Sequence[str] = ()) -> str:
        """Replaces the personal data in a text. `known`: names, addresses and the like of the customer."""
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


def redact_record(
    record: dict[str, Any], conversation: str, redactor: Redactor, known: Sequence[str] = ()
) -> dict[str, Any]:
    """Replaces personal data in the texts of a record as it is written to disk, in place, and returns it.
    Sampled token ids stay only where the text did not change.
    """

    def changes(holder: dict[str, Any], name: str) -> bool:
        before = holder[name]
        holder[name] = redactor.redact(before, conversation, known)
        return bool(holder[name] != before)

    for name in MESSAGES:
        changed = [changes(message, "content") for message in record.get(name, ())]
        if name == "prompt" and any(changed):
            record.pop("prompt_token_ids", None)
    for reply in record.get("candidates", ()):
        if changes(reply, "text"):
            reply.pop("token_ids", None)
    for name in TEXTS:
        if record.get(name):
            changes(record, name)
    if record.get("reasons"):  # mostly codes, but a caller may write anything
        record["reasons"] = [redactor.redact(reason, conversation, known) for reason in record["reasons"]]
    return record
