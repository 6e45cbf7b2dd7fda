"""From what came in to what can be learned from: judgements and thumbs, choices and pairs, and every reason
in between, counted.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from feedback.records.from_judgement import derive_choice
from feedback.records.pairs import pair_choice
from feedback.records.rejections import Refusal
from feedback.store.choices import JudgedSet


@dataclass
class Funnel:
    """judgements = choices + the sum of `reasons`; an undo is a reason of what it took back, no judgement of
    its own.
    """

    judgements: int = 0
    kinds: Counter[str] = field(default_factory=Counter)  # judgements as given
    choices: int = 0
    choice_kinds: Counter[str] = field(default_factory=Counter)  # as settled: an edit may have become a pick
    reasons: Counter[str] = field(default_factory=Counter)
    pairs: int = 0
    pair_reasons: Counter[str] = field(default_factory=Counter)
    thumbs_up: int = 0
    thumbs_down: int = 0
    thumbs_taken_back: int = 0

    def to_json(self) -> dict[str, Any]:
        values = vars(self).items()
        return {
            name: dict(sorted(value.items())) if isinstance(value, Counter) else value
            for name, value in values
        }


def count_page(counted: Funnel, page: Iterable[JudgedSet]) -> None:
    for judged, shown in page:
        counted.judgements += 1
        counted.kinds[judged.kind] += 1
        choice = derive_choice(judged, shown)
        if isinstance(choice, Refusal):
            counted.reasons[choice.reason] += 1
            continue
        counted.choices += 1
        counted.choice_kinds[choice.kind or ""] += 1
        for pair in pair_choice(choice):
            if isinstance(pair, Refusal):
                counted.pair_reasons[pair.reason] += 1
            else:
                counted.pairs += 1
