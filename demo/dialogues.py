"""Draws whole dialogues of one to three turns from the grammar, either for training or held out.

A tenth of the order numbers, of the (product, intent) pairs and of the customers' wordings is held out.
"""

import random
from dataclasses import dataclass, field
from typing import Literal

from demo import drawing, phrases
from demo.intents import ASK, CONCERNS, GREETING, HOW_LONG, STYLES, THANKS, Intent, Style
from demo.slots import CITIES, LANGUAGES, NAMES, PRODUCTS, Language, draw_order, is_held_out

Shape = Literal["direct", "ask", "given", "how_long", "second", "thanks", "greeted", "hello", "long"]
SHAPES: dict[Shape, float] = {
    "direct": 0.46,
    "ask": 0.10,
    "given": 0.14,
    "how_long": 0.08,
    "second": 0.08,
    "thanks": 0.03,
    "greeted": 0.04,
    "hello": 0.02,
    "long": 0.05,
}


@dataclass
class Dialogue:
    """A dialogue that ends with a gold reply; `styles` and `intents` name the replies in order."""

    language: Language
    messages: list[dict[str, str]] = field(default_factory=list)
    styles: list[Style] = field(default_factory=list)
    intents: list[str] = field(default_factory=list)
    fresh: bool = False  # contains something held out from training


class _Writer:
    """Writes one dialogue turn by turn, keeping what the customer has named so far."""

    def __init__(self, rng: random.Random, *, held_out: bool) -> None:
        self.rng = rng
        self.held_out = held_out
        self.language: Language = rng.choice(LANGUAGES)
        self.dialogue = Dialogue(self.language)
        self.named: dict[str, str] = {}
        self.values = {
            "order": draw_order(rng, held_out=held_out),
            "name": rng.choice(NAMES[self.language]),
            "city": rng.choice(CITIES[self.language]),
        }

    def pick_product(self, intent: Intent) -> None:
        products = PRODUCTS[self.language]
        wanted = [item for item in products if is_held_out(f"{intent.name}:{item}") == self.held_out]
        self.values["product"] = self.rng.choice(wanted or products)

    def customer(self, intent: Intent, *, with_order: bool, lead: bool = True) -> None:
        rng, language = self.rng, self.language
        known = {slot: value for slot, value in self.values.items() if slot != "order" or with_order}
        joiner = phrases.JOINER[language]
        text, phrase, reserved = drawing.draw_opening(rng, intent, language, known, held_out=self.held_out)
        parts, slots = [text], phrase.slots
        if lead and rng.random() < 0.4:
            phrase = drawing.draw_phrase(rng, phrases.CUSTOMER_LEADS[language], frozenset({"name"}))
            parts.insert(0, drawing.fill_phrase(rng, phrase, self.values, language))
            slots |= phrase.slots
        if with_order and intent.needs_order and "order" not in slots:
            phrase = drawing.draw_phrase(rng, phrases.CUSTOMER_TAILS[language][1:], frozenset({"order"}))
            parts.append(drawing.fill_phrase(rng, phrase, self.values, language))
            slots |= {"order"}
        elif lead and rng.random() < 0.15:
            parts.append(drawing.draw_phrase(rng, phrases.CUSTOMER_TAILS[language][:1], frozenset()).text)
        whole = joiner.join(parts)
        if rng.random() < 0.15:  # as people type: no capital, no full stop
            whole = (
                whole[0].lower() + whole[1:].rstrip(".!。！") if whole[2:3] != "-" else whole.rstrip(".!。！")
            )
        self.named.update({slot: self.values[slot] for slot in slots if slot in self.values})
        self.dialogue.fresh |= self.held_out and bool({"order", "product"} & slots or reserved)
        self.dialogue.messages.append({"role": "user", "content": whole})

    def reply(self, intent: Intent) -> None:
        style = self.rng.choice(STYLES)
        text = drawing.draw_reply(self.rng, intent, style, self.language, self.named)
        self.dialogue.messages.append({"role": "assistant", "content": text})
        self.dialogue.styles.append(style)
        self.dialogue.intents.append(intent.name)


def draw_dialogue(rng: random.Random, *, held_out: bool) -> Dialogue:
    """One dialogue. A held-out one may lack anything held out (a bare greeting): check `fresh`."""
    shape = rng.choices(list(SHAPES), weights=list(SHAPES.values()))[0]
    writer = _Writer(rng, held_out=held_out)
    concern = rng.choice(
        [intent for intent in CONCERNS if intent.needs_order or shape not in ("ask", "given", "long")]
    )
    writer.pick_product(concern)
    give = rng.random() < 0.3  # an order number also where the intent does not need it
    if shape in ("hello", "greeted"):
        writer.customer(GREETING, with_order=False, lead=False)
        writer.reply(GREETING)
        if shape == "hello":
            return writer.dialogue
    if shape in ("ask", "given", "long"):
        writer.customer(concern, with_order=False)
        writer.reply(ASK)
        if shape == "ask":
            return writer.dialogue
        writer.customer(ASK, with_order=True, lead=False)
        writer.reply(concern)
    else:
        writer.customer(concern, with_order=concern.needs_order or give)
        writer.reply(concern)
    if shape in ("how_long", "long"):
        writer.customer(HOW_LONG, with_order=False, lead=False)
        writer.reply(HOW_LONG)
    elif shape == "thanks":
        writer.customer(THANKS, with_order=False, lead=False)
        writer.reply(THANKS)
    elif shape == "second":
        second = rng.choice([intent for intent in CONCERNS if intent != concern])
        writer.customer(second, with_order=second.needs_order and "order" not in writer.named)
        writer.reply(second)
    return writer.dialogue
