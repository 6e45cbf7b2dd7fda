"""A few real steps of a run, with its own trainer on a part of its data, to measure what the whole run will
take.

`forecast.py` extrapolates from them to the whole run.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import PrinterCallback, ProgressCallback, TrainerCallback

from trainer.estimate.peak import read_peak

STEPS = 5  # the first of them is not timed: it allocates what the others use again


@dataclass(frozen=True)
class TimedSteps:
    """The `seconds` and `tokens` of the timed `steps`; `skipped` steps before them were not timed.

    `peak`: bytes of the whole process, or of the GPU, after one more batch of the longest examples, which has
    `longest_tokens`.
    """

    steps: int
    skipped: int
    seconds: float
    tokens: int
    longest_tokens: int
    peak: int

    @property
    def rate(self) -> float:
        """Seconds of training per token."""
        return self.seconds / self.tokens


class Meter(TrainerCallback):  # type: ignore[misc]
    """Notes when each optimizer step ended, in seconds; the first entry is the start of training."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        self.times.append(read_clock())

    def on_step_end(self, *_: Any, **__: Any) -> None:
        self.times.append(read_clock())


def read_clock() -> float:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


def time_steps(
    trainer: Any,
    longest: Sequence[Any],
    count_tokens: Callable[[Sequence[Any]], int],
    *,
    batches_a_step: int,
) -> TimedSteps:
    """Runs a trainer set to a few steps, then one batch of the `longest` examples."""
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
    trainer.training_step(trainer.model, collate(list(longest)), torch.tensor(1.0))
    return TimedSteps(
        steps=steps - skipped,
        skipped=skipped,
        seconds=meter.times[-1] - meter.times[skipped],
        tokens=sum(batches[skipped * batches_a_step : steps * batches_a_step]),
        longest_tokens=count_tokens(longest),
        peak=read_peak(),
    )
