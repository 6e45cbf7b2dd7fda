"""What one run will take, in one line before its first step: memory with its parts, and time.

Memory is counted (`memory.py`, `activations.py`), on top of what the process takes already.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any

import torch

from feedback.run_report.need import PARTS, tell_bytes, tell_seconds
from trainer.estimate.activations import count_activations, count_head_rows, read_widths
from trainer.estimate.memory import Need
from trainer.recipes.recipe import Recipe

TRIED = 256  # tokens that the base reads to learn how fast it does


@dataclass(frozen=True)
class RunNeed:
    """Bytes of each part, and seconds. `program`: what the process takes before it loads the base."""

    method: str
    program: int
    weights: int
    gradients: int
    optimizer: int
    activations: int
    seconds: float

    @property
    def memory(self) -> int:
        return sum(getattr(self, part) for part in PARTS)

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"memory": self.memory}

    def __str__(self) -> str:
        parts = " + ".join(f"{part} {tell_bytes(getattr(self, part))}" for part in PARTS)
        return f"forecast, {self.method}: {tell_bytes(self.memory)} = {parts}; {tell_seconds(self.seconds)}"


def add_needs(needs: Sequence[RunNeed]) -> RunNeed:
    """What stages take one after the other: the memory of the largest, and the seconds of all."""
    largest = max(needs, key=lambda need: need.memory)
    return replace(largest, seconds=sum(need.seconds for need in needs))


def find_run_need(
    base: Path, recipe: Recipe, needs: Mapping[str, Need], *, tokens: int, program: int, seconds: float
) -> RunNeed:
    """`needs`: of each method; `tokens`: how many are in the model at once, at most."""
    need = needs.get(recipe.method, needs["lora"])
    rows = count_head_rows(recipe, tokens)
    return RunNeed(
        method=recipe.method,
        program=program,
        weights=need.weights,
        gradients=need.gradients,
        optimizer=need.adam,
        activations=count_activations(read_widths(base), recipe, tokens=tokens, head_rows=rows),
        seconds=seconds,
    )


def time_reading(model: Any, token: int, longest: int) -> float:
    """Seconds for which the base reads a token, from the second of two readings of one repeated `token`."""
    if torch.cuda.is_available():
        model = model.to("cuda")
    ids = torch.full((1, min(TRIED, longest)), token, device=model.device)
    began = 0.0
    with torch.no_grad():
        for _ in range(2):
            began = perf_counter()
            model(input_ids=ids, use_cache=False, logits_to_keep=1).logits.sum().item()
    return (perf_counter() - began) / ids.shape[1]
