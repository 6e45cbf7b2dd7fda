"""What a step tells of its row: values as JSON takes them, unset ones left out."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

EXCERPT = 200


def known(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What there is to say: unset and empty facts are left out."""
    return {name: value for name, value in facts.items() if value is not None and value not in ("", [], {})}


def stamp(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def excerpt(text: str | None) -> str | None:
    return text if text is None or len(text) <= EXCERPT else f"{text[:EXCERPT]} …"


def as_number(id: str) -> int:
    """-1, which no row has, for what is no number."""
    return int(id) if id.isascii() and id.isdigit() and len(id) < 10 else -1
