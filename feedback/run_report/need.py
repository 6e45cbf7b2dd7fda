"""What a run was told to take before its first step, beside what it took: memory with its parts, and time.

Both are numbers of the run, written by the trainer under the names below. Pure functions.
"""

from collections.abc import Callable, Mapping
from typing import Any

from feedback.store.run_history import Numbers

PARTS = ("program", "weights", "gradients", "optimizer", "activations")
PART_NUMBERS = {part: f"memory_{part}" for part in PARTS}
MEMORY_PEAK = "memory_peak"
SECONDS_TOLD, SECONDS_TAKEN = "seconds_forecast", "seconds_taken"
NEED_NUMBERS = (*PART_NUMBERS.values(), MEMORY_PEAK, SECONDS_TOLD, SECONDS_TAKEN)
GIB = 2**30


def read_need(numbers: Numbers) -> dict[str, Any] | None:
    """The forecast of a run and what was measured; None for a run that made no forecast."""
    latest = {name: values[-1][1] for name, values in numbers.items() if values}
    if any(name not in latest for name in PART_NUMBERS.values()):
        return None
    parts = {part: round(latest[name]) for part, name in PART_NUMBERS.items()}
    return {
        "parts": parts,
        "memory": compare(sum(parts.values()), latest.get(MEMORY_PEAK)),
        "seconds": compare(latest.get(SECONDS_TOLD), latest.get(SECONDS_TAKEN)),
    }


def compare(forecast: float | None, measured: float | None) -> dict[str, float | None]:
    """`off`: how far the measured value lies above the forecast, as a share of it; negative if below."""
    off = measured / forecast - 1 if forecast and measured is not None else None
    return {"forecast": forecast, "measured": measured, "off": off}


def describe_need(need: Mapping[str, Any]) -> str:
    """For example: forecast 1.9 GiB, measured 1.7 GiB (11 % below)."""
    told = [describe_part(need["memory"], tell_bytes), describe_part(need["seconds"], tell_seconds)]
    return "; ".join(one for one in told if one)


def describe_part(compared: Mapping[str, Any], tell: Callable[[float], str]) -> str:
    forecast, measured, off = compared["forecast"], compared["measured"], compared["off"]
    if forecast is None:
        return ""
    if off is None:
        return f"forecast {tell(forecast)}"
    side = "below" if off < 0 else "above"
    return f"forecast {tell(forecast)}, measured {tell(measured)} ({abs(off):.0%} {side})".replace("%", " %")


def tell_bytes(count: float) -> str:
    return f"{count / GIB:.2f} GiB"


def tell_seconds(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
