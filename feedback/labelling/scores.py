"""How much better experts find an adapter's replies than the base's: mean difference of scores, by tag. Pure.

Both replies to one prompt are rated from 1 to 5, each by itself, and nobody knows whose they are. What counts
is a person's score of the adapter's reply minus that of the base's reply to the same prompt, so that being
strict or mild takes nothing away. Equal replies differ by 0 and are not asked about.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 1_000
TAILS = (0.025, 0.975)
LEAST_CONVERSATIONS = 20  # below so many no interval is given
BETTER, WORSE, NOT_KNOWN = "better", "worse", "not_known"

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ScoredPrompt:
    """A prompt with what each person said of the adapter's reply minus what they said of the base's."""

    conversation: str
    tags: Sequence[str] = ()
    differences: Mapping[str, int] | None = None  # by labeller; None: the replies are equal


@dataclass(frozen=True)
class ExpertScore:
    """`mean` is None before any prompt counts, `low` and `high` before twenty conversations do."""

    mean: float | None
    low: float | None
    high: float | None
    prompts: int  # that somebody rated both replies of
    equal: int
    experts: int

    @property
    def word(self) -> str:
        """What is proven; not known while the interval is missing or holds 0."""
        if self.low is not None and self.low > 0:
            return BETTER
        return WORSE if self.high is not None and self.high < 0 else NOT_KNOWN


@dataclass(frozen=True)
class ExpertScores:
    whole: ExpertScore
    by_tag: Mapping[str, ExpertScore]


def measure_scores(prompts: Sequence[ScoredPrompt], weights: Mapping[str, float]) -> ExpertScores:
    """The score in all and of each tag with those below it, most prompts first. `weights` are what a
    labeller's word counts, 1 where none is named.
    """
    of_tag: defaultdict[str, list[ScoredPrompt]] = defaultdict(list)
    for prompt in prompts:
        for tag in {above for own in prompt.tags for above in list_above(own)}:
            of_tag[tag].append(prompt)
    by_tag = {tag: measure(of_tag[tag], weights) for tag in sorted(of_tag)}
    told = sorted(by_tag.items(), key=lambda each: -each[1].prompts)
    return ExpertScores(measure(prompts, weights), {tag: score for tag, score in told if score.prompts})


def list_above(tag: str) -> Iterable[str]:
    """The tags from the top down to this one, by their paths."""
    parts = tag.split("/")
    return ("/".join(parts[:end]) for end in range(1, len(parts) + 1))


def measure(prompts: Sequence[ScoredPrompt], weights: Mapping[str, float]) -> ExpertScore:
    """The weighted mean of the differences, with its interval where enough conversations were rated."""
    rated = [prompt for prompt in prompts if prompt.differences]
    equal = sum(prompt.differences is None for prompt in prompts)
    experts = {labeller for prompt in rated for labeller in prompt.differences or ()}
    if not rated:
        return ExpertScore(None, None, None, 0, equal, 0)
    table = sum_by_conversation(prompts, weights)
    total, weight = table.sum(axis=0)
    low, high = None, None
    if len({prompt.conversation for prompt in rated}) >= LEAST_CONVERSATIONS:
        low, high = resample(table)
    return ExpertScore(float(total / weight), low, high, len(rated), equal, len(experts))


def sum_by_conversation(prompts: Sequence[ScoredPrompt], weights: Mapping[str, float]) -> Floats:
    """The weighted differences and the weights of each conversation, (C, 2). A prompt with equal replies
    weighs what one that could be rated does on average, those that nobody rated included: where people stop
    early, equal replies do not drown what they said.
    """
    sums: defaultdict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for prompt in prompts:
        for labeller, difference in (prompt.differences or {}).items():
            weight = weights.get(labeller, 1.0)
            sums[prompt.conversation][0] += weight * difference
            sums[prompt.conversation][1] += weight
    equal = [prompt for prompt in prompts if prompt.differences is None]
    mean_weight = sum(weight for _, weight in sums.values()) / max(1, len(prompts) - len(equal))
    for prompt in equal:
        sums[prompt.conversation][1] += mean_weight
    return np.array([sums[name] for name in sorted(sums)])


def resample(table: Floats) -> tuple[float, float]:
    """The 95 % interval of the mean by drawing conversations again, each with all that was said of it."""
    draws = np.random.default_rng(0)
    drawn = table[draws.integers(len(table), size=(RESAMPLES, len(table)))].sum(axis=1)
    low, high = np.quantile(drawn[:, 0] / drawn[:, 1], TAILS)
    return float(low), float(high)
