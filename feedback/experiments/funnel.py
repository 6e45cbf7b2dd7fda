"""Counts the way from judgements to choices and pairs, with every reason for which something drops out."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from feedback.records.derived import UNDONE
from feedback.store.record_counts import Given

TOO_CLOSE = "too_close"


@dataclass
class Funnel:
    """The counts, in which judgements = choices + the sum of `reasons`. An undo is no judgement of its own,
    but the reason why the judgement it takes back is no choice.
    """

    judgements: int = 0
    kinds: Counter[str] = field(default_factory=Counter)  # judgements as given
    choices: int = 0
    choice_kinds: Counter[str] = field(default_factory=Counter)  # as settled: an edit may have become a pick
    reasons: Counter[str] = field(default_factory=Counter)
    pairs: int = 0
    paired: int = 0  # choices that give a pair: what is learnt from
    pair_reasons: Counter[str] = field(default_factory=Counter)

    @property
    def standing(self) -> int:
        """The number of judgements that nobody took back."""
        return self.judgements - self.reasons[UNDONE]

    def to_json(self) -> dict[str, Any]:
        values = vars(self).items()
        return {
            name: dict(sorted(value.items())) if isinstance(value, Counter) else value
            for name, value in values
        }


def count_funnel(given: Iterable[Given]) -> Funnel:
    counted = Funnel()
    for row in given:
        counted.judgements += row.judgements
        counted.kinds[row.given] += row.judgements
        if row.rejection is not None:
            counted.reasons[row.rejection] += row.judgements
            continue
        counted.choices += row.judgements
        counted.choice_kinds[row.settled or ""] += row.judgements
        counted.pairs += row.pairs
        counted.paired += row.paired
        if row.close:
            counted.pair_reasons[TOO_CLOSE] += row.close
    return counted
