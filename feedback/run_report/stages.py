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


def find_last_stage(numbers: Numbers) -> Numbers:
    """The numbers of the stage that ran last, whose first step is step 1."""
    *before, last = split_stages(numbers)
    if not before:
        return last
    earlier = min(step for values in last.values() for step, _ in values) - 1
    return {name: [(step - earlier, value) for step, value in values] for name, values in last.items()}
