"""Finds where a text holds personal data, and of which kind.

The rules of each kind are in `numbers.py`, `handles.py` and `addresses.py`. This module has their order, in
which the more certain kind wins, and keeps the order numbers. `known` holds what only this conversation knows
of its customer. Other names are not found: this is no complete anonymiser.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from feedback.records import addresses, cues, handles, numbers

Place = tuple[int, int]

_LATIN = "A-Za-z0-9À-ÖØ-öø-ÿ"
EMAIL = re.compile(
    rf"(?<![{_LATIN}._%+'-])[{_LATIN}][{_LATIN}._%+'-]*(?:@|[ ]?[(\[][ ]?at[ ]?[)\]][ ]?)"
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z]{2,24}(?![A-Za-z0-9])"
)
AT = re.compile(r"@|[(\[] ?at")
DIGITS = re.compile(r"\d")
# Signs that Chinese keyboards write wide; one for one, so that places in the text stay.
WIDE = str.maketrans("０１２３４５６７８９＠＋－．", "0123456789@+-.")
REMEMBERED = 2_048  # texts; the choices of a conversation repeat its messages
HAN = re.compile("[\u4e00-\u9fff]")


@dataclass(frozen=True)
class PersonalSpan:
    start: int
    end: int
    kind: str


@dataclass(frozen=True)
class Rule:
    """One rule. A text with fewer than `digits` digits is not searched. With `keeps_orders`, a number that is
    introduced as an order or the like is kept, since it belongs to the shop.
    """

    kind: str
    find: Callable[[str], Iterator[Place]]
    digits: int
    keeps_orders: bool = False


def find_emails(text: str) -> Iterator[Place]:
    return (match.span() for match in EMAIL.finditer(text)) if AT.search(text) else iter(())


RULES = (
    Rule("email", find_emails, 0),
    Rule("account", numbers.find_accounts, 10, keeps_orders=True),
    Rule("identity", numbers.find_identities, 6, keeps_orders=True),
    Rule("card", numbers.find_cards, 13),
    Rule("mobile", numbers.find_mobiles, 11),
    Rule("messenger", handles.find_messengers, 0),
    Rule("passport", handles.find_passports, 2, keeps_orders=True),
    Rule("plate", handles.find_plates, 1, keeps_orders=True),
    Rule("phone", numbers.find_phones, 7, keeps_orders=True),
    Rule("address", addresses.find_english, 1),
    Rule("address", addresses.find_chinese, 0),
)


def find_personal(text: str, known: Sequence[str] = ()) -> list[PersonalSpan]:
    """Finds personal data from left to right, without overlaps. `known`: values of the customer."""
    found = find_by_rules(text)
    if not known:
        return list(found)
    certain = [one for one in found if one.kind != "address"]
    named = [place for place in find_known(text, tuple(known)) if is_free(place, certain)]
    taken = certain + [PersonalSpan(*place, "known") for place in named]
    taken += [one for one in found if one.kind == "address" and is_free((one.start, one.end), taken)]
    return sorted(taken, key=lambda one: one.start)


@lru_cache(maxsize=REMEMBERED)
def find_by_rules(text: str) -> tuple[PersonalSpan, ...]:
    """Finds the personal data that can be recognised from the text alone."""
    text = narrow(text)
    taken: list[PersonalSpan] = []
    digits = len(DIGITS.findall(text))
    for rule in RULES:
        for place in rule.find(text) if digits >= rule.digits else ():
            if is_free(place, taken) and not (rule.keeps_orders and cues.says(cues.ORDER, text, place[0])):
                taken.append(PersonalSpan(*place, rule.kind))
    return tuple(sorted(taken, key=lambda one: one.start))


def narrow(text: str) -> str:
    return text if text.isascii() else text.translate(WIDE)


def is_free(place: Place, taken: Sequence[PersonalSpan]) -> bool:
    return all(place[1] <= other.start or place[0] >= other.end for other in taken)


def list_known(customer_id: str | None, details: Sequence[str]) -> list[str]:
    """What identifies a customer: what the app passed on, and its id for them unless an everyday word."""
    identifying = customer_id and len(customer_id) > 4 and re.search(r"[\d@]", customer_id)
    return [*details, customer_id] if customer_id and identifying else list(details)


def find_known(text: str, known: tuple[str, ...]) -> Iterator[Place]:
    return (match.span() for match in compile_known(known).finditer(narrow(text)))


@lru_cache(maxsize=REMEMBERED)
def compile_known(known: tuple[str, ...]) -> re.Pattern[str]:
    """One pattern for all values of a customer, the longest first. Whole values match in any case; single
    words of a name and the first part of an address match only with a capital letter.
    """
    whole = [value.strip() for value in known if is_identifying(value)]
    parts = [part for value in whole for part in split_known(value) if is_identifying(part)]
    options = [(value, f"(?i:{re.escape(value)})") for value in whole]
    options += [(part, re.escape(spelt)) for part in parts for spelt in {part, part.upper()}]
    options.sort(key=lambda option: -len(option[0]))
    alternatives = "|".join(pattern for _, pattern in options) or "(?!)"
    return re.compile(rf"(?<![A-Za-z0-9])(?:{alternatives})(?![A-Za-z0-9])")


def is_identifying(value: str) -> bool:
    """Whether a value is long enough to identify a person: two characters in Chinese, else three."""
    return len(value.strip()) >= (2 if HAN.search(value) else 3)


def split_known(value: str) -> list[str]:
    """The parts of a value that are searched for too: words of a Latin name, an address up to its comma."""
    if DIGITS.search(value):
        return [value.partition(",")[0]] if "," in value else []
    return [] if HAN.search(value) else value.split()
