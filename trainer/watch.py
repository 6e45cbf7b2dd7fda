"""The callback of both objectives: reports each step, stops a run whose reference is not the base, and marks
whole checkpoints.
"""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from trainer.checkpoints import mark_done
from trainer.errors import ReferenceMismatch
from trainer.progress import Listener, Report

MARGIN_TOLERANCE = 1e-3  # nats; with the reference in the run it is 0 exactly


class Watch(TrainerCallback):  # type: ignore[misc]
    """Reads what the trainers log under TRL's names; `shift` (mean s of the preferred replies) is ours."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._started = time.monotonic()
        self._first_step = 0
        self.last: Report | None = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._started, self._first_step = time.monotonic(), state.global_step

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if args.eval_strategy != "no" and state.global_step >= state.max_steps:
            control.should_evaluate = True  # the last steps are a candidate for the best, too

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float], **_: Any) -> None:
        if "rewards/margins" not in logs:
            return
        # The first step's forward runs before any update: B is 0, so margins are 0 if the reference is the
        # base.
        if state.global_step == 1 and abs(logs["rewards/margins"]) > MARGIN_TOLERANCE:
            raise ReferenceMismatch(logs["rewards/margins"])
        done = state.global_step - self._first_step
        left = (state.max_steps - state.global_step) * (time.monotonic() - self._started) / max(done, 1)
        self._tell(
            Report(
                state.global_step,
                state.max_steps,
                logs["loss"],
                logs["rewards/margins"],
                logs["rewards/accuracies"],
                round(left, 1),
                shift=logs.get("shift"),
            ),
            state,
        )

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: dict[str, float], **_: Any) -> None:
        if self.last:
            self._tell(
                replace(
                    self.last,
                    step=state.global_step,
                    held_out_loss=metrics.get("eval_loss"),
                    shift=metrics.get("eval_shift"),
                ),
                state,
            )

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.is_world_process_zero:
            mark_done(Path(args.output_dir) / f"checkpoint-{state.global_step}")

    def _tell(self, report: Report, state: Any) -> None:
        self.last = report
        if state.is_world_process_zero:
            self._listener(report)
