"""Simulated people with a known taste: agents who judge suggestion sets, customers who give thumbs.

The taste is a utility (`taste_utility`): warm before plain before robotic before curt before pushy, the
customer's own order and product named, nothing invented, and above all not broken. An agent picks by a
multinomial logit: utility divided by `noise`, plus an offset per slot. With the defaults an adapter whose
replies are always warm and correct wins about 85 % of the picks against a base that draws the five styles
equally often (87 % is the limit, since the base is warm one time in five). They read only texts and never
learn which arm wrote one.
"""

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from demo import phrases
from demo.drawing import draw_reply
from demo.grammar import Message, ParsedReply, is_broken, parse_conversation, parse_reply
from demo.intents import ASK, INTENTS, Style
from demo.slots import COPIED, mask

STYLE_UTILITY: Mapping[Style, float] = {
    "warm": 3.0,
    "plain": 0.6,
    "robotic": -0.6,
    "curt": -0.8,
    "pushy": -1.6,
}
OWN_ITEM_UTILITY = 0.4  # the reply names the customer's order or product
WRONG_ITEM_UTILITY = -1.5  # for each order, product, name or city that is not the customer's
BROKEN_UTILITY = -5.0
NOTHING_GOOD = -3.0  # a set whose best reply has less utility than this is rejected ("none")
TIE_GAP = 0.3  # replies closer than this can be called equal
TIE_SHARE, EDIT_SHARE, OWN_SHARE = 0.1, 0.06, 0.02  # the first among close sets only

Kind = Literal["pick", "edit", "own", "tie", "none"]


@dataclass(frozen=True)
class AgentDecision:
    """Reply `index` is sent (or edited), `indices` are tied, `text` is the agent's own."""

    kind: Kind
    index: int | None = None
    indices: tuple[int, ...] = ()
    text: str | None = None


def _wrong_items(parsed: ParsedReply, messages: Sequence[Message]) -> list[tuple[str, str]]:
    items = parse_conversation(messages).items
    return [
        (slot, v) for slot in COPIED for v in parsed.slots.get(slot, ()) if v.casefold() not in items[slot]
    ]


def taste_utility(text: str, messages: Sequence[Message]) -> float:
    """The simulated desk's utility of a reply to a conversation; only differences matter."""
    parsed = parse_reply(text, messages)
    if parsed is None or is_broken(text, messages):
        return BROKEN_UTILITY
    wrong = _wrong_items(parsed, messages)
    named = sum(len(parsed.slots.get(slot, ())) for slot in ("order", "product"))
    names_own = named > sum(slot in ("order", "product") for slot, _ in wrong)
    return STYLE_UTILITY[parsed.style] + OWN_ITEM_UTILITY * names_own + WRONG_ITEM_UTILITY * len(wrong)


def _softmax(scores: Sequence[float]) -> list[float]:
    top = max(scores)
    weights = [math.exp(score - top) for score in scores]
    return [weight / sum(weights) for weight in weights]


def _own_values(messages: Sequence[Message]) -> dict[str, str]:
    """The customer's values in the form of a reply; of each slot the last one."""
    language = parse_conversation(messages).language
    values: dict[str, str] = {}
    for message in messages:
        if message["role"] == "user":
            found = mask(message["content"], language, fold=True)[1]
            values.update({slot: value for slot, value in found if slot in COPIED})
    if "order" in values:
        values["order"] = values["order"].upper()
    if "product" in values:
        values["product"] = values["product"].lower()
    return {slot: value.title() if slot in ("name", "city") else value for slot, value in values.items()}


class SimulatedAgent:
    """An agent whose decisions are reproducible from name and seed; call `judge` in the order of the sets."""

    def __init__(self, name: str, seed: int, *, noise: float = 0.7, position_bias: float = 0.2) -> None:
        """`noise` divides utilities (0.1 nearly perfect, 3 nearly blind). The first slot gains
        `position_bias` nats over the last one, slots between them proportionally less.
        """
        self.name = name
        self.noise = noise
        self.position_bias = position_bias
        self._rng = random.Random(f"{name} {seed}")

    def rate(self, text: str, messages: Sequence[Message]) -> float:
        """What this agent thinks of a reply; another taste is a subclass."""
        return taste_utility(text, messages)

    def pick_probabilities(self, messages: Sequence[Message], texts: Sequence[str]) -> list[float]:
        """The logit probability of each reply, before edits, ties and own texts."""
        last = max(1, len(texts) - 1)
        offsets = [self.position_bias * (1 - slot / last) for slot in range(len(texts))]
        utilities = [self.rate(text, messages) for text in texts]
        return _softmax([u / self.noise + offset for u, offset in zip(utilities, offsets, strict=True)])

    def judge(self, messages: Sequence[Message], texts: Sequence[str]) -> AgentDecision:
        """One decision over the distinct replies of a set, in the order shown."""
        utilities = [self.rate(text, messages) for text in texts]
        if max(utilities) < NOTHING_GOOD:
            return AgentDecision("none")
        if self._rng.random() < OWN_SHARE and (own := self._write(messages)):
            return AgentDecision("own", text=own)
        index = self._rng.choices(range(len(texts)), weights=self.pick_probabilities(messages, texts))[0]
        twins = [i for i, u in enumerate(utilities) if i != index and abs(u - utilities[index]) < TIE_GAP]
        if twins and self._rng.random() < TIE_SHARE:
            return AgentDecision("tie", index=index, indices=tuple(sorted((index, self._rng.choice(twins)))))
        if self._rng.random() < EDIT_SHARE and (edited := self._edit(texts[index], messages)) != texts[index]:
            return AgentDecision("edit", index=index, text=edited)
        return AgentDecision("pick", index=index)

    def _edit(self, text: str, messages: Sequence[Message]) -> str:
        """Replaces wrong values with the customer's own, else adds a polite sentence if one fits."""
        parsed = parse_reply(text, messages)
        if parsed is None:
            return self._write(messages) or text
        values = _own_values(messages)
        mended = text
        for slot, value in _wrong_items(parsed, messages):
            if slot in values:
                mended = mended.replace(value, values[slot])
        if mended != text:
            return mended
        joiner = phrases.JOINER[parsed.language]
        courtesy = f"{joiner}{phrases.COURTESY[parsed.language]}"
        longer = text + courtesy
        return (
            text if is_broken(longer, messages) else longer
        )  # a reply with a tail of its own takes no second

    def _write(self, messages: Sequence[Message]) -> str | None:
        """A warm reply written by the agent; None if the conversation is outside the grammar."""
        situation = parse_conversation(messages)
        values = _own_values(messages)
        intent = next((intent for intent in INTENTS if intent.name == situation.intent), None)
        if intent is None:
            return None
        if intent.needs_order and "order" not in values:
            intent = ASK
        return draw_reply(self._rng, intent, "warm", situation.language, values)


class SimulatedCustomer:
    """A customer who sometimes gives a thumb, by the agents' taste with separate noise."""

    def __init__(self, name: str, seed: int, *, noise: float = 1.0, answer_share: float = 0.5) -> None:
        self.noise = noise
        self.answer_share = answer_share
        self._rng = random.Random(f"customer {name} {seed}")

    def up_probability(self, messages: Sequence[Message], text: str) -> float:
        """The probability that a thumb is up: one half for a reply between plain and warm."""
        middle = (STYLE_UTILITY["warm"] + STYLE_UTILITY["plain"]) / 2 + OWN_ITEM_UTILITY
        return 1 / (1 + math.exp((middle - taste_utility(text, messages)) / self.noise))

    def thumb(self, messages: Sequence[Message], text: str) -> int | None:
        """1, -1, or None for no thumb; `messages` is the conversation before the reply."""
        if self._rng.random() >= self.answer_share:
            return None
        return 1 if self._rng.random() < self.up_probability(messages, text) else -1
