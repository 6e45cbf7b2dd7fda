"""The support rate of an adapter: of the picks between base and it, how many fell on it. Counting rules in
one place.

A pick counts if its set compares the arms (`feedback/records/arms.py`). It counts for its arm, an edit for
the candidate edited; a merged candidate or a tie across the arms gives half to the shown rate and nothing to
a decision. Own text, none, skip, undone and unblinded judgements are shares of their own. Sets of two
versions are judged in `versions.py`; here they are left out whole.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlmodel import Session

from feedback.experiments.harm_test import weigh_harm
from feedback.experiments.sequential_tests import ENOUGH, e_better, find_band, wilson_interval
from feedback.records.arms import REPEATED, UNEQUAL_TEXTS, VERSIONS_DESIGN
from feedback.records.candidate import BASE, TUNED
from feedback.records.derived import TIE_OF_ALL
from feedback.store.record_counts import Judged, Meaning, count_meanings
from feedback.store.tables import DEFAULT_DESK

UNKNOWN = "unknown"  # an erased agent
APART = ("own", "none", "skip", "undone", "unblinded")


@dataclass
class Support:
    """Counts of one adapter; every figure shown follows from them."""

    adapter: str
    tuned_by: Counter[str] = field(default_factory=Counter)  # picks that fell on it, by agent
    base_by: Counter[str] = field(default_factory=Counter)
    halves: int = 0  # merged candidates and ties across the arms
    apart: Counter[str] = field(default_factory=Counter)  # APART
    left_out: Counter[str] = field(default_factory=Counter)  # sets or judgements that cannot count, by reason
    repeated: int = 0  # sets in which the tuned arm has fewer different texts than base
    judgements: int = 0  # but for those on sets of two versions

    @property
    def tuned(self) -> int:
        return self.tuned_by.total()

    @property
    def base(self) -> int:
        return self.base_by.total()

    @property
    def agents(self) -> int:
        """Who made a pick that is behind a decision."""
        return len(self.tuned_by | self.base_by)

    @property
    def counted(self) -> int:
        """Picks behind the shown rate."""
        return self.tuned + self.base + self.halves

    @property
    def decided(self) -> int:
        """Picks behind a decision."""
        return self.tuned + self.base

    @property
    def rate(self) -> float | None:
        return (self.tuned + self.halves / 2) / self.counted if self.counted else None

    @property
    def interval(self) -> tuple[float, float]:
        return wilson_interval(self.tuned + self.halves / 2, self.counted)

    @property
    def band(self) -> str | None:
        return find_band(self.tuned + self.halves / 2, self.counted)

    @property
    def e_better(self) -> float:
        return e_better(self.tuned, self.decided)

    @property
    def e_harm(self) -> float:
        agents = sorted(self.tuned_by | self.base_by)
        won = [self.tuned_by[agent] for agent in agents]
        return weigh_harm((k, k + self.base_by[agent]) for k, agent in zip(won, agents, strict=True))

    @property
    def harmed(self) -> bool:
        """Whether the adapter is proven worse than base and must leave service."""
        return self.e_harm >= ENOUGH

    @property
    def shares(self) -> dict[str, float]:
        """Of all judgements on its sets, the share of each kind that stands apart."""
        return {name: self.apart[name] / self.judgements if self.judgements else 0.0 for name in APART}

    def to_json(self) -> dict[str, Any]:
        low, high = self.interval
        return {
            "adapter": self.adapter,
            "rate": self.rate,
            "low": low,
            "high": high,
            "band": self.band,
            "counted": self.counted,
            "tuned": self.tuned,
            "base": self.base,
            "halves": self.halves,
            "judgements": self.judgements,
            "shares": self.shares,
            "left_out": dict(sorted(self.left_out.items())),
            "repeated": self.repeated,
            "e_better": self.e_better,
            "e_harm": self.e_harm,
            "harmed": self.harmed,
        }


def support_of(session: Session, adapter: str, *, desk_id: str = DEFAULT_DESK) -> Support:
    """Everything judged so far on sets with this adapter."""
    return tally_support(adapter, count_meanings(session, desk_id=desk_id, adapter=adapter))


def tally_support(adapter: str, judged: Mapping[Judged, int]) -> Support:
    """From how many judgements came to what. Pure."""
    support = Support(adapter)
    for (agent, meaning), count in judged.items():
        if meaning.design == VERSIONS_DESIGN:
            support.left_out["two_versions"] += count
        else:
            support.judgements += count
            _add(support, meaning, agent or UNKNOWN, count)
    return support


def _add(support: Support, meaning: Meaning, agent: str, count: int) -> None:
    is_tie = meaning.rejection == TIE_OF_ALL and meaning.incomparable is None
    if meaning.rejection is not None and not is_tie:
        (support.apart if meaning.rejection in APART else support.left_out)[meaning.rejection] += count
    elif meaning.settled == "own":
        support.apart["own"] += count
    elif meaning.incomparable is not None:
        reason = UNEQUAL_TEXTS if meaning.incomparable == REPEATED else meaning.incomparable
        support.left_out[reason] += count
        support.repeated += count if meaning.incomparable == REPEATED else 0
    elif meaning.winner == TUNED:
        support.tuned_by[agent] += count
    elif meaning.winner == BASE:
        support.base_by[agent] += count
    else:
        support.halves += count  # a tie of all teaches nothing, but says that no arm is ahead
