"""What a request handler may use: the objects that the entry point constructed, reachable as `services()`.

Does not construct anything. `feedback.app` re-exports `services` for callers outside this package.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from flask import current_app
from sqlalchemy import Engine

from feedback.clock import Clock
from feedback.drift.watch import KeptWatch
from feedback.experiments.rollout_rule import ExposurePolicy
from feedback.morning.outlook import Outlook
from feedback.settings import FeedbackSettings
from feedback.suggestions.views import QueueView
from feedback.web.releaser import Releaser

if TYPE_CHECKING:
    from feedback.deployment.deploy import Deployer
    from serving.client.fleet import Fleet

EXTENSION = "rejoinder"


class SuggesterPort(Protocol):
    """What the capture views need of `feedback.suggestions.suggester.Suggester`."""

    def enqueue(self, turn_id: str) -> bool:
        """Prepare a set for this turn in the background; whether that is new. Repeating it is harmless."""
        ...

    def show_view(self, view: QueueView, turn_ids: Iterable[str]) -> None:
        """An agent has this view of the queue open now, in which these are the next turns without a set."""
        ...

    def notice_turn(self) -> None:
        """A customer wrote: their turn may be among the next of a view that is open."""
        ...

    def look_after(self, key: str) -> Any:
        """Begin the preparation of this turn's set if nobody is at it."""
        ...


class DuelDrawerPort(Protocol):
    """What the views need of `feedback.duels.drawing.DuelDrawer`."""

    def enqueue(self, duel_id: str) -> None:
        """Draw this duel in the background; repeating it is harmless."""
        ...


@dataclass(frozen=True)
class Services:
    settings: FeedbackSettings
    store_engine: Engine
    clock: Clock
    releaser: Releaser
    suggester: SuggesterPort | None
    duel_drawer: DuelDrawerPort | None
    deployer: "Deployer | None"
    fleet_factory: "Callable[[], Fleet] | None"
    outlook: Outlook
    watch: KeptWatch
    retention_days: int  # after which the night erases a conversation; 0 keeps all

    @property
    def fleet(self) -> "Fleet | None":
        """The engine's clients as they stand now; None where the web runs without an engine."""
        return self.fleet_factory() if self.fleet_factory else None

    @property
    def exposure_policy(self) -> ExposurePolicy:
        """The limits that pages show evidence against."""
        return self.deployer.policy.exposure if self.deployer else ExposurePolicy()


def services() -> Services:
    found: Services = current_app.extensions[EXTENSION]
    return found
