"""The numbers of a training as curves: first, best, last and the series. Pure."""

import math
from collections.abc import Sequence
from typing import Any

from feedback.store.run_history import Numbers

FORECASTS = ("seconds_left", "base_read")  # how far the run is: of no use once it has ended
LOWER_IS_BETTER = ("loss", "held_out_loss")
MAX_POINTS = 400


def list_curves(numbers: Numbers) -> dict[str, dict[str, Any]]:
    """One curve for each number that has a finite value."""
    curves = {name: summarise(name, values) for name, values in numbers.items() if name not in FORECASTS}
    return {name: curve for name, curve in curves.items() if curve is not None}


def summarise(name: str, values: Sequence[tuple[int, float]]) -> dict[str, Any] | None:
    """`best` is given where lower is better, with the first step that reached it."""
    finite = [(step, value) for step, value in values if value is not None and math.isfinite(value)]
    if not finite:
        return None
    best = min(finite, key=lambda point: point[1]) if name in LOWER_IS_BETTER else None
    return {
        "first": show_point(finite[0]),
        "best": show_point(best) if best else None,
        "last": show_point(finite[-1]),
        "not_finite": len(values) - len(finite),
        "points": [list(point) for point in thin(finite)],
    }


def show_point(point: tuple[int, float]) -> dict[str, float]:
    return {"step": point[0], "value": point[1]}


def thin(points: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    """At most MAX_POINTS, evenly spread; the first and the last stay."""
    if len(points) <= MAX_POINTS:
        return list(points)
    last = len(points) - 1
    return [points[round(place * last / (MAX_POINTS - 1))] for place in range(MAX_POINTS)]
