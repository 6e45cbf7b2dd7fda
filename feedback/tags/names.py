"""Names of tags, and the path that a string of today becomes when it is adopted."""

import re

from feedback.tags.errors import TagNameInvalid
from feedback.tags.tree import BETWEEN

LONGEST_NAME, MOST_LEVELS, LONGEST_STRING = 64, 8, 200
SEPARATORS = re.compile(r"[/:：]")


def check_name(name: str) -> None:
    if why := find_name_fault(name):
        raise TagNameInvalid(name, why)


def find_name_fault(name: str) -> str | None:
    """Why this is no name of a tag."""
    if not name.strip():
        return "it is empty"
    if name != name.strip() or not name.isprintable():
        return "it has blanks at an end or characters that nobody sees"
    if len(name) > LONGEST_NAME:
        return f"it is longer than {LONGEST_NAME} characters"
    return "it has / or : in it" if SEPARATORS.search(name) else None


def split_path(path: str) -> list[str]:
    """The names of a path. Raises TagNameInvalid."""
    names = path.split(BETWEEN)
    if len(names) > MOST_LEVELS:
        raise TagNameInvalid(path, f"it has more than {MOST_LEVELS} levels")
    for name in names:
        check_name(name)
    return names


def spell_path(string: str) -> list[str] | None:
    """The names of the tag that a stored string becomes: `domain:hotel` and `domain/hotel` are `hotel` below
    `domain`, anything else one tag. None for a string that gives no names.
    """
    names = [part.strip() for part in SEPARATORS.split(string) if part.strip()]
    fits = len(string) <= LONGEST_STRING and 0 < len(names) <= MOST_LEVELS
    return names if fits and not any(map(find_name_fault, names)) else None
