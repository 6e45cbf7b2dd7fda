"""Counted picks as plain records: who picked, which arm won, what was on each card. From the store in one
pass.

What counts is decided in `support.py` alone; a record exists for exactly the picks counted there. A record
holds no text, so that a long history fits in memory.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import log

from feedback.experiments.support import find_winner, refuse_set
from feedback.records.candidate import BASE, BOTH, READY, TUNED
from feedback.records.from_judgement import CLOSING, Judged, ShownReply, ShownSet, derive_choice
from feedback.records.rejections import Refusal
from feedback.store.choices import JudgedSet

INTENT = "intent:"  # a tag of this form names what the customer wants, as `domain:` names the field

LIST_ITEM = re.compile(r"^\s*(?:[-*+•]|\d{1,3}[.)、])\s", re.MULTILINE)
MARKUP = re.compile(r"\*\*[^*\n]+\*\*|__[^_\n]+__|^#{1,6}\s|`[^`\n]+`|\[[^\]\n]+\]\([^)\n]+\)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Card:
    """One reply on the screen. `length` in characters; `lists` and `markup` count list items and other
    markdown.
    """

    slot: int
    arm: str  # base | tuned | both
    length: int
    lists: int
    markup: int


@dataclass(frozen=True, slots=True)
class CountedPick:
    """One pick behind the support rate. `won` is tuned, base, or both (half to each, nothing to a
    decision)."""

    judgement: str
    adapter: str
    agent: str | None
    won: str
    slots: tuple[int, ...]  # of the reply picked; several for a tie
    cards: tuple[Card, ...]
    tags: tuple[str, ...] = ()
    language: str | None = None
    experience: int = 0  # how many sets of this desk the agent had closed before

    @property
    def intent(self) -> str | None:
        return next((tag.removeprefix(INTENT) for tag in self.tags if tag.startswith(INTENT)), None)

    @property
    def length_difference(self) -> float:
        """Mean log length of the tuned replies minus that of the base ones; 0.69 is twice as long."""
        means = []
        for arm in (TUNED, BASE):
            lengths = [log(max(card.length, 1)) for card in self.cards if card.arm in (arm, BOTH)]
            means.append(sum(lengths) / len(lengths))
        return means[0] - means[1]


def derive_picks(
    judged_sets: Iterable[JudgedSet], closed: Counter[str | None], *, adapter: str | None = None
) -> Iterator[CountedPick]:
    """`closed` is how many sets each agent had closed so far; it is carried on."""
    for judged, shown in judged_sets:
        if shown.adapter is not None and adapter in (None, shown.adapter):
            pick = derive_pick(judged, shown, experience=closed[judged.agent])
            if pick is not None:
                yield pick
        closed[judged.agent] += judged.kind in CLOSING and not judged.undone


def derive_pick(judged: Judged, shown: ShownSet, *, experience: int = 0) -> CountedPick | None:
    """None for whatever does not count towards the support rate."""
    if refuse_set(shown) is not None:
        return None
    choice = derive_choice(judged, shown)
    ready = sorted((reply for reply in shown.replies if reply.state == READY), key=lambda reply: reply.slot)
    if isinstance(choice, Refusal):
        if choice.reason != "tie_of_all":
            return None
        won, picked = BOTH, {reply.text for reply in ready}
    elif choice.kind == "own":
        return None
    else:
        won, picked = find_winner(choice), {choice.candidates[index].text for index in choice.picked}
    return CountedPick(
        judgement=judged.id,
        adapter=shown.adapter or "",
        agent=judged.agent,
        won=won,
        slots=tuple(reply.slot for reply in ready if reply.text in picked),
        cards=tuple(describe_card(reply) for reply in ready),
        tags=tuple(shown.tags),
        language=shown.language,
        experience=experience,
    )


def describe_card(reply: ShownReply) -> Card:
    text = reply.text or ""
    return Card(reply.slot, reply.arm, len(text), len(LIST_ITEM.findall(text)), len(MARKUP.findall(text)))
