"""The two losses of a training run, each as first, best and last value: enough to see whether the run
learned, and whether it went on after it had stopped improving.

Read from the `progress.jsonl` that training leaves in its run's directory.
"""

import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from trainer.evaluation.report import Curve, Curves, StageCurves

BLOCKS = 10  # the loss of one step is noisy, so each point is a mean over a tenth of the steps


def read_curves(path: Path) -> tuple[Curves | None, list[StageCurves]]:
    """Reads the curves, of the last stage and of every one; None without a file, and no stages if there were
    none.
    """
    if not path.exists():
        return None, []
    reports = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    found = {
        number: summarise_reports([each for each in reports if each.get("stage") == number])
        for number in dict.fromkeys(each.get("stage") for each in reports)
    }
    stages = [
        StageCurves(stage=number, **dict(of)) for number, of in sorted(found.items()) if number is not None
    ]
    return (stages[-1] if stages else found.get(None) or summarise_reports([])), stages


def summarise_reports(reports: Sequence[dict[str, Any]]) -> Curves:
    """Both losses. Of a step that a resumed run repeats, the last line counts."""
    losses = {each["step"]: each["loss"] for each in reports if each["held_out_loss"] is None}
    held_out = {each["step"]: each["held_out_loss"] for each in reports if each["held_out_loss"] is not None}
    return Curves(loss=_summarise(_average(losses)), held_out_loss=_summarise(sorted(held_out.items())))


def _average(values: dict[int, float]) -> list[tuple[int, float]]:
    """At most BLOCKS points, each the last step of a block of steps and the mean of its values."""
    steps = sorted(values)
    cuts = [len(steps) * block // BLOCKS for block in range(BLOCKS + 1)]
    blocks = [steps[start:end] for start, end in pairwise(cuts) if end > start]
    return [(block[-1], sum(values[step] for step in block) / len(block)) for block in blocks]


def _summarise(points: Sequence[tuple[int, float]]) -> Curve | None:
    if not points:
        return None
    best_step, best = min(points, key=lambda point: point[1])
    return Curve(
        first=points[0][1], best=best, best_step=best_step, last=points[-1][1], last_step=points[-1][0]
    )
