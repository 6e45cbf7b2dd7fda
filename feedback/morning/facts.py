"""The facts from which the morning's sentence is made: plain values and rows. Nothing here reads the
store.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from feedback.deployment.policy import Policy
from feedback.experiments.rollout_rule import Evidence
from feedback.store.approvals import Words
from feedback.store.new_records import Counted
from feedback.store.tables import Run

BASE = "the base"

How = Literal["harm", "person", "veto", "undecided"]


@dataclass(frozen=True)
class InService:
    """An adapter in service, with the results of its picks so far."""

    name: str
    role: Literal["canary", "live"]
    share: float
    since: datetime
    actor: str  # who put it there
    evidence: Evidence  # the counts of now; bounds as fitted last
    is_fitted: bool
    words: Words = field(default_factory=Words)
    before: str | None = None  # the undecided canary whose place it took


@dataclass(frozen=True)
class Left:
    """The adapter that left service, if that was the last change in service."""

    name: str
    how: How
    actor: str
    at: datetime
    evidence: Evidence


@dataclass(frozen=True)
class Passed:
    """The last run's adapter, if it has passed the gate and does not serve."""

    name: str
    words: Words = field(default_factory=Words)


@dataclass(frozen=True)
class MorningFacts:
    """`going` is the run that is queued or running, `ended` the run that ended last, `trained` the last run
    with a decision of the gate.
    """

    at: datetime
    policy: Policy
    has_records: bool
    new_choices: int  # since the last run that trained, or as many of what else a run learns from
    min_new_choices: int
    learns_from: Counted = "choices"
    missed: datetime | None = None  # the due time of a night that nobody asked for
    going: Run | None = None
    ended: Run | None = None
    trained: Run | None = None
    canary: InService | None = None
    live: InService | None = None
    missing: frozenset[str] = frozenset()  # serve by the rows and cannot be loaded
    lost: frozenset[str] = frozenset()  # of these, whose files are gone
    left: Left | None = None
    passed: Passed | None = None

    @property
    def serving(self) -> tuple[InService, ...]:
        """The adapters in service. The canary comes first, since the next decision is about it."""
        return tuple(found for found in (self.canary, self.live) if found is not None)

    @property
    def serves(self) -> str:
        """The name of the adapter that answers most customers, or `base`."""
        found = self.live or self.canary
        return found.name if found is not None else BASE
