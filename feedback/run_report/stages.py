"""The numbers of a training that had stages, apart for each of them. Pure functions."""

from itertools import pairwise
from math import inf

from feedback.store.run_history import Numbers

STAGE = "stage"  # a number of the run: the stage, from 1, at the step with which it began or went on


def split_stages(numbers: Numbers) -> list[Numbers]:
    """The numbers of each stage that has begun; all of them in one for a training without stages."""
    first: dict[float, float] = {}
    for step, stage in numbers.get(STAGE, ()):
        first.setdefault(stage, step)
    begins = [-inf, *list(first.values())[1:], inf]
    return [
        {
            name: kept
            for name, values in numbers.items()
            if (kept := [(step, value) for step, value in values if begin <= step < end])
        }
        for begin, end in pairwise(begins)
    ]
