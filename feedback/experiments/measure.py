"""From counted picks to the numbers that decide and to what is shown beside them.

Imports numpy and scipy through its parts, so the web imports it inside functions only.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from feedback.experiments.adjusted_share import AdjustedShare, adjust_share
from feedback.experiments.cluster_bounds import WithoutAgent, leave_one_out, share_bound
from feedback.experiments.harm_test import weigh_harm
from feedback.experiments.picks import CountedPick
from feedback.experiments.rollout_rule import Evidence, ExposurePolicy
from feedback.experiments.sequential_tests import wilson_interval
from feedback.records.candidate import BASE, BOTH, TUNED

UNKNOWN = "unknown"  # an erased agent, or a conversation without a language or intent
NO_TAG = "untagged"
# Counted by the sets that the agent had closed before: learning the desk, settled, an old hand.
EXPERIENCES = ((50, "0-49"), (200, "50-199"))
OLD_HAND = "200+"


@dataclass
class Cell:
    """Picks of one tag, language, intent, experience or agent."""

    tuned: int = 0
    base: int = 0
    halves: int = 0

    @property
    def counted(self) -> int:
        return self.tuned + self.base + self.halves

    def add(self, won: str) -> None:
        self.tuned += won == TUNED
        self.base += won == BASE
        self.halves += won == BOTH

    def to_json(self) -> dict[str, Any]:
        won = self.tuned + self.halves / 2
        low, high = wilson_interval(won, self.counted)
        rate = won / self.counted if self.counted else None
        return {**asdict(self), "counted": self.counted, "rate": rate, "low": low, "high": high}


@dataclass
class Breakdown:
    """The same picks counted five ways. The cells of each way sum to the whole, but for tags: a pick stands
    under each of its tags.
    """

    tags: dict[str, Cell] = field(default_factory=dict)
    languages: dict[str, Cell] = field(default_factory=dict)
    intents: dict[str, Cell] = field(default_factory=dict)
    experience: dict[str, Cell] = field(default_factory=dict)
    agents: dict[str, Cell] = field(default_factory=dict)

    def add(self, pick: CountedPick) -> None:
        for tag in dict.fromkeys(pick.tags or (NO_TAG,)):
            self.tags.setdefault(tag, Cell()).add(pick.won)
        for cells, key in (
            (self.languages, pick.language or UNKNOWN),
            (self.intents, pick.intent or UNKNOWN),
            (self.experience, name_experience(pick.experience)),
            (self.agents, pick.agent or UNKNOWN),
        ):
            cells.setdefault(key, Cell()).add(pick.won)

    def to_json(self) -> dict[str, Any]:
        return {
            way: {name: cell.to_json() for name, cell in sorted(cells.items())}
            for way, cells in vars(self).items()
        }


@dataclass(frozen=True)
class Measured:
    """Everything the picks of one adapter say: what decides, and what explains it."""

    evidence: Evidence
    adjusted: AdjustedShare | None
    without_agent: list[WithoutAgent]  # the one the win hangs on most comes first
    breakdown: Breakdown
    length_difference: float | None  # mean over counted picks of tuned's log length minus base's


def name_experience(closed: int) -> str:
    return next((name for limit, name in EXPERIENCES if closed < limit), OLD_HAND)


def measure_picks(adapter: str, picks: Iterable[CountedPick], policy: ExposurePolicy) -> Measured:
    """The picks must all be of this adapter."""
    kept = list(picks)
    breakdown = Breakdown()
    for pick in kept:
        breakdown.add(pick)
    decided = Counter(pick.agent or UNKNOWN for pick in kept if pick.won != BOTH)
    agents = sorted(decided)
    won = [breakdown.agents[agent].tuned for agent in agents]
    made = [decided[agent] for agent in agents]
    adjusted = adjust_share(kept)
    evidence = Evidence(
        adapter=adapter,
        tuned=sum(won),
        base=sum(made) - sum(won),
        halves=len(kept) - sum(made),
        agents=len(agents),
        e_harm=weigh_harm(zip(won, made, strict=True)),
        share_low=float(share_bound(won, made, confidence=policy.confidence)) if len(agents) > 1 else None,
        adjusted=adjusted.share if adjusted else None,
        adjusted_low=adjusted.bound(policy.confidence) if adjusted and len(agents) > 1 else None,
    )
    return Measured(evidence, adjusted, leave_one_out(agents, won, made), breakdown, mean_difference(kept))


def mean_difference(picks: Sequence[CountedPick]) -> float | None:
    return sum(pick.length_difference for pick in picks) / len(picks) if picks else None
