"""Compares the newer of two versions with the older: in sets that hold both (`2+1+1`), the newer one's share
of the picks that fell on either.

A set counts if all four replies were ready: then each version has one. A pick, an edit or a tie counts for
the version whose text is in it, also where base wrote the same; with the texts of both in it, it is half to
each in the share that is shown and nothing to the evidence. Picks of base alone stand apart, like own text,
none, skip, undone and unblinded judgements. None of it counts towards the support rate of either version.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from feedback.experiments.pick_counts import PickCounts, find_reason
from feedback.records.candidate import BASE
from feedback.store.record_counts import Versioned


@dataclass
class Comparison(PickCounts):
    """Picks of one version against the version that was live at that time."""

    new: str
    old: str
    base: int = 0  # picks of what base alone wrote

    @property
    def kinds(self) -> dict[str, int]:
        return {"both_versions": self.tied, "base": self.base} | super().kinds

    def bound_share(self, confidence: float) -> float | None:
        """One-sided lower bound of the newer one's share, clustered by agent; None with fewer than two."""
        from feedback.experiments.cluster_bounds import share_bound

        if self.agents < 2:
            return None
        won, made = zip(*self.by_agent, strict=True)
        return float(share_bound(won, made, confidence=confidence))

    def to_json(self) -> dict[str, Any]:
        return {
            "new": self.new,
            "old": self.old,
            **self.tally.to_json(tied="halves"),
            "base": self.base,
            "judgements": self.judgements,
            "shares": self.shares,
            "left_out": dict(sorted(self.left_out.items())),
            "agents": self.agents,
            "e_better": self.tally.e_better,
            "e_harm": self.tally.e_harm,
        }


def tally_versions(new: str, judgements: Mapping[Versioned, int]) -> list[Comparison]:
    """Compares the new version with each older one, from the number of judgements with each outcome. Pure."""
    found: dict[str, Comparison] = {}
    for (old, agent, meaning), count in judgements.items():
        comparison = found.setdefault(old, Comparison(new, old))
        comparison.judgements += count
        reason = find_reason(meaning)
        if reason is None and meaning.winner == BASE:
            comparison.base += count
        else:
            comparison.add(reason, meaning.winner, agent, count, (new, old))
    return list(found.values())
