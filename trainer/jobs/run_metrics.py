"""Writes the live numbers of a training run to the store, so that the console draws them while it runs."""

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from feedback.run_report.epochs import EPOCH_STEPS
from feedback.run_report.need import MEMORY_PEAK, PART_NUMBERS, SECONDS_TAKEN, SECONDS_TOLD
from feedback.run_report.stages import STAGE
from feedback.store import runs
from feedback.store.engine import unit_of_work
from feedback.store.runs import Metric, RunToken
from trainer.context import NightContext
from trainer.jobs.card import tell_time
from trainer.progress import Report

if TYPE_CHECKING:
    from trainer.estimate.need import RunNeed

NAMES = ("loss", "decision_loss", "margin", "accuracy", "shift", "seconds_left")
READING = "base_read"  # share of the examples whose reference is computed, before the first step
EVERY_S = 0.5  # a commit per step would cost more than a step of a small model


class LiveRows:
    """A listener for training: writes metrics and progress every EVERY_S seconds, and all at the end."""

    def __init__(
        self, ctx: NightContext, token: RunToken, *, timer: Callable[[], float] = time.monotonic
    ) -> None:
        self._ctx, self._token, self._timer = ctx, token, timer
        self._pending: list[Metric] = []
        self._written_at: float | None = None
        self._read_at: float | None = None
        self._stage: int | None = None
        self._told_at: float | None = None

    def report(self, report: Report) -> None:
        if report.held_out_loss is None:
            values = {name: getattr(report, name) for name in NAMES}
            self._pending += [
                Metric(name, report.step, float(value)) for name, value in values.items() if value is not None
            ]
        else:
            self._pending.append(Metric("held_out_loss", report.step, report.held_out_loss))
        begins = self._written_at is None or report.stage != self._stage
        if begins and report.epoch_steps is not None:
            self._pending.append(Metric(EPOCH_STEPS, report.step, float(report.epoch_steps)))
        if begins and report.stage is not None:
            self._pending.append(Metric(STAGE, report.step, float(report.stage)))
        self._stage = report.stage
        now = self._timer()
        is_due = self._written_at is None or now - self._written_at >= EVERY_S
        if is_due or report.step >= report.total:
            self._write(report, is_first=self._written_at is None)
            self._written_at = now

    def report_reading(self, done: int, total: int) -> None:
        """Writes how many examples the base has read for the reference, which may take minutes."""
        now = self._timer()
        if done < total and self._read_at is not None and now - self._read_at < EVERY_S:
            return
        self._read_at = now
        run_id, token = self._token.run_id, self._token.fencing_token
        with unit_of_work(self._ctx.store_engine) as session:
            metric = Metric(READING, done, done / total)
            runs.add_metrics(session, run_id=run_id, token=token, metrics=[metric], now=self._ctx.clock.now())
            runs.advance(session, run_id=run_id, token=token, progress=done / total if done < total else 0.0)

    def report_need(self, need: "RunNeed") -> None:
        """Writes what the run was told to take, before its first step: a run that is killed has it, too. A
        later stage tells it again, for all stages so far.
        """
        self._told_at = self._timer() if self._told_at is None else self._told_at
        parts = [Metric(name, 0, float(getattr(need, part))) for part, name in PART_NUMBERS.items()]
        self._add([*parts, Metric(SECONDS_TOLD, 0, need.seconds)])
        tell_time(self._ctx, self._token, need.seconds)

    def report_end(self, metrics: Mapping[str, Any]) -> None:
        """Writes what the training took. A run that was resumed took other seconds than a whole one."""
        found = [Metric(MEMORY_PEAK, metrics["steps"], float(metrics["need"]["measured"]))]
        if metrics["resumed_from"] is None and self._told_at is not None:
            found.append(Metric(SECONDS_TAKEN, metrics["steps"], self._timer() - self._told_at))
        self._add(found)

    def _add(self, metrics: list[Metric]) -> None:
        run_id, token = self._token.run_id, self._token.fencing_token
        with unit_of_work(self._ctx.store_engine) as session:
            now = self._ctx.clock.now()
            runs.add_metrics(session, run_id=run_id, token=token, metrics=metrics, now=now)

    def _write(self, report: Report, *, is_first: bool) -> None:
        run_id, token = self._token.run_id, self._token.fencing_token
        with unit_of_work(self._ctx.store_engine) as session:
            if is_first:  # a resumed training repeats the steps after its checkpoint
                runs.drop_metrics_from(session, run_id=run_id, token=token, step=report.step)
            now = self._ctx.clock.now()
            runs.add_metrics(session, run_id=run_id, token=token, metrics=self._pending, now=now)
            runs.advance(session, run_id=run_id, token=token, progress=min(1.0, report.step / report.total))
        self._pending = []
