"""The data of one intent of the grammar: how customers open it and how the desk answers in five styles."""

from dataclasses import dataclass
from typing import Literal

from demo.slots import Language

Style = Literal["warm", "plain", "curt", "pushy", "robotic"]
STYLES: tuple[Style, ...] = ("warm", "plain", "curt", "pushy", "robotic")


@dataclass(frozen=True)
class Side:
    """The templates of an intent in one language (see demo/template.py)."""

    opens: tuple[str, ...]
    warm: tuple[str, ...]
    plain: tuple[str, ...]
    curt: tuple[str, ...]
    pushy: tuple[str, ...]
    robotic: tuple[str, ...]

    def replies(self, style: Style) -> tuple[str, ...]:
        return {
            "warm": self.warm,
            "plain": self.plain,
            "curt": self.curt,
            "pushy": self.pushy,
            "robotic": self.robotic,
        }[style]


@dataclass(frozen=True)
class Intent:
    """`needs_order` makes the desk ask for an order number first; `sorry` sets the tone of warm openings."""

    name: str
    needs_order: bool
    sorry: bool
    en: Side
    zh: Side

    def side(self, language: Language) -> Side:
        return self.en if language == "en" else self.zh
