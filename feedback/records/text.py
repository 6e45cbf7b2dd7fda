"""Rules for texts: when two texts are equal to a reader, and which characters every store can keep."""

import re
import unicodedata
from typing import Any

from feedback.errors import TextNotStorable

SURROGATE = re.compile("[\ud800-\udfff]")


def normalise(text: str) -> str:
    """The text as it is compared: NFKC, case folded, white space collapsed. Equal ones are one option."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def check_storable(value: Any, where: str) -> None:
    """Refuses NUL, which PostgreSQL rejects, and unpaired surrogates, which UTF-8 cannot encode."""
    if isinstance(value, str):
        if "\x00" in value:
            raise TextNotStorable(where, "a NUL character")
        if SURROGATE.search(value):
            raise TextNotStorable(where, "an unpaired surrogate")
    elif isinstance(value, dict):
        for key, inner in value.items():
            check_storable(key, f"a key of {where}")
            check_storable(inner, f"{where}.{key}"[:100])
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            check_storable(inner, f"{where}[{number}]")


def escape(text: str) -> str:
    """The text as one line that cannot end a table cell or begin an HTML tag."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
