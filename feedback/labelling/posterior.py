"""How sure the labels of one item make its answer, by the accuracy of who gave them. Pure.

One accuracy a for each labeller: a label is right with chance a, and any of the other answers with chance
(1 - a) / (K - 1). Beforehand all answers are equally likely.
"""

import math
from collections.abc import Hashable, Mapping, Sequence

FIRST_ACCURACY = 0.8  # of somebody of whom nothing is known: the mean of Beta(4, 1)
LEAST_ACCURACY, MOST_ACCURACY = 0.02, 0.98

Label = Hashable


def credit(said: int, true: int, *, ordinal: bool) -> float:
    """What a label counts where the answer at place `true` is right: on a scale, one step beside it half."""
    return 1.0 if said == true else 0.5 if ordinal and abs(said - true) == 1 else 0.0


def weigh_label(accuracy: float, classes: int) -> float:
    """The evidence of one label: the logarithm of a (K - 1) / (1 - a), negative for who errs more often."""
    bounded = min(max(accuracy, LEAST_ACCURACY), MOST_ACCURACY)
    return math.log(bounded * (classes - 1) / (1 - bounded))


def find_posterior(
    votes: Sequence[tuple[Label, float]], classes: Sequence[Label], *, ordinal: bool = False
) -> Mapping[Label, float]:
    """The chance of each answer by the labels with their labellers' accuracies.

    `classes` are all answers that could have been given, in their order. Of a question with one possible
    answer nothing can be learned: it has that answer.
    """
    named = list(dict.fromkeys([*classes, *(label for label, _ in votes)]))
    if len(named) < 2:
        return dict.fromkeys(named, 1.0)
    place = {name: index for index, name in enumerate(named)}
    logs = [0.0] * len(named)
    for label, accuracy in votes:
        evidence = weigh_label(accuracy, len(named))
        for true in range(len(named)):
            logs[true] += credit(place[label], true, ordinal=ordinal) * evidence
    top = max(logs)
    powers = [math.exp(log - top) for log in logs]
    return {name: power / sum(powers) for name, power in zip(named, powers, strict=True)}


def find_best(posterior: Mapping[Label, float]) -> tuple[Label, float]:
    """The most likely answer; of equally likely ones the first in the order of the classes."""
    return max(posterior.items(), key=lambda each: each[1])
