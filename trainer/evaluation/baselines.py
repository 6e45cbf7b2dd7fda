"""How well a rule predicts which reply was picked: nats per choice, accuracy, and a bootstrap interval over
conversations.

Pure numbers: a rule is one array of logits per offer. The probabilities of tied picks are added. No model is
known here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from feedback.experiments.conditional_logit import ChoiceRows, find_starts, fit_logit
from trainer.data.choices import Offer

Array = NDArray[np.float64]
# A scale is never negative: a rule that orders replies backwards gets 0 and scores like `uniform`.
SCALES = (0.0, 50.0)
RESAMPLES = 1000
EITHER_WAY = (-50.0, 50.0)  # people may like long replies or short ones
# Standard deviation of the prior on a scale, for scores that are standardised within their offers. Gelman et
# al. (2008, doi:10.1214/08-AOAS191) use a like one for regressions. Without it a few picks that are all
# predicted have their best scale at infinity, and one other pick then costs tens of nats.
PRIOR_SD = 2.5


@dataclass(frozen=True)
class Score:
    """Mean nats per choice (lower is better), share of choices predicted, 95 % interval of the nats."""

    log_loss: float
    accuracy: float
    ci95: tuple[float, float]


def find_nats(offers: Sequence[Offer], logits: Sequence[Array]) -> Array:
    """For each offer, -log of the probability that the rule gave to what was picked; (offers,), in nats."""
    logs, _ = lay_out_offers(offers, logits).log_shares(np.concatenate(logits))
    return -logs


def lay_out_offers(
    offers: Sequence[Offer], scores: Sequence[Array], fixed: Array | float = 0.0
) -> ChoiceRows:
    return ChoiceRows(
        x=np.concatenate(scores)[:, None],
        starts=find_starts(map(len, scores)),
        chosen=np.array([place in offer.picked for offer in offers for place in range(len(offer.texts))]),
        fixed=fixed,
    )


def find_hit(offer: Offer, logits: Array) -> float:
    """1 if the reply with the highest logit was picked, else 0; equally high replies share the hit."""
    best = np.flatnonzero(logits >= logits.max() - 1e-12)
    return float(np.mean([place in offer.picked for place in best]))


def score_rule(offers: Sequence[Offer], logits: Sequence[Array], *, seed: int = 0) -> Score:
    nats = find_nats(offers, logits)
    hits = np.array([find_hit(offer, row) for offer, row in zip(offers, logits, strict=True)])
    low, high = bootstrap(nats, [offer.conversation for offer in offers], seed=seed)
    return Score(float(nats.mean()), float(hits.mean()), (low, high))


def bootstrap(values: Array, groups: Sequence[str], *, seed: int) -> tuple[float, float]:
    """95 % interval of the mean, by resampling whole conversations: their choices are alike."""
    _, index = np.unique(np.asarray(groups), return_inverse=True)
    sums = np.bincount(index, weights=values)
    counts = np.bincount(index)
    drawn = np.random.default_rng(seed).integers(0, len(sums), size=(RESAMPLES, len(sums)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def uniform_logits(offers: Sequence[Offer]) -> list[Array]:
    return [np.zeros(len(offer.texts)) for offer in offers]


def slot_logits(offers: Sequence[Offer], offsets: Array) -> list[Array]:
    """The offsets as logits of each offer's replies. Slots that were not seen while fitting get 0."""
    known = dict(enumerate(offsets))
    return [np.array([known.get(slot, 0.0) for slot in offer.slots]) for offer in offers]


def length_scores(offers: Sequence[Offer]) -> list[Array]:
    """The logarithm of the number of characters of each reply."""
    return [np.log([max(len(text), 1) for text in offer.texts]) for offer in offers]


def fit_scale(
    offers: Sequence[Offer],
    scores: Sequence[Array],
    offsets: Sequence[Array] | None = None,
    *,
    bounds: tuple[float, float] = SCALES,
) -> float:
    """The factor on `scores` of highest posterior, with fixed `offsets` added; see PRIOR_SD."""
    fixed = np.concatenate(offsets) if offsets is not None else 0.0
    rows = lay_out_offers(offers, scores, fixed)
    size = _find_spread(scores) or 1.0  # log-ratios may be tiny, and the fit looks at slopes
    limits = (bounds[0] * size, bounds[1] * size)
    found = fit_logit(replace(rows, x=rows.x / size), precision=1 / PRIOR_SD**2, bounds=limits)
    return float(found[0]) / size


def _find_spread(scores: Sequence[Array]) -> float:
    """The standard deviation of scores within their offers."""
    return float(np.sqrt(np.mean(np.concatenate([row - row.mean() for row in scores]) ** 2)))


def scale_logits(
    scale: float, scores: Sequence[Array], offsets: Sequence[Array] | None = None
) -> list[Array]:
    if offsets is None:
        return [scale * row for row in scores]
    return [scale * row + offset for row, offset in zip(scores, offsets, strict=True)]
