"""A few real steps of a run, to know what all of it will take: the run's own trainer on a part of its data,
in a directory that is gone afterwards.

Knows nothing of the whole run; `forecast.py` draws the line.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import PrinterCallback, ProgressCallback, TrainerCallback

from trainer.estimate.peak_memory import watch_peak

STEPS = 5  # the first of them is not timed: it allocates what the others use again


@dataclass(frozen=True)
class Measured:
    """`steps` timed, their `seconds` and `tokens`; `skipped` before them. `peak`, `activations`: bytes at the
    batch of the longest examples, None where the system does not tell. `check_rate`: seconds per held-out
    token, None without any.
    """

    steps: int
    skipped: int
    seconds: float
    tokens: int
    longest_tokens: int
    peak: int | None
    activations: int | None
    check_rate: float | None

    @property
    def rate(self) -> float:
        """Seconds per token of training."""
        return self.seconds / self.tokens


class Meter(TrainerCallback):  # type: ignore[misc]
    """When each optimizer step ended; the first entry is the start."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        self.times.append(tell_time())

    def on_step_end(self, *_: Any, **__: Any) -> None:
        self.times.append(tell_time())


def tell_time() -> float:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


def warm_up(
    trainer: Any,
    longest: Sequence[Any],
    held_out: Sequence[Any],
    count_tokens: Callable[[Sequence[Any]], int],
    *,
    batches_a_step: int,
) -> Measured:
    """Runs a trainer that is set to a few steps; then one batch of the `longest`; then a held-out check.

    `count_tokens`: what the model reads of a batch.
    """
    meter, batches = Meter(), []
    collate = trainer.data_collator

    def note(batch: list[Any]) -> Any:
        batches.append(count_tokens(batch))
        return collate(batch)

    trainer.data_collator = note
    trainer.remove_callback(PrinterCallback)
    trainer.remove_callback(ProgressCallback)
    trainer.add_callback(meter)
    trainer.train()
    steps = len(meter.times) - 1
    skipped = 1 if steps > 1 else 0
    timed = batches[skipped * batches_a_step : steps * batches_a_step]
    with watch_peak() as memory:
        trainer.training_step(trainer.model, collate(list(longest)), torch.tensor(1.0))
    rate = None
    if held_out:
        trainer.evaluate()  # the first one may read the base, too
        began = tell_time()
        trainer.evaluate()
        rate = (tell_time() - began) / count_tokens(held_out)
    return Measured(
        steps=steps - skipped,
        skipped=skipped,
        seconds=meter.times[-1] - meter.times[skipped],
        tokens=sum(timed),
        longest_tokens=count_tokens(longest),
        peak=memory.peak,
        activations=memory.grown,
        check_rate=rate,
    )
