"""The training curves for a run's page and its run report: train and held-out on one axis, smoothed by a
stated window, the previous run behind them, headline figures over the last epoch, a table beside each.

The name and the one-sentence meaning of each quantity are defined here.
"""

from dataclasses import dataclass
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _

from feedback.console.charts import Axes, Plot, Point, Tick, keep_finite, set_up
from feedback.run_report.curves import LOWER_IS_BETTER, NO_CURVES
from feedback.run_report.epochs import Mean, average_epoch, find_window, smooth
from feedback.run_report.stages import split_stages
from feedback.store.run_history import Numbers
from feedback.store.tables import Run

HELD_OUT = "held_out_loss"
ROWS = 10  # of a curve's table
# What an axis spans at least: less than this is noise, and would look like a mountain.
LEAST_SPAN = {
    "loss": 0.1,  # nats
    "decision_loss": 0.1,
    HELD_OUT: 0.1,
    "margin": 0.2,
    "accuracy": 0.2,
    "shift": 0.5,
}
OTHER_SPAN = 0.1
BOUNDS: dict[str, tuple[float | None, float | None]] = {
    "loss": (0.0, None),
    "decision_loss": (0.0, None),
    HELD_OUT: (0.0, None),
    "accuracy": (0.0, 1.0),
}
ORDER = ("decision_loss", "loss", HELD_OUT, "margin", "accuracy", "shift")
EXPLAINED = {
    "decision_loss": _(
        "How badly the adapter predicts what was chosen, in nats per choice: 0 is certain and right, 1.39 is "
        "a blind guess among four. Lower is better."
    ),
    "loss": _(
        "What training lowers: how badly the adapter predicts what was chosen, with the further terms of the "
        "recipe. Its fall says more than its height."
    ),
    HELD_OUT: _(
        "The same on choices that it does not learn from. Where this rises while the other falls, it learns "
        "by heart."
    ),
    "margin": _(
        "How much more than the base the adapter prefers what was chosen to what was not, in nats times "
        "beta. 0 is no preference."
    ),
    "accuracy": _("The share of choices in which the adapter ranks what was chosen first."),
    "shift": _(
        "How much likelier the chosen reply has become than under the base, in nats per reply. Far below 0, "
        "what people chose becomes unlikely."
    ),
}
OF_OBJECTIVE = {  # the same number, where an objective means something else by it
    ("sft", "loss"): _(
        "How badly the adapter predicts the next token of what people wrote, in nats per token. Lower is "
        "better."
    ),
    ("sft", HELD_OUT): _(
        "The same on texts that it does not learn from. Where this rises while the other falls, it learns by "
        "heart."
    ),
    ("kto", "loss"): _(
        "How badly the adapter tells replies with a thumb up from replies with a thumb down. It begins at "
        "0.5 or a little below. Lower is better."
    ),
    ("kto", HELD_OUT): _(
        "The same on thumbs that it does not learn from. Where this rises while the other falls, it learns "
        "by heart."
    ),
}


@dataclass(frozen=True)
class Series:
    """The points of one quantity of one run, as drawn."""

    kind: str  # train | held-out | before | before-held-out
    points: list[Point]


@dataclass(frozen=True)
class RunCurve:
    """A chart with the contents of its caption, its legend and its table."""

    name: str
    explained: str
    plot: Plot
    kinds: list[str]  # of the lines, for the legend
    mean: Mean | None  # over the last epoch; None for held-out checks alone
    window: int
    held_out: float | None  # at the last check
    best: tuple[int, float] | None  # the best held-out check, else the best step where lower is better
    held_out_explained: str
    rows: list[tuple[int, list[float | None]]]  # last step of each tenth, one value for each kind


def draw_run(
    run: Run, numbers: Numbers, before: Numbers, *, names: tuple[str, ...] = (), objective: str = ""
) -> list[RunCurve]:
    """One chart for each number; `names` limits them. `before` holds the previous run's numbers, or is
    empty. `objective`: of a stage; without it the recipe's.
    """
    objective = objective or str((run.recipe or {}).get("objective"))
    partner = find_partner(numbers, objective)
    known = [name for name in numbers if name not in NO_CURVES]
    order = [*(name for name in ORDER if name in known), *sorted(set(known) - set(ORDER))]
    drawn = (
        draw_curve(name, numbers, before, held_out=HELD_OUT if name == partner else None, objective=objective)
        for name in order
        if not (name == HELD_OUT and partner is not None) and (not names or name in names)
    )
    return [curve for curve in drawn if curve is not None]


def draw_stages(
    run: Run, numbers: Numbers, before: Numbers, *, names: tuple[str, ...] = ()
) -> list[list[RunCurve]]:
    """The charts of each stage. One of several stands alone: an earlier run had others, or none."""
    stages = split_stages(numbers)
    behind = before if len(stages) == 1 else {}
    objectives = list_objectives(run.recipe or {}, len(stages))
    drawn = (
        draw_run(run, stage, behind, names=names, objective=objective)
        for stage, objective in zip(stages, objectives, strict=True)
    )
    return [curves for curves in drawn if curves]


def list_objectives(recipe: dict[str, Any], stages: int) -> list[str]:
    """The objective of each stage that has begun, or of the whole training."""
    told = [stage.get("objective") or recipe["objective"] for stage in recipe.get("stages", ())]
    return [*told, *[recipe.get("objective", "")] * stages][:stages]


def explain_number(name: str, objective: str) -> str:
    """What a number means, in a sentence."""
    return str(OF_OBJECTIVE.get((objective, name)) or EXPLAINED.get(name, ""))


def find_partner(numbers: Numbers, objective: str) -> str | None:
    """The training number that is measured like the held-out checks, so that both can share an axis.

    For `choice` it is the loss without the likelihood term, else the whole loss.
    """
    if "decision_loss" in numbers:
        return "decision_loss"
    return "loss" if "loss" in numbers and objective in ("dpo", "sft", "kto") else None


def draw_curve(
    name: str, numbers: Numbers, before: Numbers, *, held_out: str | None, objective: str
) -> RunCurve | None:
    """The chart of one number; None if it has no finite value."""
    own = keep_finite(numbers[name])
    if not own:
        return None
    is_check = name == HELD_OUT
    window = 1 if is_check else find_window(own)  # type: ignore[arg-type]
    earlier = keep_finite(before.get(name, ()))
    series = [
        Series("before", earlier if is_check else smooth_points(earlier)),
        Series("before-held-out", keep_finite(before.get(held_out, ())) if held_out else []),
        Series("held-out" if is_check else "train", own if is_check else smooth_points(own)),
        Series("held-out", keep_finite(numbers.get(held_out, ())) if held_out else []),
    ]
    series = [each for each in series if each.points]  # the run before is drawn first, and lies behind
    in_order = sorted(series, key=lambda each: each.kind.startswith("before"))
    axes = set_up(
        [x for each in series for x, _y in each.points],
        [y for each in series for _x, y in each.points],
        least_span=LEAST_SPAN.get(name, OTHER_SPAN),
        bounds=BOUNDS.get(name, (None, None)),
        is_share=name == "accuracy",
    )
    checks = own if is_check else keep_finite(numbers.get(held_out, ())) if held_out else []
    lowest = min(checks or own, key=lambda point: point[1])
    return RunCurve(
        name=name,
        explained=explain_number(name, objective),
        plot=Plot(
            ticks=axes.ticks,
            along=mark_steps(axes),
            lines=tuple(
                axes.trace(each.kind, each.points, has_dots=each.kind == "held-out") for each in series
            ),
        ),
        kinds=[each.kind for each in in_order],
        mean=None if is_check else average_epoch(numbers, name),
        window=window,
        held_out=checks[-1][1] if checks else None,
        best=(int(lowest[0]), lowest[1]) if name in LOWER_IS_BETTER else None,
        held_out_explained=explain_number(HELD_OUT, objective) if held_out and checks else "",
        rows=tabulate(in_order),
    )


def smooth_points(points: list[Point]) -> list[Point]:
    steps = [(int(step), value) for step, value in points]
    return [(float(step), value) for step, value in smooth(steps, find_window(steps))]


def mark_steps(axes: Axes) -> tuple[Tick, ...]:
    ends = dict.fromkeys((int(axes.left), int(axes.right)))
    return tuple(Tick(axes.x(step), gettext("step %(step)s", step=step)) for step in ends)


def tabulate(series: list[Series]) -> list[tuple[int, list[float | None]]]:
    """The last value of each line at each tenth of the steps."""
    last = max(step for each in series for step, _value in each.points)
    first = min(step for each in series for step, _value in each.points)
    cuts = [first + (last - first) * number / ROWS for number in range(ROWS + 1)]
    rows: list[tuple[int, list[float | None]]] = []
    for step in dict.fromkeys(int(cut) for cut in cuts):
        cells = [
            next((value for at, value in reversed(each.points) if at <= step), None)
            if each.points[-1][0] >= step
            else None
            for each in series
        ]
        rows.append((step, cells))
    return rows
