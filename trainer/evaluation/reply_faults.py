"""Finds replies that are broken whatever they were meant to say: empty, unfinished, looping, or in another
language.

The checks are general, for any base. A base with a grammar can add a judge of its own (`checker` in the
recipe).
"""

import importlib
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from feedback.records.language import Writing, find_writing, is_other
from trainer.errors import CheckerUnknown

Messages = Sequence[Mapping[str, str]]
Checker = Callable[[str, Messages], bool]

LOOP_SIZE = 4  # words, or Chinese characters, that come back as a block
LOOP_TIMES = 3
_UNIT = re.compile(r"[\u4e00-\u9fff]|\w+")


def find_reply_fault(
    text: str, messages: Messages, *, finished: bool, checker: Checker | None = None
) -> str | None:
    """What is wrong with a reply, or None: empty, unfinished, repeated, wrong_language or checker."""
    if not text.strip():
        return "empty"
    if not finished:
        return "unfinished"
    if is_looping(text):
        return "repeated"
    if find_wrong_language(text, messages) is not None:
        return "wrong_language"
    if checker is not None and checker(text, messages):
        return "checker"
    return None


def is_looping(text: str) -> bool:
    units = _UNIT.findall(text.casefold())
    blocks = Counter(tuple(units[start : start + LOOP_SIZE]) for start in range(len(units) - LOOP_SIZE + 1))
    return any(count >= LOOP_TIMES for count in blocks.values())


def find_wrong_language(text: str, messages: Messages) -> str | None:
    """A text such as `ja -> zh` if the reply is surely not in the customer's language; None if it may be."""
    wanted, given = find_wanted(messages), find_writing(text)
    if wanted is None or given is None or not is_other(wanted, given):
        return None
    return " -> ".join(each.language or each.script.lower() for each in (wanted, given))


def find_wanted(messages: Messages) -> Writing | None:
    """The language and script in which the customer writes; None if no message has words.

    The last message with words decides. If it leaves a doubt (a short one, a Japanese heading), earlier
    messages that may be in the same language decide.
    """
    writings = (
        find_writing(message["content"]) for message in reversed(messages) if message["role"] == "user"
    )
    said = [writing for writing in writings if writing is not None]
    if not said or (said[0].language is not None and not said[0].is_doubtful):
        return said[0] if said else None
    alike = (each for each in said if each.language is not None and not each.is_doubtful)
    return next((each for each in alike if not is_other(each, said[0])), said[0])


def load_named(name: str) -> Any:
    """Imports the object that `package.module:name` in a recipe stands for. Raises CheckerUnknown."""
    module, _, attribute = name.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as why:
        raise CheckerUnknown(name, str(why)) from why
