"""Finds numbers that identify a person, each by rules of its own: phones, cards, identity numbers, bank
accounts.

A number counts when its check sum, its country's numbering plan or a cue word beside it says so. The cue
words are in `cues.py`. `libphonenumber` checks only complete candidates: its own search over free text would
cost many times as much.
"""

import re
from collections.abc import Iterator
from datetime import date

import phonenumbers
from stdnum import iban, luhn
from stdnum.us import ssn

from feedback.records import cues
from feedback.records.cues import says

Place = tuple[int, int]

ALONE = r"(?<![A-Za-z0-9+-])"
END = r"(?![A-Za-z0-9]|[-.]\d)"
EXTENSION = r"(?:(?:转|[ ]?ext\.?[ ]?|[ ]?x)\d{1,6})?"
LONG = re.compile(ALONE + r"\d(?:[ -]?\d){12,18}" + END)
RESIDENT = re.compile(ALONE + r"[1-9]\d{5}[ ]?\d{8}[ ]?\d{3}[\dXx]" + END)
RESIDENT_OLD = re.compile(ALONE + r"[1-8]\d{14}" + END)
SOCIAL = re.compile(ALONE + r"\d{3}([- ]?)\d{2}\1\d{4}" + END)
INSURANCE = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2} ?\d{2} ?\d{2} ?\d{2} ?[A-D](?![A-Za-z0-9])", re.IGNORECASE)
HONG_KONG = re.compile(r"(?<![A-Za-z0-9])[A-Z]{1,2}\d{6}[(（][\dA][)）]")
ACCOUNT = re.compile(
    r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?:[A-Z0-9]{11,30}|(?: [A-Z0-9]{4}){2,7}(?: [A-Z0-9]{1,3})?)"
    r"(?![A-Za-z0-9])",
    re.IGNORECASE,
)
MOBILE = re.compile(ALONE + r"(?:\+?86[ -]?)?1[3-9]\d[ -]?\d{4}[ -]?\d{4}" + END)
ABROAD = re.compile(r"(?<![A-Za-z0-9])\+\d{1,3}(?:[ .-]?\(?\d{1,4}\)?){2,6}" + END)
AREA = re.compile(
    r"(?<![A-Za-z0-9+#-])(?:0\d{2,3}-|[(（]0\d{2,3}[)）][ ]?)\d{3,4}[ -]?\d{4}" + EXTENSION + END
)
AMERICAN = re.compile(r"(?<![A-Za-z0-9#-])(?:1[-. ])?(?:\(\d{3}\) ?|\d{3}[-. ])\d{3}[-. ]\d{4}" + END)
TRUNK = re.compile(r"(?<![A-Za-z0-9+#./-])\(?0\d{1,4}\)?(?:[ .-]\d{2,7}){1,4}" + END)
PLAIN = re.compile(r"(?<![A-Za-z0-9#.,-])\(?\d(?:[ ()-]{0,2}\d){6,14}" + END)
REGIONS = ("GB", "DE", "FR", "AU", "JP", "TW", "IT", "NL", "CN", "NZ", "IE", "ZA")  # that write a 0 before
# First digits of the networks with the lengths their cards have.
ISSUERS = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}"
    r"|(?:6011|64[4-9]\d|65\d\d)\d{12,15}|62\d{14,17}|35(?:2[89]|[3-8]\d)\d{12,15}|3(?:0[0-5]|[68]\d)\d{11}"
)


def find_cards(text: str) -> Iterator[Place]:
    for match in LONG.finditer(text):
        plain = digits_of(match.group())
        if check_card(plain):
            yield match.span()
        elif not says(cues.ORDER, text, match.start()) and (
            (luhn.is_valid(plain) and says(cues.CARD, text, match.start()))
            or (len(plain) > 14 and says(cues.CARD_NUMBER, text, match.start()))
        ):
            yield match.span()


def find_identities(text: str) -> Iterator[Place]:
    for match in RESIDENT.finditer(text):
        if check_resident(match.group()) or says(cues.IDENTITY, text, match.start()):
            yield match.span()
    for pattern in (RESIDENT_OLD, INSURANCE):
        for match in pattern.finditer(text):
            if says(cues.IDENTITY, text, match.start()):
                yield match.span()
    for match in SOCIAL.finditer(text):
        if (match[1] == "-" and ssn.is_valid(match.group())) or says(cues.IDENTITY, text, match.start()):
            yield match.span()
    yield from (match.span() for match in HONG_KONG.finditer(text))


def find_accounts(text: str) -> Iterator[Place]:
    """Finds IBANs, in one piece or in groups of four: words after it go until the check sum is right."""
    for match in ACCOUNT.finditer(text):
        value = match.group()
        while value:
            if iban.is_valid(value, check_country=False):
                yield match.start(), match.start() + len(value)
                break
            value = value.rpartition(" ")[0]


def find_mobiles(text: str) -> Iterator[Place]:
    return (match.span() for match in MOBILE.finditer(text))


def find_phones(text: str) -> Iterator[Place]:
    """Finds phone numbers with a +, with an area code, or after a word for a phone."""
    for match in ABROAD.finditer(text):
        if 7 <= len(digits_of(match.group())) <= 15:
            yield match.span()
    for pattern in (AREA, AMERICAN):
        yield from (match.span() for match in pattern.finditer(text))
    for match in TRUNK.finditer(text):
        if check_phone(match.group()):
            yield match.span()
    for match in PLAIN.finditer(text):
        if says(cues.PHONE, text, match.start()):
            yield match.span()


def digits_of(text: str) -> str:
    return "".join(char for char in text if char.isdecimal())


def check_card(digits: str) -> bool:
    """Whether the digits have an issuer's prefix and length and a valid check sum."""
    return bool(ISSUERS.fullmatch(digits)) and luhn.is_valid(digits)


def check_resident(value: str) -> bool:
    """Whether a Chinese identity number has a real birth date and check digit (ISO 7064 mod 11-2)."""
    plain = value.replace(" ", "")
    try:
        born = date(int(plain[6:10]), int(plain[10:12]), int(plain[12:14]))
    except ValueError:
        return False
    return born.year >= 1880 and resident_check(plain[:17]) == plain[17].upper()


RESIDENT_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def resident_check(body: str) -> str:
    total = sum(int(digit) * weight for digit, weight in zip(body, RESIDENT_WEIGHTS, strict=True))
    return "10X98765432"[total % 11]


def check_phone(value: str) -> bool:
    """Whether a number with its leading 0 is assigned in a country that writes numbers so."""
    if not 9 <= len(digits_of(value)) <= 12:
        return False
    for region in REGIONS:
        try:
            if phonenumbers.is_valid_number(phonenumbers.parse(value, region)):
                return True
        except phonenumbers.NumberParseException:
            return False
    return False
