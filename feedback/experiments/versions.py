"""The newer of two versions against the older: in sets that hold both (`2+1+1`), of the picks that fell on
either, how many fell on the new one.

A set counts if all four replies were ready: then each version has one. A pick, an edit or a tie counts for
the version whose text is in it, also where base wrote the same; with the texts of both in it, it is half to
each in the share that is shown and nothing to the evidence. Picks of base alone stand apart, like own text,
none, skip, undone and unblinded judgements. None of it counts towards the support rate of either version.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from feedback.experiments.sequential_tests import e_better, e_harm, find_band, wilson_interval
from feedback.experiments.support import APART, UNKNOWN
from feedback.records.candidate import BASE
from feedback.records.derived import TIE_OF_ALL
from feedback.store.record_counts import Meaning, Versioned


@dataclass
class Comparison:
    """Counts of one version against the one that was live beside it; every figure shown follows from them."""

    new: str
    old: str
    halves: int = 0  # texts of both versions, or ties across them
    base: int = 0  # picks of what base alone wrote
    apart: Counter[str] = field(default_factory=Counter)  # APART
    left_out: Counter[str] = field(default_factory=Counter)  # sets or judgements that cannot count, by reason
    judgements: int = 0
    won_by: Counter[str] = field(default_factory=Counter)  # picks of the new one, by agent
    lost_by: Counter[str] = field(default_factory=Counter)  # picks of the old one

    @property
    def won(self) -> int:
        return self.won_by.total()

    @property
    def lost(self) -> int:
        return self.lost_by.total()

    @property
    def decided(self) -> int:
        """Picks behind the evidence."""
        return self.won + self.lost

    @property
    def counted(self) -> int:
        """Picks behind the share that is shown."""
        return self.decided + self.halves

    @property
    def rate(self) -> float | None:
        """Of the picks that fell on either version, the share of the new one."""
        return (self.won + self.halves / 2) / self.counted if self.counted else None

    @property
    def interval(self) -> tuple[float, float]:
        return wilson_interval(self.won + self.halves / 2, self.counted)

    @property
    def band(self) -> str | None:
        return find_band(self.won + self.halves / 2, self.counted)

    @property
    def e_better(self) -> float:
        return e_better(self.won, self.decided)

    @property
    def e_harm(self) -> float:
        return e_harm(self.won, self.decided)

    @property
    def agents(self) -> int:
        return len(self.won_by | self.lost_by)

    @property
    def shares(self) -> dict[str, float]:
        """Of all judgements on such sets, the share of each kind that stands apart."""
        counts = {"both_versions": self.halves, "base": self.base} | {
            name: self.apart[name] for name in APART
        }
        return {name: count / self.judgements if self.judgements else 0.0 for name, count in counts.items()}

    def bound_share(self, confidence: float) -> float | None:
        """One-sided lower bound of the new one's share of `decided`, clustered by agent; None below two
        agents.
        """
        from feedback.experiments.cluster_bounds import share_bound

        agents = sorted(self.won_by | self.lost_by)
        if len(agents) < 2:
            return None
        made = [self.won_by[agent] + self.lost_by[agent] for agent in agents]
        return float(share_bound([self.won_by[agent] for agent in agents], made, confidence=confidence))

    def to_json(self) -> dict[str, Any]:
        low, high = self.interval
        return {
            "new": self.new,
            "old": self.old,
            "rate": self.rate,
            "low": low,
            "high": high,
            "band": self.band,
            "counted": self.counted,
            "won": self.won,
            "lost": self.lost,
            "halves": self.halves,
            "base": self.base,
            "judgements": self.judgements,
            "shares": self.shares,
            "left_out": dict(sorted(self.left_out.items())),
            "agents": self.agents,
            "e_better": self.e_better,
            "e_harm": self.e_harm,
        }


def tally_versions(new: str, judgements: Mapping[Versioned, int]) -> list[Comparison]:
    """From how many judgements came to what, in their order. Pure."""
    found: dict[str, Comparison] = {}
    for judged, count in judgements.items():
        comparison = found.setdefault(judged.rival, Comparison(new, judged.rival))
        comparison.judgements += count
        _add(comparison, judged.meaning, judged.agent or UNKNOWN, count)
    return list(found.values())


def _add(comparison: Comparison, meaning: Meaning, agent: str, count: int) -> None:
    if meaning.rejection not in (None, TIE_OF_ALL):
        (comparison.apart if meaning.rejection in APART else comparison.left_out)[meaning.rejection] += count
    elif meaning.settled == "own":
        comparison.apart["own"] += count
    elif meaning.incomparable is not None:
        comparison.left_out[meaning.incomparable] += count
    elif meaning.winner == comparison.new:
        comparison.won_by[agent] += count
    elif meaning.winner == comparison.old:
        comparison.lost_by[agent] += count
    elif meaning.winner == BASE:
        comparison.base += count
    else:
        comparison.halves += count  # a tie of all teaches nothing, but says that neither is ahead
