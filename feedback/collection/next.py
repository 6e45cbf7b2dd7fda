"""What to collect next, and how much of it: the tag whose support rate lacks most picks. Pure.

A share p is told to within e by n = z² p (1 - p) / e² picks. Which p it is, nobody knows yet, so the value of
its 95 % interval that is nearest to one half stands for it: three picks of three do not say that no more are
needed (docs/decisions/0025).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from feedback.advice.facts import RARE_TAG, WITHIN
from feedback.collection.rows import CollectionRow
from feedback.collection.words import SENTENCES
from feedback.experiments.sequential_tests import Z95
from feedback.experiments.tally import Tally
from feedback.morning.words import fill_sentence


@dataclass(frozen=True)
class NextStep:
    """The one sentence, by its code."""

    code: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        text = fill_sentence(SENTENCES[self.code], self.values)
        return {"code": self.code, "text": text, "values": dict(self.values)}


def count_missing(tally: Tally, *, within: float = WITHIN) -> int:
    """How many more picks tell the support rate to within so much on either side."""
    low, high = tally.interval
    share = min(max(low, 0.5), high)
    return max(0, math.ceil(Z95**2 * share * (1 - share) / within**2) - tally.counted)


def find_next(tags: Sequence[CollectionRow], adapter: str | None) -> NextStep:
    """The tag with most picks missing, of equal ones that with the fewest records. Tags that are rare beside
    the most frequent one are not asked for, as advice does not ask for them. `adapter`: what serves, if
    anything does beside the base.
    """
    if not tags:
        return NextStep("no_tags")
    most = max(row.conversations + row.usable for row in tags)
    known = [row for row in tags if row.conversations + row.usable >= RARE_TAG * most]
    found = max(known, key=lambda row: (count_missing(row.counted), -row.usable, row.name))
    missing = count_missing(found.counted)
    if not missing:
        return NextStep("enough")
    told = {"tag": found.name, "usable": found.usable, "missing": missing}
    if not found.counted.counted:
        return NextStep("no_picks" if adapter else "no_adapter", told)
    low, high = (round(100 * end) for end in found.counted.interval)
    return NextStep("more_picks", {**told, "picks": found.counted.counted, "low": low, "high": high})
