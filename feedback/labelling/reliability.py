"""How often each labeller is right: the one-coin model of Dawid and Skene, by expectation and maximisation.

One accuracy for each labeller over all tasks of a kind; a whole confusion matrix is not worth its parameters
below some 20 times as many labels a person as there are answers. An item whose answer is known (gold,
adjudicated) keeps it. An item with one label and no known answer says nothing of who gave it, and is left
out. What others' labels came to without somebody's own would be no measure of them: where labels stop once
two agree, such items are mostly those on which they differed. Pure; numpy, and scipy for the interval.
"""

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from feedback.labelling.posterior import LEAST_ACCURACY, MOST_ACCURACY, credit

RIGHT_BEFORE, WRONG_BEFORE = 4.0, 1.0  # Beta(4, 1): right four times of five before their first label
ROUNDS = 50
CHANGE = 1e-4

Floats = NDArray[np.float64]
Places = NDArray[np.intp]


@dataclass(frozen=True)
class Said:
    """One label: who gave which answer to which item."""

    item: Hashable
    labeller: str
    label: Hashable


@dataclass(frozen=True)
class Poll:
    """The labels of one task. `classes` are all answers there are, in their order; `known` are items' true
    answers.
    """

    said: Sequence[Said]
    classes: Sequence[Hashable]
    known: Mapping[Any, Hashable] = field(default_factory=dict)
    ordinal: bool = False


@dataclass(frozen=True)
class EstimatedReliability:
    """`correct` and `wrong` are how many certain cases a labeller's labels are worth, and the interval is
    theirs. The known ones are labels of items whose answer was known. One step beside an answer on a scale is
    half right.
    """

    accuracy: float
    low: float
    high: float
    labels: int
    correct: float
    wrong: float
    known_correct: float
    known_wrong: float


@dataclass(frozen=True)
class Estimate:
    by_labeller: Mapping[str, EstimatedReliability]
    answers: Mapping[Hashable, tuple[Hashable, float]]  # of each item, with its posterior


@dataclass(frozen=True, eq=False)
class _Table:
    """A poll as places: `item`, `labeller` and `label` are (L,), `known` is (I,), -1 where nothing is known.
    `credits` is (K, K): what a label counts where another answer is right.
    """

    items: Sequence[Hashable]
    named: Sequence[Hashable]
    item: Places
    labeller: Places
    label: Places
    known: Places
    credits: Floats

    def sum_votes(self, values: Floats) -> Floats:
        """The sums of the labels' values for each item and answer, (I, K)."""
        shape = len(self.items), len(self.named)
        heaps = self.item * shape[1] + self.label
        return np.bincount(heaps, values, minlength=shape[0] * shape[1]).reshape(shape).astype(float)

    def fix(self, chances: Floats) -> Floats:
        known = self.known >= 0
        return np.where(known[:, None], np.eye(len(self.named))[self.known], chances)

    def find_right(self, chances: Floats) -> Floats:
        """How likely each label is right, (L,)."""
        return np.asarray((chances @ self.credits)[self.item, self.label])

    def find_chances(self, accuracy: Floats, before: Floats) -> Floats:
        """The chances of each item's answers, (I, K), by who gave which and how common the answers are."""
        evidence = np.log(accuracy * (len(self.named) - 1) / (1 - accuracy))[self.labeller]
        logs = np.log(1 + before.sum(axis=0)) + self.sum_votes(evidence) @ self.credits
        powers = np.exp(logs - logs.max(axis=1, keepdims=True))
        return self.fix(powers / powers.sum(axis=1, keepdims=True))


def estimate_reliability(polls: Sequence[Poll], given: Mapping[str, float] | None = None) -> Estimate:
    """The accuracy of each labeller, and what their labels make of each item. `given` accuracies stay as they
    are. Where there is one answer alone nobody can be wrong, and nothing is estimated.
    """
    people = list(dict.fromkeys(each.labeller for poll in polls for each in poll.said))
    tables = [table for poll in polls if (table := _tabulate(poll, people)) is not None]
    if not tables:
        return Estimate({}, {})
    held = np.array([(given or {}).get(person, np.nan) for person in people])
    accuracy, chances = _fit(tables, held)
    answers = {
        item: (table.named[best], float(row[best]))
        for table, rows in zip(tables, chances, strict=True)
        for item, row, best in zip(table.items, rows, rows.argmax(axis=1).tolist(), strict=True)
    }
    return Estimate(_count_cases(tables, people, accuracy, chances), answers)


def find_interval(correct: float, wrong: float) -> tuple[float, float]:
    """The 95 % interval of an accuracy: quantiles of Beta(4 + correct, 1 + wrong)."""
    from scipy.special import betaincinv

    low, high = betaincinv(RIGHT_BEFORE + correct, WRONG_BEFORE + wrong, [0.025, 0.975])
    return float(low), float(high)


def _tabulate(poll: Poll, people: Sequence[str]) -> _Table | None:
    per_item = Counter(each.item for each in poll.said)
    used = [each for each in poll.said if per_item[each.item] > 1 or each.item in poll.known]
    named = list(dict.fromkeys([*poll.classes, *(each.label for each in used), *poll.known.values()]))
    if not used or len(named) < 2:
        return None
    items = list(dict.fromkeys(each.item for each in used))
    size, place = len(named), {name: index for index, name in enumerate(named)}
    return _Table(
        items,
        named,
        _find_places([each.item for each in used], items),
        _find_places([each.labeller for each in used], people),
        _find_places([each.label for each in used], named),
        np.array([place[poll.known[item]] if item in poll.known else -1 for item in items], dtype=np.intp),
        np.array([[credit(a, b, ordinal=poll.ordinal) for b in range(size)] for a in range(size)]),
    )


def _find_places(values: Sequence[Hashable], named: Sequence[Hashable]) -> Places:
    place = {name: index for index, name in enumerate(named)}
    return np.array([place[value] for value in values], dtype=np.intp)


def _fit(tables: Sequence[_Table], held: Floats) -> tuple[Floats, list[Floats]]:
    """Accuracies, (J,), and each table's chances, (I, K); begins with the shares of the labels. `held`
    accuracies are given, where they are not NaN.
    """
    people = len(held)
    votes = [table.sum_votes(np.ones(len(table.item))) for table in tables]
    shares = [counts / counts.sum(axis=1, keepdims=True) for counts in votes]
    chances = [table.fix(share) for table, share in zip(tables, shares, strict=True)]
    given = _sum_by_labeller(tables, [np.ones(len(table.item)) for table in tables], people)
    accuracy = np.zeros(people)
    for _ in range(ROUNDS):
        before = accuracy
        right = [table.find_right(each) for table, each in zip(tables, chances, strict=True)]
        share = (RIGHT_BEFORE + _sum_by_labeller(tables, right, people)) / (
            RIGHT_BEFORE + WRONG_BEFORE + given
        )
        accuracy = np.clip(np.where(np.isnan(held), share, held), LEAST_ACCURACY, MOST_ACCURACY)
        chances = [table.find_chances(accuracy, each) for table, each in zip(tables, chances, strict=True)]
        if np.abs(accuracy - before).max() < CHANGE:
            break
    return accuracy, chances


def _sum_by_labeller(tables: Sequence[_Table], values: Sequence[Floats], people: int) -> Floats:
    labellers = np.concatenate([table.labeller for table in tables])
    return np.bincount(labellers, np.concatenate(values), minlength=people).astype(float)


def _count_cases(
    tables: Sequence[_Table], people: Sequence[str], accuracy: Floats, chances: Sequence[Floats]
) -> dict[str, EstimatedReliability]:
    """What the labels of each labeller are worth as certain cases.

    Of a label that is right with chance t, the variance t (1 - t) is not known; as a share of what a certain
    case tells, a (1 - a), it is missing (Louis 1982). Without that intervals are too narrow, most of all
    where there are two answers.
    """
    size = len(people)
    right = [table.find_right(each) for table, each in zip(tables, chances, strict=True)]
    told = [
        1 - part * (1 - part) / (accuracy * (1 - accuracy))[table.labeller] * (table.known[table.item] < 0)
        for part, table in zip(right, tables, strict=True)
    ]
    known = [(table.known[table.item] >= 0).astype(float) for table in tables]
    labels = _sum_by_labeller(tables, [np.ones(len(part)) for part in right], size)
    share = _sum_by_labeller(tables, right, size) / np.maximum(labels, 1)
    cases = np.maximum(_sum_by_labeller(tables, told, size), 0)
    known_right = _sum_by_labeller(tables, [a * b for a, b in zip(right, known, strict=True)], size)
    known_wrong = _sum_by_labeller(tables, known, size) - known_right
    columns = (accuracy, labels, cases * share, cases * (1 - share), known_right, known_wrong)
    return {
        person: EstimatedReliability(a, *find_interval(correct, wrong), int(n), correct, wrong, known, missed)
        for person, a, n, correct, wrong, known, missed in zip(
            people, *(c.tolist() for c in columns), strict=True
        )
        if n
    }
