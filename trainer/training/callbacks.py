"""The callbacks of all objectives. `TrainingWatch` reports each step, stops a run whose reference is not the
base or whose numbers are no longer finite, and marks whole checkpoints. `Patience` stops a run that no
longer improves.
"""

import time
from dataclasses import replace
from math import isfinite
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from trainer.errors import Diverged, ReferenceMismatch
from trainer.progress import Listener, Report
from trainer.training.checkpoints import mark_done

MARGIN_TOLERANCE = 1e-3  # nats; TRL reads the reference in the run, from the same rows: it is 0 exactly


class TrainingWatch(TrainerCallback):  # type: ignore[misc]
    """Reads what the trainers log under TRL's names; `shift` and `decision_loss` are our own names.

    `checks_margin`: True for a trainer that does not check its reference itself, reply by reply.
    """

    def __init__(self, listener: Listener, *, checks_margin: bool) -> None:
        self._listener = listener
        self._checks_margin = checks_margin
        self._started = time.monotonic()
        self._first_step = 0
        self.last: Report | None = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._started, self._first_step = time.monotonic(), state.global_step

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if args.eval_strategy != "no" and state.global_step >= state.max_steps:
            control.should_evaluate = True  # the last step may be the best one, too

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float], **_: Any) -> None:
        if "loss" not in logs:
            return
        check_finite(args, state, loss=logs["loss"], gradient=logs.get("grad_norm", 0.0))
        margin = logs.get("rewards/margins")  # of sft none, of kto where a step has thumbs up and down
        # The first forward pass runs before any update: the adapter's B is 0, and so are margins if the
        # reference is the base.
        is_first = self._checks_margin and state.global_step == 1
        if is_first and margin is not None and abs(margin) > MARGIN_TOLERANCE:
            raise ReferenceMismatch(margin)
        done = state.global_step - self._first_step
        left = (state.max_steps - state.global_step) * (time.monotonic() - self._started) / max(done, 1)
        self._report(
            Report(
                state.global_step,
                state.max_steps,
                logs["loss"],
                margin,
                logs.get("rewards/accuracies"),
                round(left, 1),
                shift=logs.get("shift"),
                decision_loss=logs.get("decision_loss"),
                epoch_steps=max(1, round(state.global_step / state.epoch)) if state.epoch else None,
            ),
            state,
        )

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: dict[str, float], **_: Any) -> None:
        check_finite(args, state, held_out_loss=metrics["eval_loss"])
        if self.last:
            self._report(
                replace(
                    self.last,
                    step=state.global_step,
                    held_out_loss=metrics["eval_loss"],
                    shift=metrics.get("eval_shift"),
                ),
                state,
            )

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.is_world_process_zero:
            mark_done(Path(args.output_dir) / f"checkpoint-{state.global_step}")

    def _report(self, report: Report, state: Any) -> None:
        self.last = report
        if state.is_world_process_zero:
            self._listener(report)


def check_finite(args: Any, state: Any, **values: float) -> None:
    """Raises Diverged before the step's checkpoint is written, so the newest one is always sound."""
    for name, value in values.items():
        if not isfinite(value):
            raise Diverged(state.global_step, name, value, args.learning_rate)


class EarlyStopping(TrainerCallback):  # type: ignore[misc]
    """Early stopping: stops after `checks` held-out checks in a row that are no better than the best before
    them.

    It counts in the log, which checkpoints carry, so a resumed run stops where an uninterrupted one does. A
    run that had stopped already and is resumed takes one more step, which is neither measured nor saved.
    """

    def __init__(self, checks: int) -> None:
        self._checks = checks
        self._had_stopped = False

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._had_stopped = control.should_training_stop = self._is_over(state)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if self._had_stopped:
            control.should_evaluate = control.should_save = False

    def on_evaluate(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        control.should_training_stop = control.should_training_stop or self._is_over(state)

    def _is_over(self, state: Any) -> bool:
        losses = [entry["eval_loss"] for entry in state.log_history if "eval_loss" in entry]
        return bool(losses) and len(losses) - 1 - losses.index(min(losses)) >= self._checks
