"""The reading half of the grammar of support dialogues: parses replies and conversations, and finds broken
replies.

A text is parsed by masking its slots (demo/slots.py), cutting off a known lead and tail, and looking up the
rest among all expansions. `is_broken` decides in every measurement of the demo model; `demo/dialogues.py`
combines turns. Nothing here loads a model.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from demo import phrases
from demo.intents import ASK, INTENTS, STYLES, Intent, Style
from demo.slots import COPIED, LANGUAGES, Language, detect_language, mask
from demo.template import expand_all

Message = Mapping[str, str]
WORST_FIRST: tuple[Style, ...] = ("pushy", "curt", "robotic", "plain", "warm")
_BY_NAME: dict[str, Intent] = {intent.name: intent for intent in (*INTENTS, ASK)}


@dataclass(frozen=True)
class ParsedReply:
    """A parsed reply; `style` is the worst style of its parts (pushy, curt, robotic, plain, warm)."""

    intent: str
    style: Style
    language: Language
    slots: dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class Situation:
    """What a conversation asks for; `intent` is None when the last message is outside the grammar."""

    language: Language
    intent: str | None
    items: dict[str, frozenset[str]]  # slot -> the customer's own values, casefolded

    def allows(self, intent: str) -> bool:
        if self.intent is None or intent == self.intent:
            return True
        return intent == "ask_order" and _BY_NAME[self.intent].needs_order and not self.items["order"]


@dataclass(frozen=True)
class _Parts:
    """One way to parse a masked text: the core's intent, and the styles of lead, core and tail."""

    intent: str
    styles: tuple[Style, ...]


@cache
def _reply_index(
    language: Language,
) -> tuple[dict[str, Style], dict[str, set[tuple[str, Style]]], dict[str, Style]]:
    leads: dict[str, Style] = {}
    tails: dict[str, Style] = {}
    cores: dict[str, set[tuple[str, Style]]] = defaultdict(set)
    warm_leads = (*phrases.SORRY_LEADS[language], *phrases.GLAD_LEADS[language])
    for style in STYLES:
        lead_templates = warm_leads if style == "warm" else phrases.LEADS[language][style]
        leads.update({phrase.text: style for group in expand_all(lead_templates) for phrase in group})
        tails.update(
            {phrase.text: style for group in expand_all(phrases.TAILS[language][style]) for phrase in group}
        )
        for intent in _BY_NAME.values():
            for group in expand_all(intent.side(language).replies(style)):
                for phrase in group:
                    cores[phrase.text].add((intent.name, style))
    return leads, dict(cores), tails


def _read_reply(masked: str, language: Language) -> list[_Parts]:
    leads, cores, tails = _reply_index(language)
    joiner = phrases.JOINER[language]
    found: list[_Parts] = []
    for lead, lead_style in [("", None), *leads.items()]:
        start = lead + joiner if lead else ""
        if not masked.startswith(start):
            continue
        for tail, tail_style in [("", None), *tails.items()]:
            end = joiner + tail if tail else ""
            if not masked.endswith(end):
                continue
            core = masked[len(start) : len(masked) - len(end)]
            for intent, style in sorted(cores.get(core, ())):
                given = tuple(part for part in (lead_style, style, tail_style) if part is not None)
                found.append(_Parts(intent, given))
    return found


def parse_reply(text: str, messages: Sequence[Message]) -> ParsedReply | None:
    """The parsed reply, with the conversation's intent if several fit; None if it cannot be parsed.

    A parse in another language or intent than the conversation's is still returned: `is_broken` judges that.
    """
    stripped = text.strip()
    language = detect_language(stripped)
    masked, found = mask(stripped, language)
    readings = _read_reply(masked, language)
    if not readings:
        return None
    situation = parse_conversation(messages)
    best = min(readings, key=lambda parts: (not situation.allows(parts.intent), parts.intent))
    style = min(best.styles, key=WORST_FIRST.index)
    slots: dict[str, tuple[str, ...]] = {}
    for slot, value in found:
        slots[slot] = (*slots.get(slot, ()), value)
    return ParsedReply(best.intent, style, language, slots)


def is_broken(text: str, messages: Sequence[Message]) -> bool:
    """Whether the text is no proper reply: it cannot be parsed, or has the wrong language or intent."""
    parsed = parse_reply(text, messages)
    if parsed is None:
        return True
    situation = parse_conversation(messages)
    return parsed.language != situation.language or not situation.allows(parsed.intent)


@cache
def _customer_index(language: Language) -> tuple[list[str], dict[str, str], set[str]]:
    cores: dict[str, str] = {}
    for intent in _BY_NAME.values():
        for group in expand_all(intent.side(language).opens):
            cores.update({_plain_form(phrase.text): intent.name for phrase in group})
    leads = {
        phrase.text.casefold() for group in expand_all(phrases.CUSTOMER_LEADS[language]) for phrase in group
    }
    tails = {
        _plain_form(phrase.text) for group in expand_all(phrases.CUSTOMER_TAILS[language]) for phrase in group
    }
    return sorted(leads, key=len, reverse=True), cores, tails


def _plain_form(text: str) -> str:
    return re.sub(r"[.!?。！？\s]+$", "", text.casefold())


@lru_cache(maxsize=4096)
def _read_customer_line(line: str, language: Language) -> str | None:
    """The intent of one customer line, or None when it is outside the grammar."""
    masked = _plain_form(mask(line.strip(), language, fold=True)[0])
    leads, cores, tails = _customer_index(language)
    for lead in ("", *leads):
        if not masked.startswith(lead):
            continue
        rest = masked[len(lead) :].strip()
        for _ in range(3):  # the core and at most two tails
            if rest in cores:
                return cores[rest]
            tail = next((tail for tail in tails if rest.endswith(tail) and rest != tail), None)
            if tail is None:
                break
            rest = _plain_form(rest.removesuffix(tail))
    return None


def parse_conversation(messages: Sequence[Message]) -> Situation:
    """Language, intent and the customer's items. A mere order number keeps the earlier intent."""
    lines = [
        line for m in messages if m["role"] == "user" for line in m["content"].split("\n") if line.strip()
    ]
    language: Language = "en"
    intent: str | None = None
    items: dict[str, set[str]] = {slot: set() for slot in COPIED}
    for line in lines:
        if re.search(r"[\u4e00-\u9fff]|[A-Za-z]{2,}(?!-)", line):
            language = detect_language(line)
        for either in LANGUAGES:
            for slot, value in mask(line, either, fold=True)[1]:
                if slot in items:
                    items[slot].add(value.casefold())
        read = _read_customer_line(line, language)
        intent = intent if read == "ask_order" else read
    return Situation(language, intent, {slot: frozenset(values) for slot, values in items.items()})


def named_items(text: str) -> tuple[str, ...]:
    """The products and order numbers in a reply, in order, with repetitions."""
    return tuple(
        value for slot, value in mask(text, detect_language(text))[1] if slot in ("order", "product")
    )


def copied_share(text: str, messages: Sequence[Message]) -> float | None:
    """The share of named products and order numbers that the customer named; None if the reply names none."""
    named = named_items(text)
    if not named:
        return None
    items = parse_conversation(messages).items
    own = items["order"] | items["product"]
    return sum(value.casefold() in own for value in named) / len(named)
