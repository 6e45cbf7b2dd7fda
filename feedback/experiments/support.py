"""The support rate of an adapter: of the picks between base and it, how many fell on it. Counting rules in
one place.

A set counts if two replies of each arm were drawn, all were ready, and both arms have equally many different
texts: an arm that repeats itself loses by arithmetic alone. A pick counts for its arm, an edit for the
candidate edited; a merged candidate or a tie across the arms gives half to the shown rate and nothing to a
decision. Own text, none, skip, undone and unblinded judgements are shares of their own. Sets of two versions
are judged in `versions.py`; here they are left out whole.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlmodel import Session

from feedback.experiments.sequential_tests import ENOUGH, e_better, e_harm, find_band, wilson_interval
from feedback.records.candidate import BASE, BOTH, READY, TUNED, UNAVAILABLE
from feedback.records.from_judgement import ShownSet, derive_choice
from feedback.records.rejections import Refusal
from feedback.records.schemas import ChoiceForm
from feedback.store.choices import JudgedSet, Key, read_judged
from feedback.store.tables import DEFAULT_DESK

COUNTED_DESIGN = "2+2"
VERSIONS_DESIGN = "2+1+1"
APART = ("own", "none", "skip", "undone", "unblinded")


@dataclass
class Support:
    """Counts of one adapter; every figure shown follows from them."""

    adapter: str
    tuned: int = 0
    base: int = 0
    halves: int = 0  # merged candidates and ties across the arms
    apart: Counter[str] = field(default_factory=Counter)  # APART
    left_out: Counter[str] = field(default_factory=Counter)  # sets or judgements that cannot count, by reason
    repeated: int = 0  # sets in which the tuned arm has fewer different texts than base
    judgements: int = 0  # but for those on sets of two versions

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
        return find_band(self.rate)

    @property
    def e_better(self) -> float:
        return e_better(self.tuned, self.decided)

    @property
    def e_harm(self) -> float:
        return e_harm(self.tuned, self.decided)

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
    support = Support(adapter)
    after: Key | None = None
    while page := read_judged(session, desk_id=desk_id, adapter=adapter, after=after, with_tokens=False):
        count_judgements(support, page)
        after = (page[-1][0].at, page[-1][0].id)
    return support


def count_judgements(support: Support, judged_sets: Iterable[JudgedSet]) -> None:
    for judged, shown in judged_sets:
        if shown.design == VERSIONS_DESIGN:
            support.left_out["two_versions"] += 1
            continue
        support.judgements += 1
        choice = derive_choice(judged, shown)
        if isinstance(choice, Refusal) and choice.reason == "tie_of_all" and refuse_set(shown) is None:
            support.halves += 1  # nothing to learn from, but it says that no arm is ahead
        elif isinstance(choice, Refusal):
            (support.apart if choice.reason in APART else support.left_out)[choice.reason] += 1
        elif choice.kind == "own":
            support.apart["own"] += 1
        else:
            count_choice(support, choice, shown)


def count_choice(support: Support, choice: ChoiceForm, shown: ShownSet) -> None:
    reason = refuse_set(shown)
    if reason is not None:
        support.left_out[reason] += 1
        base, tuned = count_texts(shown)
        support.repeated += reason == "unequal_texts" and tuned < base
        return
    winner = find_winner(choice)
    support.tuned += winner == TUNED
    support.base += winner == BASE
    support.halves += winner == BOTH


def find_winner(choice: ChoiceForm) -> str:
    """The arm that a pick, an edit or a tie fell on; `both` where that is half to each."""
    arms = {choice.candidates[index].arm for index in choice.picked}
    return TUNED if arms == {TUNED} else BASE if arms == {BASE} else BOTH


def refuse_set(shown: ShownSet) -> str | None:
    """Why a pick from this set says nothing about the arms, or None when it does."""
    if shown.design != COUNTED_DESIGN:
        return "other_design"
    if any(reply.state == UNAVAILABLE for reply in shown.replies):
        return "reply_unavailable"
    base, tuned = count_texts(shown)
    return None if base == tuned else "unequal_texts"


def count_texts(shown: ShownSet) -> tuple[int, int]:
    """How many different texts base and tuned have on screen; a merged one is a text of both."""
    ready = [reply.arm for reply in shown.replies if reply.state == READY]
    return (sum(arm in (BASE, BOTH) for arm in ready), sum(arm in (TUNED, BOTH) for arm in ready))
