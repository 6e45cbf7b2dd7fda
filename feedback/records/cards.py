"""Describes a card without its text: its place, its arm, its length and its layout. Pure.

Kept with each record that states a preference, so that the adjusted share can be fitted without any text.
"""

import re
from dataclasses import dataclass
from typing import Any

from feedback.records.from_judgement import ShownReply

LIST_ITEM = re.compile(r"^\s*(?:[-*+•]|\d{1,3}[.)、])\s", re.MULTILINE)
MARKUP = re.compile(r"\*\*[^*\n]+\*\*|__[^_\n]+__|^#{1,6}\s|`[^`\n]+`|\[[^\]\n]+\]\([^)\n]+\)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Card:
    """One reply on the screen: `length` in characters, and how many list items and other markdown."""

    slot: int
    arm: str  # base | tuned | both
    length: int
    lists: int
    markup: int
    is_picked: bool = False

    def to_json(self) -> list[Any]:
        """The card as the record stores it: the values of its fields in order."""
        return [self.slot, self.arm, self.length, self.lists, self.markup, self.is_picked]

    @classmethod
    def from_json(cls, kept: list[Any]) -> "Card":
        return cls(*kept)


def describe_card(reply: ShownReply, *, is_picked: bool = False) -> Card:
    text = reply.text or ""
    lists, markup = len(LIST_ITEM.findall(text)), len(MARKUP.findall(text))
    return Card(reply.slot, reply.arm, len(text), lists, markup, is_picked)
