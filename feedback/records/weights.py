"""Computes how much each choice counts. Limits lower weights and never drop a record. Pure; plain numbers in,
plain numbers out.

Nine factors apply, in this order: the record's own weight (0.5 for own text), 0.5 for a made record, less
where its parent has more than two, the grade of its source, how fast it was picked, how old it is, a limit of
5 in total for one conversation, the same limit for near-duplicate prompts, a limit of max(20 %, 1.5 / agents)
for one agent's share, and one of 30 % of train for all that was made. Choices without a named agent count in
the total and are not limited.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from feedback.records.split import split_of

OWN_WEIGHT = 0.5
THUMB_WEIGHT = 0.3  # a thumb rates the whole exchange, and a reply that an agent chose before
READ_ONLY_KINDS = ("pick", "tie")  # an edited or own text took its time to write
LEAST = 1e-6  # what is kept of any weight: a record without weight would be none
DAY_S = 86_400
LOW_GRADES = ("C", "D")
ENOUGH_LABELS = 20  # with fewer, a labeller's evidence has its whole weight
GOOD_ACCURACY, LEAST_EVIDENCE = 0.9, 0.2


@dataclass(frozen=True)
class WeightRules:
    """The parameters of the weights, stored with each dataset so that a weight can be recomputed."""

    agent_share: float = 0.20  # of all weight; never below 1.5 / agents
    conversation_total: float = 5.0
    near_total: float = 5.0  # of a prompt and its near-duplicates
    fast_ms: int = 1_500  # nobody reads several replies in less
    fast_weight: float = 0.3  # not 0: a strong preference can be fast, too
    low_grade_weight: float = 0.5  # of a source with the grade C or D
    half_life_days: float = (
        30.0  # counted back from the newest choice, so that the same choices give the same weights
    )
    oldest: float = (
        0.2  # an old choice never counts less than this: imported history stays useful beside live picks
    )
    made_weight: float = 0.5  # of a made record
    made_total: float = 1.0  # of all children of one parent
    made_share: float = 0.30  # of the weight of train, for all that was made


@dataclass(frozen=True)
class WeightInput:
    """The values that the weight of one choice depends on."""

    kind: str
    conversation: str
    agent: str | None
    at: datetime | None
    stated: float | None = None
    dwell_ms: int | None = None
    grade: str | None = None  # of its source
    siblings: int = 0  # of a made record, how many children its parent has; 0 for what people said


@dataclass(frozen=True)
class NearPrompts:
    """The number of each record's prompt, -1 for one that is like no other, and which numbers are alike."""

    numbers: Sequence[int] = ()
    near: Mapping[int, Sequence[int]] = field(default_factory=dict)


def weigh_choices(
    inputs: Sequence[WeightInput], rules: WeightRules, prompts: NearPrompts | None = None
) -> list[float]:
    newest = max((item.at for item in inputs if item.at is not None), default=None)
    weights = [
        (item.stated or 1.0)
        * (OWN_WEIGHT if item.kind == "own" else 1.0)
        * weigh_made(item.siblings, rules)
        * weigh_grade(item.grade, rules)
        * weigh_haste(item, rules)
        * weigh_age(item.at, newest, rules)
        for item in inputs
    ]
    totals = sum_by(((item.conversation, weight) for item, weight in zip(inputs, weights, strict=True)))
    weights = [
        weight * min(1.0, rules.conversation_total / totals[item.conversation])
        for item, weight in zip(inputs, weights, strict=True)
    ]
    if prompts is not None:
        factors_of = cap_near(weights, prompts, rules.near_total)
        weights = [
            weight * factors_of.get(number, 1.0)
            for weight, number in zip(weights, prompts.numbers, strict=True)
        ]
    named = sum_by(
        (item.agent, weight) for item, weight in zip(inputs, weights, strict=True) if item.agent is not None
    )
    unnamed = sum(weight for item, weight in zip(inputs, weights, strict=True) if item.agent is None)
    factors = cap_agents(named, unnamed, rules.agent_share)
    weights = [
        weight * (factors[item.agent] if item.agent is not None else 1.0)
        for item, weight in zip(inputs, weights, strict=True)
    ]
    made = cap_made(inputs, weights, rules.made_share)
    return [
        max(LEAST, round(weight * (made if item.siblings else 1.0), 6))
        for item, weight in zip(inputs, weights, strict=True)
    ]


def weigh_made(siblings: int, rules: WeightRules) -> float:
    """The factor for a made record, by how many children its parent has; 1 for what people said."""
    return min(rules.made_weight, rules.made_total / siblings) if siblings else 1.0


def weigh_grade(grade: str | None, rules: WeightRules) -> float:
    """The factor for the grade of a source. One with D is named by whoever wants its records."""
    return rules.low_grade_weight if grade in LOW_GRADES else 1.0


def weigh_evidence(accuracy: float, labels: int, classes: int) -> float:
    """How much of a labeller's evidence counts: all of it at 90 % right, least where it is chance."""
    if labels < ENOUGH_LABELS or classes < 2:
        return 1.0
    chance = 1 / classes
    return min(max((accuracy - chance) / (GOOD_ACCURACY - chance), LEAST_EVIDENCE), 1.0)


def weigh_haste(item: WeightInput, rules: WeightRules) -> float:
    """The factor for the time of a pick: less than 1 if it is faster than anybody reads."""
    if item.kind not in READ_ONLY_KINDS or item.dwell_ms is None:
        return 1.0
    return rules.fast_weight if item.dwell_ms < rules.fast_ms else 1.0


def weigh_age(at: datetime | None, newest: datetime | None, rules: WeightRules) -> float:
    if at is None or newest is None:
        return 1.0
    age_days = (newest - at).total_seconds() / DAY_S
    return float(max(rules.oldest, 0.5 ** (age_days / rules.half_life_days)))


def cap_near(weights: Sequence[float], prompts: NearPrompts, limit: float) -> dict[int, float]:
    """The factor for each prompt that keeps it and what is like it at most at the limit. Only neighbours
    count, not theirs in turn: a chain of prompts that each resemble the next is no group.
    """
    totals: dict[int, float] = defaultdict(float)
    for number, weight in zip(prompts.numbers, weights, strict=True):
        totals[number] += weight
    factors: dict[int, float] = {}
    for number, total in totals.items():
        alike = total + sum(totals.get(other, 0.0) for other in prompts.near.get(number, ()))
        if number >= 0 and alike > limit:
            factors[number] = limit / alike
    return factors


def cap_agents(totals: dict[str, float], unnamed: float, share: float) -> dict[str, float]:
    """The factor for each agent that keeps their share at most max(share, 1.5 / agents)."""
    if not totals:
        return {}
    limit = max(share, 1.5 / len(totals))
    largest_first = sorted(totals, key=lambda agent: -totals[agent])
    rest = unnamed + sum(totals.values())
    capped: list[str] = []
    for agent in largest_first:
        # With these agents at the limit the others make up the rest of the sum.
        level = limit * rest / (1 - limit * len(capped)) if limit * len(capped) < 1 else float("inf")
        if totals[agent] <= level:
            break
        capped.append(agent)
        rest -= totals[agent]
    if not capped:
        return dict.fromkeys(totals, 1.0)
    level = limit * rest / (1 - limit * len(capped))
    return {agent: level / totals[agent] if agent in capped else 1.0 for agent in totals}


def cap_made(inputs: Sequence[WeightInput], weights: Sequence[float], share: float) -> float:
    """The factor that keeps all made records, which are in train, at most at this share of train."""
    made = said = 0.0
    for item, weight in zip(inputs, weights, strict=True):
        if item.siblings:
            made += weight
        elif split_of(item.conversation) == "train":
            said += weight
    limit = share / (1 - share) * said
    return limit / made if made > limit else 1.0


def sum_by(pairs: Iterable[tuple[str, float]]) -> dict[str, float]:
    totals: dict[str, float] = defaultdict(float)
    for key, weight in pairs:
        totals[key] += weight
    return dict(totals)
