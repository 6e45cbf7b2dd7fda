"""The support rate of an adapter: the share of picks between base and it that fell on it. All counting rules
are here.

A pick counts if its set compares the arms (`feedback/records/arms.py`). It counts for its arm, and an edit
for the candidate that was edited. A merged candidate or a tie across the arms gives half to each side in the
shown rate and nothing to a decision. Own text, none, skip, undone and unblinded judgements have shares of
their own. Sets of two versions are left out here; `versions.py` judges them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from feedback.experiments.harm_test import weigh_harm
from feedback.experiments.pick_counts import PickCounts, find_reason
from feedback.experiments.sequential_tests import ENOUGH
from feedback.records.arms import REPEATED, UNEQUAL_TEXTS, VERSIONS_DESIGN
from feedback.records.candidate import BASE, TUNED
from feedback.records.derived import TIE_OF_ALL
from feedback.store.record_counts import AgentMeaning, Meaning, count_meanings
from feedback.store.tables import DEFAULT_DESK


@dataclass
class Support(PickCounts):
    """Picks of one adapter against base. `judgements` does not include those on sets of two versions."""

    adapter: str
    repeated: int = 0  # sets in which the tuned arm has fewer different texts than base

    @property
    def e_harm(self) -> float:
        return weigh_harm(self.by_agent)

    @property
    def harmed(self) -> bool:
        """Whether the adapter is proven worse than base and must leave service."""
        return self.e_harm >= ENOUGH

    def to_json(self) -> dict[str, Any]:
        return {
            "adapter": self.adapter,
            **self.tally.to_json(won="tuned", lost="base", tied="halves"),
            "judgements": self.judgements,
            "shares": self.shares,
            "left_out": dict(sorted(self.left_out.items())),
            "repeated": self.repeated,
            "e_better": self.tally.e_better,
            "e_harm": self.e_harm,
            "harmed": self.harmed,
        }


def support_of(session: Session, adapter: str, *, desk_id: str = DEFAULT_DESK) -> Support:
    """The support of an adapter from all judgements so far."""
    return tally_support(adapter, count_meanings(session, desk_id=desk_id, adapter=adapter))


def tally_support(adapter: str, judged: Mapping[AgentMeaning, int]) -> Support:
    """Computes the support of an adapter from the number of judgements with each outcome. Pure."""
    support = Support(adapter)
    for (agent, meaning), count in judged.items():
        if meaning.design == VERSIONS_DESIGN:
            support.left_out["two_versions"] += count
        else:
            support.judgements += count
            _add(support, meaning, agent, count)
    return support


def _add(support: Support, meaning: Meaning, agent: str | None, count: int) -> None:
    reason = find_reason(meaning)
    if meaning.rejection == TIE_OF_ALL and meaning.incomparable is not None:
        reason = TIE_OF_ALL
    if reason == REPEATED:
        support.repeated += count
        reason = UNEQUAL_TEXTS
    support.add(reason, meaning.winner, agent, count, (TUNED, BASE))
