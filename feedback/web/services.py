"""The objects that a request handler may use, constructed by the entry point and available as `services()`.

This module constructs nothing. `feedback.app` re-exports `services` for callers outside this package.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from flask import current_app
from sqlalchemy import Engine

from feedback.advice.gather import KeptAdvice
from feedback.clock import Clock
from feedback.datasets.worker import DatasetWorker
from feedback.drift.watch import KeptWatch
from feedback.experiments.rollout_rule import RolloutPolicy
from feedback.helper.settings import HelperSettings
from feedback.imports.worker import ImportWorker
from feedback.morning.outlook import Outlook
from feedback.settings import FeedbackSettings
from feedback.suggestions.views import QueueView
from feedback.web.releaser import Releaser

if TYPE_CHECKING:
    from feedback.deployment.deploy import Deployer
    from serving.client.fleet import Fleet

EXTENSION = "rejoinder"


class SuggesterPort(Protocol):
    """The part of `feedback.suggestions.suggester.Suggester` that the capture views need."""

    def enqueue(self, turn_id: str) -> bool:
        """Prepares a set for this turn in the background; returns whether that is new. Repeating it is
        harmless.
        """
        ...

    def show_view(self, view: QueueView, turn_ids: Iterable[str]) -> None:
        """Says that an agent has this view of the queue open, with these next turns that have no set yet."""
        ...

    def notice_turn(self) -> None:
        """Says that a customer wrote: their turn may be among the next ones of an open view."""
        ...

    def ensure_set(self, key: str) -> Any:
        """Starts preparing this turn's set if no one does so already."""
        ...


class DuelDrawerPort(Protocol):
    """The part of `feedback.duels.drawing.DuelDrawer` that the views need."""

    def enqueue(self, duel_id: str) -> None:
        """Draws this duel in the background; repeating it is harmless."""
        ...


@dataclass(frozen=True)
class Services:
    settings: FeedbackSettings
    store_engine: Engine
    clock: Clock
    releaser: Releaser
    imports: ImportWorker
    datasets: DatasetWorker
    suggester: SuggesterPort | None
    duel_drawer: DuelDrawerPort | None
    deployer: "Deployer | None"
    fleet_factory: "Callable[[], Fleet] | None"
    outlook: Outlook
    watch: KeptWatch
    advice: KeptAdvice
    helper: HelperSettings | None  # of the strong model that may help people label
    retention_days: int  # days until the nightly job erases a conversation; 0 keeps all

    @property
    def fleet(self) -> "Fleet | None":
        """The current clients of the engine; None if the web runs without an engine."""
        return self.fleet_factory() if self.fleet_factory else None

    @property
    def rollout_policy(self) -> RolloutPolicy:
        """The policy whose limits the pages show beside the evidence."""
        return self.deployer.policy.exposure if self.deployer else RolloutPolicy()


def services() -> Services:
    found: Services = current_app.extensions[EXTENSION]
    return found
