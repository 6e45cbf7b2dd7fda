"""When a reply is broken whatever it was meant to say: empty, unfinished, stuck in a loop, or in another
script.

General checks for any base; a base with a grammar brings its own judge (`checker` in the recipe), which is
asked as well.
"""

import importlib
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from trainer.errors import CheckerUnknown

Messages = Sequence[Mapping[str, str]]
Checker = Callable[[str, Messages], bool]

LOOP_SIZE = 4  # words, or Chinese characters, that come back as a block
LOOP_TIMES = 3
_UNIT = re.compile(r"[\u4e00-\u9fff]|\w+")
_HAN = re.compile(r"[\u4e00-\u9fff]")
_LATIN = re.compile(r"(?<![\w-])[A-Za-z]{2,}(?![\w-]*\d)")  # words; codes such as AB-123 are of no language


def find_fault(
    text: str, messages: Messages, *, finished: bool, checker: Checker | None = None
) -> str | None:
    """empty | unfinished | repeated | wrong_language | checker, or None for a sound reply."""
    if not text.strip():
        return "empty"
    if not finished:
        return "unfinished"
    if is_looping(text):
        return "repeated"
    if is_other_script(text, messages):
        return "wrong_language"
    if checker is not None and checker(text, messages):
        return "checker"
    return None


def is_looping(text: str) -> bool:
    units = _UNIT.findall(text.casefold())
    blocks = Counter(tuple(units[start : start + LOOP_SIZE]) for start in range(len(units) - LOOP_SIZE + 1))
    return any(count >= LOOP_TIMES for count in blocks.values())


def is_other_script(text: str, messages: Messages) -> bool:
    """True if the customer writes mostly in one script (Chinese or Latin) and the reply in the other.

    The last customer message that has a script tells; an order number alone has none.
    """
    scripts = (find_script(message["content"]) for message in reversed(messages) if message["role"] == "user")
    wanted, given = next(filter(None, scripts), None), find_script(text)
    return wanted is not None and given is not None and wanted != given


def find_script(text: str) -> str | None:
    han, latin = len(_HAN.findall(text)), len(_LATIN.findall(text))
    if han == latin:
        return None
    return "han" if han > latin else "latin"


def load_named(name: str) -> Any:
    """What `package.module:name` in a recipe stands for; this package itself knows no demo."""
    module, _, attribute = name.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as why:
        raise CheckerUnknown(name, str(why)) from why
