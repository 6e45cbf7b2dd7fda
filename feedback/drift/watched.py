"""Lists what is watched, and divides the false alarms allowed in a year among it. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from feedback.drift.shift import Day, Quantity, Shift, find_shift, is_enough_for_test

FALSE_ALARMS = 1.0  # a year, at most, of everything together; measured it is less (`python -m bench.drift`)
LOOKS = 365  # a year
QUANTITIES = {
    "support": Quantity("share", 0.05),  # of picks that decide, those for the adapter
    "thumbs": Quantity("share", 0.03),  # of thumbs, those down
    "replies": Quantity("mean", 0.2),  # characters
    "customers": Quantity("mean", 0.2),  # characters
    "language": Quantity("share", 0.05),  # of conversations
    "tag": Quantity("share", 0.05),  # of conversations
}
FEWEST_OF_MEMBER = 20  # conversations of a language or with a tag, before it is watched
MOST_MEMBERS = 12


@dataclass(frozen=True)
class Watched:
    """The days of one quantity, oldest first. `member` is the language, the tag or the adapter."""

    name: str
    days: Sequence[Day]
    member: str | None = None


@dataclass(frozen=True)
class FoundShift:
    watched: Watched
    shift: Shift


def find_shifts(watched: Iterable[Watched]) -> list[FoundShift]:
    """At most one shift for each quantity: the clearest of its members, a rise before a fall."""
    by_name: dict[str, list[Watched]] = {}
    for each in watched:
        by_name.setdefault(each.name, []).append(each)
    found = (find_strongest(members) for members in by_name.values())
    return [each for each in found if each is not None]


def find_strongest(members: Sequence[Watched]) -> FoundShift | None:
    chance = FALSE_ALARMS / LOOKS / len(QUANTITIES) / len(members)
    found = [
        FoundShift(each, shift)
        for each in members
        if (shift := find_shift(each.days, QUANTITIES[each.name], chance=chance)) is not None
    ]
    return max(found, key=lambda each: (has_risen(each.shift), each.shift.evidence), default=None)


def has_risen(shift: Shift) -> bool:
    return shift.now > shift.before


def list_too_early(watched: Iterable[Watched]) -> list[str]:
    """The quantities with too few values to tell anything yet, in the order of QUANTITIES."""
    known = {each.name for each in watched if is_enough_for_test(each.days)}
    return [name for name in QUANTITIES if name not in known]
