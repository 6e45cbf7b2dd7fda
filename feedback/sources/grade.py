"""The grade of a source, A to D, from what imports say of it, and in one sentence why. Pure.

Each part is a share between 0 and 1 and needs 30 cases: lines that were accepted, records that something can
be learned from. Nobody's checks of a sample are known yet, and without them a source is never better than B.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import geometric_mean
from typing import Any

ACCEPTED, USABLE = "accepted", "usable"
LIMITS = (("A", 0.90), ("B", 0.75), ("C", 0.50))
GRADES = ("A", "B", "C", "D")
BEST_UNCHECKED = "B"
LEAST_CASES = 30
LEAST_SHARE = 0.01  # one bad part lowers a grade, and does not decide it alone

TOO_FEW = "No grade yet: it needs %(cases)s lines that imports have reported."
PARTS_SAID = {
    ACCEPTED: "%(share)s %% of %(cases)s lines were accepted",
    USABLE: "%(share)s %% of %(cases)s records can be learned from",
}
UNCHECKED = "nobody has checked a sample, so it is at most B"
SENTENCES = (TOO_FEW, *PARTS_SAID.values(), UNCHECKED)


@dataclass(frozen=True)
class SourceCounts:
    """What is counted of a source. Lines that were there already, `duplicates`, were accepted once: a file
    that comes again, or goes on after an interruption, changes no share. `usable_of` is the number of
    records of which it is known whether they are usable.
    """

    accepted: int = 0
    duplicates: int = 0
    refused: int = 0
    usable: int = 0
    usable_of: int = 0

    @property
    def lines(self) -> int:
        return self.accepted + self.duplicates + self.refused

    def cases(self) -> dict[str, tuple[int, int]]:
        """How many of how many, for each part."""
        return {
            ACCEPTED: (self.accepted + self.duplicates, self.lines),
            USABLE: (self.usable, self.usable_of),
        }


@dataclass(frozen=True)
class SourceGrade:
    """`computed` is the grade by the parts, None below 30 cases; `given` is one that a person gave instead,
    which holds. `parts` maps each part to how many of how many.
    """

    computed: str | None
    given: str | None
    quality: float | None
    parts: Mapping[str, tuple[int, int]]

    @property
    def in_force(self) -> str | None:
        return self.given or self.computed

    def to_json(self) -> dict[str, Any]:
        return {
            "grade": self.in_force,
            "computed": self.computed,
            "given": self.given,
            "quality": self.quality,
            "parts": {name: {"of": of, "share": round(n / of, 4)} for name, (n, of) in self.parts.items()},
            "why": explain_grade(self),
        }


def grade_source(counts: SourceCounts, given: str | None = None) -> SourceGrade:
    """The geometric mean of the parts there are, against the limits."""
    parts = {name: case for name, case in counts.cases().items() if case[1] >= LEAST_CASES}
    if not parts:
        return SourceGrade(None, given, None, {})
    quality = round(geometric_mean(max(n / of, LEAST_SHARE) for n, of in parts.values()), 4)
    grade = next((grade for grade, limit in LIMITS if quality >= limit), GRADES[-1])
    return SourceGrade(max(grade, BEST_UNCHECKED), given, quality, parts)


def explain_grade(
    grade: SourceGrade, translate: Callable[[str], str] = str, join: str = "; ", end: str = "."
) -> str:
    """Why a source has the grade that its parts give."""
    if grade.computed is None:
        return translate(TOO_FEW) % {"cases": LEAST_CASES}
    said = [
        translate(PARTS_SAID[name]) % {"share": show_part(n, of), "cases": of}
        for name, (n, of) in grade.parts.items()
    ]
    if grade.computed == BEST_UNCHECKED:
        said.append(translate(UNCHECKED))
    return join.join(said) + end


def show_part(count: int, of: int) -> str:
    """Percent, never 100 where something is missing and never 0 where something is there."""
    percent = 100 * count / of
    if 0 < count < of:
        percent = min(max(percent, 0.1), 99.9)
    return f"{percent:.1f}".removesuffix(".0")
