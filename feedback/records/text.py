"""Texts of people and models: when two are equal to a reader, and what every store can keep."""

import re
import unicodedata
from typing import Any

from feedback.errors import TextNotStorable

SURROGATE = re.compile("[\ud800-\udfff]")


def normalise(text: str) -> str:
    """The form in which equal texts are one option to a reader: NFKC, without white space runs and case."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def check_storable(value: Any, where: str) -> None:
    """No NUL (PostgreSQL refuses it) and no unpaired surrogate (UTF-8 cannot hold it), in keys and values."""
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
