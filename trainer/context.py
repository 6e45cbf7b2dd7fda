"""The context of a run: what the entry point hands to every step, and the writes to the run's row under its
token.

`open_context` is the one place that constructs it, for the service and for its child process alike.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Engine

from feedback.clock import Clock, SystemClock
from feedback.deployment.deploy import Deployer
from feedback.deployment.policy import Policy, load_policy
from feedback.morning.outlook import Outlook
from feedback.settings import FeedbackSettings
from feedback.store import runs
from feedback.store.engine import open_engine, read, unit_of_work
from feedback.store.new_records import Counted
from feedback.store.runs import RunToken
from feedback.store.tables import DEFAULT_DESK, Run
from serving.base import resolve_base
from serving.client.current import CurrentFleet
from serving.client.endpoint import FILE_NAME
from serving.client.fleet import Fleet
from serving.config import load_settings
from serving.errors import EngineNotRunning
from serving.settings import ServingSettings
from trainer.settings import TrainerSettings
from trainer.settle import find_learnt, settle_and_log

T = TypeVar("T")


@dataclass(frozen=True)
class NightContext:
    """What a run works with; constructed once by the entry point."""

    store_engine: Engine
    data_dir: Path
    settings: TrainerSettings
    serving: ServingSettings
    fleet_factory: Callable[[], Fleet]
    clock: Clock
    desk_id: str
    policy: Policy
    backup_dir: Path | None = None  # where deploy/backup.sh writes, for the proofs of erasures

    def run_dir(self, run_id: str) -> Path:
        return self.data_dir / "runs" / run_id

    @property
    def base(self) -> Path:
        return resolve_base(self.serving.base_model)

    @property
    def deployer(self) -> Deployer:
        return Deployer(
            self.store_engine, self.fleet_factory, self.serving, self.data_dir, self.clock, self.policy
        )

    @property
    def outlook(self) -> Outlook:
        settings = self.settings
        told = settings.min_new_choices, settings.timetable(), self.learns_from
        return Outlook(self.policy, self.data_dir, *told)

    @property
    def learns_from(self) -> Counted:
        return find_learnt(self.settings, self.serving)

    def on_base_of(self, run: Run) -> "NightContext":
        """The context with the base that the run names, where it names one: no engine serves that base."""
        if (given := run.request.get("serving")) is None:
            return self
        serving = self.serving.model_copy(update=given)
        return replace(self, serving=serving, fleet_factory=self._find_no_engine)

    def _find_no_engine(self) -> Fleet:
        raise EngineNotRunning(self.data_dir / FILE_NAME)

    def read_run(self, run_id: str) -> Run:
        with read(self.store_engine) as session:
            return runs.get_run(session, desk_id=self.desk_id, run_id=run_id)

    def advance(self, token: RunToken, **values: Any) -> Run:
        """Writes values to the run's row. Raises StaleLease if another worker has taken the run over."""
        return self.write_run(runs.advance, token, **values)

    def write_run(self, write: Callable[..., T], token: RunToken, **values: Any) -> T:
        """Calls one of the writing functions of `feedback.store.runs` under the run's token, which may raise
        StaleLease.
        """
        with unit_of_work(self.store_engine) as session:
            return write(
                session, run_id=token.run_id, token=token.fencing_token, now=self.clock.now(), **values
            )


@contextmanager
def open_context(data_dir: Path, config: Path | None) -> Iterator[NightContext]:
    """Opens the context of one instance from its settings, and closes it after the block."""
    feedback = load_settings(FeedbackSettings, "feedback", config=config, data_dir=data_dir)
    settings = load_settings(TrainerSettings, "trainer", config=config, data_dir=data_dir)
    serving = load_settings(ServingSettings, "serving", config=config, data_dir=data_dir)
    serving = settle_and_log(serving, settings)
    policy = load_policy(feedback.policy_for(serving.base_model))
    store_engine = open_engine(feedback.store_url())
    fleet = CurrentFleet(serving, data_dir)
    try:
        yield NightContext(
            store_engine=store_engine,
            data_dir=data_dir,
            settings=settings,
            serving=serving,
            fleet_factory=fleet,
            clock=SystemClock(),
            desk_id=DEFAULT_DESK,
            policy=policy,
            backup_dir=feedback.backup_dir,
        )
    finally:
        fleet.close()
        store_engine.dispose()
