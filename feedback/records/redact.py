"""Personal data -> surrogates of the same shape, before a record leaves the store for training.

E-mail addresses, phone numbers (Chinese, North American, international), bank cards (Luhn) and Chinese
identity numbers (mod 11-2). A value becomes the same surrogate throughout its conversation and another one
elsewhere; without the key nobody can compute the way back. Numbers introduced as an order, ticket or parcel
number stay. Names and addresses are not found: this is no anonymiser.
"""

import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from feedback.records.schemas import ChatMessage, ChoiceForm, ThumbForm
from serving.files import make_private_dir

KEY_FILE = "redaction.key"

POSSIBLE = re.compile(r"[@＠]|\d(?:\D{0,4}\d){6}")  # a quick look that spares most texts the patterns below
EMAIL = re.compile(
    r"(?<![\w.+-])[A-Za-z0-9][A-Za-z0-9._%+-]*@(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z]{2,24}(?![A-Za-z0-9])"
)
ALONE = r"(?<![A-Za-z0-9#+-])"
END = r"(?![A-Za-z0-9]|[-.]\d)"
IDENTITY = re.compile(ALONE + r"[1-9]\d{16}[\dXx]" + END)
CARD = re.compile(ALONE + r"\d(?:[ -]?\d){12,18}" + END)
PHONES = (
    re.compile(r"(?<![A-Za-z0-9])\+\d{1,3}(?:[ .-]?\(?\d{1,4}\)?){2,6}" + END),
    re.compile(ALONE + r"(?:86[ -]?)?1[3-9]\d[ -]?\d{4}[ -]?\d{4}" + END),
    re.compile(ALONE + r"0\d{2,3}-\d{7,8}" + END),
    re.compile(r"(?<![A-Za-z0-9#-])(?:\(\d{3}\) ?|\d{3}[-. ])\d{3}[-. ]\d{4}" + END),
)
CALLED = re.compile(
    r"(?:phone|mobile|cell|tel(?:ephone)?|call me (?:at|on)|电话|手机|联系方式)"
    r"(?:[ ]?(?:number|no\.?|号码?))?[ ]?(?:is|是|为|:|：)?[ ]?(\d(?:[ -]?\d){6,14})" + END,
    re.IGNORECASE,
)
# Ends just before a number that is the shop's, not the person's.
ORDER = re.compile(
    r"(?:orders?|ticket|tracking|parcel|invoice|booking|reservation|reference|ref|case|"
    r"订单|单号|运单|快递|工单|预订|发票)"
    r"(?:[ ]?(?:number|numbers|no\.?|id|code|编号|号码?))?[ ]?(?:is|was|是|为)?[ ]?[:：#№]?[ ]?$",
    re.IGNORECASE,
)
# Signs that Chinese keyboards write wide; one for one, so that places in the text stay.
WIDE = str.maketrans("０１２３４５６７８９＠＋－．", "0123456789@+-.")
BEFORE = 40  # characters looked at for such a word
DOMAINS = ("example.com", "example.net", "example.org")  # reserved: nobody's
ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
ID_CHECKS = "10X98765432"


@dataclass(frozen=True)
class Found:
    start: int
    end: int
    kind: str  # email | identity | card | phone


@dataclass(frozen=True)
class Redactor:
    """Replaces personal data; the same key, conversation and value always give the same surrogate."""

    key: bytes

    def redact(self, text: str, conversation: str) -> str:
        if not POSSIBLE.search(text):
            return text
        narrow = text.translate(WIDE)
        pieces: list[str] = []
        at = 0
        for found in find_personal(narrow):
            pieces += [
                text[at : found.start],
                self._replace(narrow[found.start : found.end], found.kind, conversation),
            ]
            at = found.end
        return "".join([*pieces, text[at:]]) if pieces else text

    def _replace(self, value: str, kind: str, conversation: str) -> str:
        make = {"email": make_email, "identity": make_identity, "card": make_card, "phone": make_phone}[kind]
        plain = value_key(value, kind)
        for attempt in range(100):
            surrogate = make(value, self._numbers(f"{conversation}\0{kind}\0{plain}\0{attempt}"))
            if surrogate.casefold() != value.casefold():
                return surrogate
        raise AssertionError("a hundred surrogates in a row equal to their value")

    def _numbers(self, what: str) -> Iterator[int]:
        """An endless stream of bytes that only the key's holder can make again."""
        block = 0
        while True:
            yield from hmac.new(self.key, f"{what}\0{block}".encode(), hashlib.sha256).digest()
            block += 1


def open_redactor(data_dir: Path) -> Redactor:
    """The redactor of this data directory; its key is made at the first use, for the owner's eyes alone."""
    path = data_dir / KEY_FILE
    if not path.exists():
        make_private_dir(data_dir)
        fresh = path.with_name(f"{KEY_FILE}.{secrets.token_hex(8)}")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(32))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):  # another process was first: its key is the key
            os.link(fresh, path)
        fresh.unlink()
    return Redactor(bytes.fromhex(path.read_text("ascii")))


def redact_choice(form: ChoiceForm, conversation: str, redactor: Redactor) -> ChoiceForm:
    """The choice without personal data; sampled token ids stay only where the text did."""
    prompt = redact_messages(form.prompt, conversation, redactor)
    replies = []
    for reply in form.candidates:
        text = redactor.redact(reply.text, conversation)
        same = text == reply.text
        clean = reply.model_copy(update={"text": text, "token_ids": None})
        replies.append(reply if same else clean)
    return form.model_copy(
        update={
            "prompt": prompt,
            "prompt_token_ids": form.prompt_token_ids if prompt == form.prompt else None,
            "candidates": replies,
            "edited": redactor.redact(form.edited, conversation) if form.edited is not None else None,
            "own": redactor.redact(form.own, conversation) if form.own is not None else None,
            "reasons": redact_reasons(form.reasons, conversation, redactor),
        }
    )


def redact_thumb(form: ThumbForm, conversation: str, redactor: Redactor) -> ThumbForm:
    update: dict[str, Any] = {
        name: redact_messages(getattr(form, name), conversation, redactor)
        for name in ("prompt", "completion")
    }
    comment = redactor.redact(form.comment, conversation) if form.comment else None
    reasons = redact_reasons(form.reasons, conversation, redactor)
    return form.model_copy(update=update | {"comment": comment, "reasons": reasons})


def redact_reasons(reasons: list[str] | None, conversation: str, redactor: Redactor) -> list[str] | None:
    """Codes mostly, but a caller may write anything. None, which no file holds, stands for no reason."""
    return [redactor.redact(reason, conversation) for reason in reasons or ()] or None


def redact_messages(messages: list[ChatMessage], conversation: str, redactor: Redactor) -> list[ChatMessage]:
    clean = []
    for message in messages:
        text = redactor.redact(message.content, conversation)
        same = text == message.content
        clean.append(message if same else ChatMessage(role=message.role, content=text))
    return clean


def find_personal(text: str) -> list[Found]:
    """Where personal data stands, left to right, never overlapping; the more certain kind wins."""
    taken: list[Found] = [Found(match.start(), match.end(), "email") for match in EMAIL.finditer(text)]

    def take(start: int, end: int, kind: str) -> None:
        free = all(end <= other.start or start >= other.end for other in taken)
        if free and not ORDER.search(text[max(0, start - BEFORE) : start]):
            taken.append(Found(start, end, kind))

    for match in IDENTITY.finditer(text):
        if check_identity(match.group()):
            take(match.start(), match.end(), "identity")
    for match in CARD.finditer(text):
        if check_luhn(digits_of(match.group())):
            take(match.start(), match.end(), "card")
    for pattern in PHONES:
        for match in pattern.finditer(text):
            if 7 <= len(digits_of(match.group())) <= 15:
                take(match.start(), match.end(), "phone")
    for match in CALLED.finditer(text):
        take(match.start(1), match.end(1), "phone")
    return sorted(taken, key=lambda found: found.start)


def value_key(value: str, kind: str) -> str:
    """One key for all spellings of a value: case of an e-mail, spaces in a number, +86 before a mobile."""
    if kind == "email":
        return value.casefold()
    plain = "".join(char for char in value if char.isalnum()).casefold()
    return plain[2:] if kind == "phone" and len(plain) == 13 and plain.startswith("861") else plain


def digits_of(text: str) -> list[int]:
    return [int(char) for char in text if char.isdecimal()]


def check_luhn(digits: list[int]) -> bool:
    """The check sum of bank cards; a row of one digit is no card."""
    return sum_luhn(digits) == 0 and len(set(digits)) > 1


def check_identity(value: str) -> bool:
    """The check sum of an 18-digit Chinese identity number (mod 11-2)."""
    return identity_check(digits_of(value[:17])) == value[17].upper()


def identity_check(digits: list[int]) -> str:
    return ID_CHECKS[sum(digit * weight for digit, weight in zip(digits, ID_WEIGHTS, strict=True)) % 11]


def make_email(value: str, numbers: Iterator[int]) -> str:
    local = value.partition("@")[0]
    letters = "".join(_same_kind(char, next(numbers)) for char in local)
    return f"{letters}@{DOMAINS[next(numbers) % len(DOMAINS)]}"


def make_phone(value: str, numbers: Iterator[int]) -> str:
    """Country code and the first digits stay, so that it is still a phone number of its kind; at least six
    digits change.
    """
    count = len(digits_of(value))
    keep = min(4 if value.startswith("+") or count > 11 else 2, count - 6)
    return _fill_digits(value, [next(numbers) % 10 for _ in range(count - keep)], keep)


def make_card(value: str, numbers: Iterator[int]) -> str:
    old = digits_of(value)
    body = [next(numbers) % 10 for _ in range(len(old) - 2)]
    check = next(digit for digit in range(10) if sum_luhn([old[0], *body, digit]) == 0)
    return _fill_digits(value, [*body, check], 1)


def sum_luhn(digits: list[int]) -> int:
    return (
        sum(
            digit if index % 2 == 0 else sum(divmod(digit * 2, 10))
            for index, digit in enumerate(reversed(digits))
        )
        % 10
    )


def make_identity(value: str, numbers: Iterator[int]) -> str:
    """Another region, another day of birth, a fitting check sign."""
    region = [1 + next(numbers) % 6, 1 + next(numbers) % 5, *(next(numbers) % 10 for _ in range(4))]
    born = date(1950, 1, 1) + timedelta(days=(next(numbers) * 256 + next(numbers)) % 20_000)
    digits = [
        *region,
        *(int(char) for char in born.strftime("%Y%m%d")),
        *(next(numbers) % 10 for _ in range(3)),
    ]
    return "".join(map(str, digits)) + identity_check(digits)


def _fill_digits(value: str, digits: list[int], keep: int) -> str:
    """The value with its digits after the first `keep` replaced; everything between them stays."""
    fresh, seen, filled = iter(digits), 0, []
    for char in value:
        if char.isdecimal():
            seen += 1
            char = char if seen <= keep else str(next(fresh))
        filled.append(char)
    return "".join(filled)


def _same_kind(char: str, number: int) -> str:
    if char.isdigit():
        return str(number % 10)
    if char.isalpha():
        letter = chr(ord("a") + number % 26)
        return letter.upper() if char.isupper() else letter
    return char
