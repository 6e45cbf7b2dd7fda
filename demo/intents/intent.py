"""One intent of the grammar: how customers open it and how the desk answers in five styles.

Their templates (demo/template.py) are data: tables in the TOML files beside this module.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from demo.slots import Language

Style = Literal["warm", "plain", "curt", "pushy", "robotic"]
STYLES: tuple[Style, ...] = ("warm", "plain", "curt", "pushy", "robotic")


@dataclass(frozen=True)
class Side:
    """The templates of an intent in one language."""

    opens: tuple[str, ...]
    warm: tuple[str, ...]
    plain: tuple[str, ...]
    curt: tuple[str, ...]
    pushy: tuple[str, ...]
    robotic: tuple[str, ...]

    def replies(self, style: Style) -> tuple[str, ...]:
        templates: tuple[str, ...] = getattr(self, style)
        return templates


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


def read_intents(kind: str) -> dict[str, Intent]:
    """The intents of one TOML file by name, in its order."""
    tables = tomllib.loads(Path(__file__).with_name(f"{kind}.toml").read_text(encoding="utf-8"))
    return {name: make_intent(name, table) for name, table in tables.items()}


def make_intent(name: str, table: dict[str, Any]) -> Intent:
    en, zh = (
        Side(**{part: tuple(templates) for part, templates in table[language].items()})
        for language in ("en", "zh")
    )
    return Intent(name, table["needs_order"], table["sorry"], en, zh)
