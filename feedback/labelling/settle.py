"""What an item comes to after each label: still open, settled, or disputed and so with the experts. Pure.

In its task's own tier an item is settled once its labels make one answer as sure as the task asks, from
`overlap_min` labels on. Where `overlap_max` labels do not, people differ, and experts decide: two who agree,
or one who has seen what the two before said. A task that asks for no confidence (0) takes the most likely
answer of `overlap_min` labels.
"""

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from feedback.labelling.posterior import find_best, find_posterior
from feedback.records.item_states import DISPUTED, OPEN, SETTLED, WAITING

PEOPLE, EXPERTS = 1, 2  # tiers
AGREEING_EXPERTS = 2


@dataclass(frozen=True)
class SettlingRule:
    """What a task asks of its items. `classes` are all answers there are, in their order."""

    overlap_min: int
    overlap_max: int
    confidence: float
    classes: Sequence[Hashable]
    tier: int = PEOPLE
    ordinal: bool = False


@dataclass(frozen=True)
class Vote:
    """One label that counts. A label of None says that its labeller could not tell: it takes its place and
    speaks for no answer. `has_slot`: it is one of the task's own overlap. `saw_others`: who gave it
    adjudicates.
    """

    label: Any
    accuracy: float
    tier: int = PEOPLE
    has_slot: bool = True
    saw_others: bool = False
    text: str | None = None  # of a rewrite
    sureness: float | None = None  # that this text is correct, once a check has found so; 0: it is incorrect


@dataclass(frozen=True)
class Standing:
    """Where an item stands. `label` is its most likely answer, None without labels; `text` the one that
    settles it; `shows_others` says that the next expert adjudicates, and is shown what the others said.
    """

    state: str
    tier: int
    label: Any
    confidence: float
    shows_others: bool = False
    text: str | None = None


def settle_votes(votes: Sequence[Vote], rule: SettlingRule) -> Standing:
    """Where an item stands by its votes in the order in which they came, whatever it was before: once a label
    is taken back it stands as if nobody had given it.
    """
    if any(vote.saw_others for vote in votes):
        return settle_by_experts(votes, rule)
    own = [vote for vote in votes if vote.has_slot]
    label, confidence = _weigh(own, rule)
    if len(own) < rule.overlap_min:
        return Standing(OPEN, rule.tier, label, confidence)
    if label is not None and confidence >= rule.confidence:
        return Standing(SETTLED, rule.tier, label, confidence)
    if len(own) < rule.overlap_max:
        return Standing(OPEN, rule.tier, label, confidence)
    return settle_by_experts(votes, rule)


def settle_by_experts(votes: Sequence[Vote], rule: SettlingRule) -> Standing:
    """The same where people differ, or for the votes since a check has opened the item again."""
    experts = [vote for vote in votes if vote.tier >= EXPERTS and vote.label is not None]
    label, confidence = _weigh(experts or votes, rule)
    adjudicated = [vote.label for vote in experts if vote.saw_others]
    if adjudicated:
        return Standing(SETTLED, EXPERTS, adjudicated[-1], _chances(experts, rule)[adjudicated[-1]])
    said = Counter(vote.label for vote in experts).most_common(1)
    if said and said[0][1] >= AGREEING_EXPERTS:
        return Standing(SETTLED, EXPERTS, said[0][0], _chances(experts, rule)[said[0][0]])
    if len(experts) >= AGREEING_EXPERTS:
        return Standing(DISPUTED, EXPERTS, label, confidence, shows_others=True)
    return Standing(DISPUTED, EXPERTS, label, confidence)


def settle_rewrites(votes: Sequence[Vote], rule: SettlingRule, *, is_reopened: bool = False) -> Standing:
    """The same of an item that asks for a text. A text settles it once a check has found it correct; until
    the check is done, an item that has its least overlap waits. `overlap_min` people who leave the reply as
    it is settle it so.
    """
    experts = [vote for vote in votes if vote.tier >= EXPERTS]
    own = [vote for vote in votes if vote.has_slot]
    decided = [vote for vote in experts if vote.saw_others][-1:]
    if decided:
        sure = _chances(experts, rule)[decided[0].label]
        return Standing(SETTLED, EXPERTS, decided[0].label, sure, text=decided[0].text)
    for vote in votes:
        if vote.sureness:
            tier = rule.tier if vote.has_slot and not is_reopened else EXPERTS
            return Standing(SETTLED, tier, vote.label, vote.sureness, text=vote.text)
    if not is_reopened:
        if len(own) < rule.overlap_min:
            return Standing(OPEN, rule.tier, *_weigh(own, rule))
        if any(vote.text is not None and vote.sureness is None for vote in own):
            return Standing(WAITING, rule.tier, *_weigh(own, rule))
        if sum(vote.text is None for vote in own) >= rule.overlap_min:
            return Standing(SETTLED, rule.tier, True, _chances(own, rule)[True])
        if len(own) < rule.overlap_max:
            return Standing(OPEN, rule.tier, *_weigh(own, rule))
    if sum(vote.text is None for vote in experts) >= AGREEING_EXPERTS:
        return Standing(SETTLED, EXPERTS, True, _chances(experts, rule)[True])
    shows_others = len(experts) >= AGREEING_EXPERTS
    return Standing(DISPUTED, EXPERTS, *_weigh(experts or votes, rule), shows_others=shows_others)


def _weigh(votes: Sequence[Vote], rule: SettlingRule) -> tuple[Any, float]:
    if not any(vote.label is not None for vote in votes):
        return None, 0.0
    return find_best(_chances(votes, rule))


def _chances(votes: Sequence[Vote], rule: SettlingRule) -> dict[Any, float]:
    said = [(vote.label, vote.accuracy) for vote in votes if vote.label is not None]
    return dict(find_posterior(said, rule.classes, ordinal=rule.ordinal))
