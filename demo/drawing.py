"""The writing half of the grammar of support dialogues: draws replies and customer messages from templates.

`demo/grammar.py` parses them, `demo/dialogues.py` combines them.
"""

import random
from collections.abc import Mapping

from demo import phrases
from demo.intents import Intent, Style
from demo.slots import Language, inventory, is_held_out
from demo.template import Phrase, expand_all


def _usable(templates: tuple[str, ...], known: frozenset[str]) -> list[list[Phrase]]:
    allowed = known | {"days", "day"}
    groups = ([phrase for phrase in group if phrase.slots <= allowed] for group in expand_all(templates))
    return [group for group in groups if group]


def draw_phrase(rng: random.Random, templates: tuple[str, ...], known: frozenset[str]) -> Phrase:
    """A random expansion with known slots only: first a template is drawn, then its wording."""
    return rng.choice(rng.choice(_usable(templates, known)))


def fill_phrase(rng: random.Random, phrase: Phrase, values: Mapping[str, str], language: Language) -> str:
    """The phrase with the customer's values and random times put in."""
    times = {slot: rng.choice(inventory(slot, language)) for slot in ("days", "day")}
    return phrase.fill({**times, **values})


def draw_reply(
    rng: random.Random, intent: Intent, style: Style, language: Language, values: Mapping[str, str]
) -> str:
    """A gold reply in one style that names only what the customer named."""
    known = frozenset(values)
    parts: list[Phrase] = []
    leads = phrases.LEADS[language][style]
    if style == "warm":
        leads = (phrases.SORRY_LEADS if intent.sorry else phrases.GLAD_LEADS)[language]
    if intent.name != "thanks" and rng.random() < phrases.LEAD_SHARE[style]:
        parts.append(draw_phrase(rng, leads, known))
    parts.append(draw_phrase(rng, intent.side(language).replies(style), known))
    if intent.name not in ("thanks", "greeting", "ask_order") and rng.random() < phrases.TAIL_SHARE[style]:
        parts.append(draw_phrase(rng, phrases.TAILS[language][style], known))
    return phrases.JOINER[language].join(fill_phrase(rng, part, values, language) for part in parts)


def _seen(group: list[Phrase]) -> list[Phrase]:
    """The wordings of a template that training may use. If all of them are held out, training may use all."""
    return [phrase for phrase in group if not is_held_out(phrase.text)] or group


def draw_opening(
    rng: random.Random, intent: Intent, language: Language, values: Mapping[str, str], *, held_out: bool
) -> tuple[str, Phrase, bool]:
    """The core of a customer's message, its wording, and whether that wording is held out from training."""
    groups = _usable(intent.side(language).opens, frozenset(values))
    group = rng.choice(groups)
    phrase = rng.choice(group if held_out else _seen(group))
    return fill_phrase(rng, phrase, values, language), phrase, phrase not in _seen(group)
