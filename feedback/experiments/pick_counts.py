"""Counts the judgements on sets with one adapter: picks by agent, ties, and what is no pick. Pure.

`support.py` counts between the arms in this way, `versions.py` between two versions.
"""

from collections import Counter
from dataclasses import dataclass, field

from feedback.experiments.tally import Tally
from feedback.records.derived import TIE_OF_ALL
from feedback.store.record_counts import Meaning

UNKNOWN = "unknown"  # an erased agent
APART = ("own", "none", "skip", "undone", "unblinded")


@dataclass(kw_only=True)
class PickCounts:
    """Counts of picks, ties and other judgements, from which all figures on a page are computed."""

    won_by: Counter[str] = field(default_factory=Counter)  # picks by agent
    lost_by: Counter[str] = field(default_factory=Counter)
    tied: int = 0  # texts of both sides, and ties across them
    apart: Counter[str] = field(default_factory=Counter)  # judgements by each kind of APART
    left_out: Counter[str] = field(default_factory=Counter)  # sets or judgements that cannot count, by reason
    judgements: int = 0

    @property
    def tally(self) -> Tally:
        return Tally(self.won_by.total(), self.lost_by.total(), self.tied)

    @property
    def by_agent(self) -> list[tuple[int, int]]:
        """For each agent with a pick: the number of picks won, and of picks won or lost."""
        agents = sorted(self.won_by | self.lost_by)
        return [(self.won_by[agent], self.won_by[agent] + self.lost_by[agent]) for agent in agents]

    @property
    def agents(self) -> int:
        return len(self.by_agent)

    @property
    def kinds(self) -> dict[str, int]:
        """The number of judgements of each kind that is counted separately."""
        return {name: self.apart[name] for name in APART}

    @property
    def shares(self) -> dict[str, float]:
        """The kinds that are counted separately, as shares of all judgements on the adapter's sets."""
        return {
            name: count / self.judgements if self.judgements else 0.0 for name, count in self.kinds.items()
        }

    def add(
        self, reason: str | None, winner: str | None, agent: str | None, count: int, sides: tuple[str, str]
    ) -> None:
        """Adds `count` judgements: no picks, if there is a `reason`. `sides` are the winner and the loser."""
        if reason is not None:
            (self.apart if reason in APART else self.left_out)[reason] += count
        elif winner in sides:
            (self.won_by if winner == sides[0] else self.lost_by)[agent or UNKNOWN] += count
        else:
            self.tied += count  # a tie of all gives no choice, but counts half for each side


def find_reason(meaning: Meaning) -> str | None:
    """The reason why a judgement is no pick between the sides of its set; None for a pick or a tie."""
    if meaning.rejection not in (None, TIE_OF_ALL):
        return meaning.rejection
    return "own" if meaning.settled == "own" else meaning.incomparable
