"""Averages of training numbers over the last epoch, and smoothed curves: one step sees only a few choices, so
its numbers are noisy. Pure functions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from feedback.store.run_history import Numbers

EPOCH_STEPS = "epoch_steps"  # a number of the run: optimiser steps of an epoch
EPOCH_PARTS = 10  # a run that did not say how long an epoch is: its last tenth
SMOOTHED = 20  # a point of a curve is the mean over a twentieth of the steps

Points = Sequence[tuple[int, float]]


@dataclass(frozen=True)
class Mean:
    """The mean over the last `steps` steps; `is_epoch` if these are known to be one epoch (or all steps so
    far).
    """

    value: float
    steps: int
    is_epoch: bool


def average_epoch(numbers: Numbers, name: str) -> Mean | None:
    """The mean of a number over the last epoch; None if it has no finite value."""
    points = [value for _, value in numbers.get(name, ()) if isfinite(value)]
    if not points:
        return None
    told = numbers.get(EPOCH_STEPS)
    wanted = int(told[-1][1]) if told else -(-len(points) // EPOCH_PARTS)
    last = points[-wanted:]
    return Mean(sum(last) / len(last), len(last), told is not None)


def find_window(points: Points) -> int:
    """The number of steps that each point of the smoothed curve averages; 1 means no smoothing."""
    return max(1, len(points) // SMOOTHED)


def smooth(points: Points, window: int) -> list[tuple[int, float]]:
    """The moving average: each step with the mean of its last `window` values, or fewer at the beginning."""
    total, smoothed = 0.0, []
    for place, (step, value) in enumerate(points):
        total += value - (points[place - window][1] if place >= window else 0.0)
        smoothed.append((step, total / min(place + 1, window)))
    return smoothed
