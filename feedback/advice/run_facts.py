"""What a run shows about its recipe: its losses, its report and the keys that advice would change. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from feedback.morning.refusal import find_over_fit
from feedback.run_report.epochs import EPOCH_STEPS, smooth
from feedback.store.run_history import Numbers
from feedback.store.tables import Run

Points = Sequence[tuple[int, float]]
PARTS = 5  # of a run, whose mean losses are compared: steps see only a few choices each
DIVERGED = "the run diverged"  # how the trainer's error of that name begins


@dataclass(frozen=True)
class RunFacts:
    """The facts of one run; of one with stages, those of its last stage. Losses are (step, value): of
    training means over a fifth of the steps, from the first fifth to the last; held out as measured.
    """

    id: str
    loss: Points = ()
    held_out: Points = ()
    report: Mapping[str, Any] | None = None
    recipe: Mapping[str, Any] | None = None
    diverged: bool = False
    epoch_steps: float | None = None
    over_fit: Mapping[str, Any] | None = None  # on held-out choices, as the morning's sentence finds it
    max_kl_to_base: float = 0.5

    @property
    def kl_to_base(self) -> float | None:
        return (self.report or {}).get("kl_to_base")

    @property
    def length_ratio(self) -> float | None:
        """The length of its greedy replies over that of the base's; the gate asks it of fixed prompts."""
        return ((self.report or {}).get("replies") or {}).get("length_ratio")

    @property
    def is_trained(self) -> bool:
        """Whether it was trained to its end, or to where its numbers flew off."""
        return self.report is not None or self.diverged

    @property
    def steps(self) -> int:
        return self.loss[-1][0] if self.loss else 0

    @property
    def keys(self) -> dict[str, Any]:
        """The keys of the recipe that advice names."""
        recipe = self.recipe or {}
        return {"rate": recipe.get("learning_rate"), "min_steps": recipe.get("min_steps")}

    @property
    def epochs(self) -> float:
        """How often it went through the data, which `min_steps` and stopping early change."""
        if self.loss and self.epoch_steps:
            return self.steps / self.epoch_steps
        return float((self.recipe or {}).get("epochs") or 1)


def read_run(run: Run, numbers: Numbers, *, max_kl_to_base: float) -> RunFacts:
    loss = only_finite(numbers.get("loss", ()))
    window = max(1, len(loss) // PARTS)
    return RunFacts(
        id=run.id,
        loss=smooth(loss, window)[window - 1 :],
        held_out=only_finite(numbers.get("held_out_loss", ())),
        report=run.report,
        recipe=find_last_recipe(run.recipe),
        diverged=DIVERGED in (run.error or ""),
        epoch_steps=next((value for _, value in reversed(numbers.get(EPOCH_STEPS, ()))), None),
        over_fit=find_over_fit(run),
        max_kl_to_base=max_kl_to_base,
    )


def find_last_recipe(recipe: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """The recipe with what its last stage says otherwise: losses of two stages are not compared."""
    stages = (recipe or {}).get("stages") or [{}]
    own = {key: value for key, value in stages[-1].items() if value is not None}
    return {**recipe, **own} if recipe else recipe


def only_finite(points: Points) -> list[tuple[int, float]]:
    """Without what is no number; of a step that a continued run repeats the last value counts."""
    return sorted((step, value) for step, value in dict(points).items() if isfinite(value))
