"""The numbers of a training as curves: first, best and last value, and the series. Pure functions."""

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from feedback.run_report.epochs import EPOCH_STEPS, average_epoch
from feedback.run_report.need import NEED_NUMBERS
from feedback.run_report.stages import STAGE
from feedback.store.run_history import Numbers

# How far the run is, how long an epoch, which stage, and what it takes: nothing to draw.
NO_CURVES = ("seconds_left", "base_read", EPOCH_STEPS, STAGE, *NEED_NUMBERS)
LOWER_IS_BETTER = ("loss", "decision_loss", "held_out_loss")
MAX_POINTS = 400


def list_curves(numbers: Numbers) -> dict[str, dict[str, Any]]:
    """One curve for each number that has a finite value. `epoch` is its mean over the last epoch, the
    headline figure, since one step sees only a few choices; it is null for held-out checks, which see all
    choices.
    """
    curves: dict[str, dict[str, Any]] = {}
    for name, values in numbers.items():
        if name not in NO_CURVES and (curve := summarise(name, values)) is not None:
            mean = None if name == "held_out_loss" else average_epoch(numbers, name)
            curves[name] = curve | {"epoch": asdict(mean) if mean else None}
    return curves


def summarise(name: str, values: Sequence[tuple[int, float]]) -> dict[str, Any] | None:
    """Summary of a curve. `best` is given if lower is better, with the first step that reached it."""
    finite = [(step, value) for step, value in values if value is not None and math.isfinite(value)]
    if not finite:
        return None
    best = min(finite, key=lambda point: point[1]) if name in LOWER_IS_BETTER else None
    return {
        "first": show_point(finite[0]),
        "best": show_point(best) if best else None,
        "last": show_point(finite[-1]),
        "not_finite": len(values) - len(finite),
        "points": [list(point) for point in thin_points(finite)],
    }


def show_point(point: tuple[int, float]) -> dict[str, float]:
    return {"step": point[0], "value": point[1]}


def thin_points(points: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    """Keeps at most MAX_POINTS points, evenly spread; the first and the last are kept."""
    if len(points) <= MAX_POINTS:
        return list(points)
    last = len(points) - 1
    return [points[round(place * last / (MAX_POINTS - 1))] for place in range(MAX_POINTS)]
