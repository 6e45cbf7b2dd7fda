"""The loss of the `choice` objective, from log-ratios alone: pure, differentiable, without a model.

Let s be log pi - log pi_ref, summed over a reply, and beta how firmly the reference holds the model:

    decision   -log[(1 - e) sum_won softmax(beta s + offset) + e |won| / |options|]
    likelihood nll x the mean nats per token of the preferred reply
    anchor     -anchor x the mean s of the replies on offer
    thumb      -log sigmoid(+-(beta s - delta)), delta the mean beta s of the thumbs seen before

With two options, no offsets and no noise rate, the decision term is DPO's sigmoid loss. It depends only on
differences of s: all replies may become less likely together, and their probability goes to words that nobody
offered. The anchor is that loss of log-probability, an estimate of KL(base || tuned) on replies of
the base; it needs no further pass.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from trainer.data.example import Example


@dataclass(frozen=True)
class DecisionTensors:
    """The decisions of E examples as tensors: R replies, D stages (decisions) padded to M options each.

    `options`: (D, M), places of replies in the row; `is_option`, `is_won`, `offsets`: (D, M); `noise_rate`:
    (D,); `stage_owner`: (D,), the example of each stage. `preferred`, `nll`, `preferred_owner`: (P,), the
    preferred replies. `thumbs`: (U,), places of replies; `signs`: (U,), +1 up and -1 down; `thumb_owner`:
    (U,). `offered`: (O,), places of replies that could be chosen; `offered_owner`, `offered_share`: (O,),
    their example and 1 / its number of them. `weights`: (E,).
    """

    options: Tensor
    is_option: Tensor
    is_won: Tensor
    offsets: Tensor
    noise_rate: Tensor
    stage_owner: Tensor
    preferred: Tensor
    nll: Tensor
    preferred_owner: Tensor
    thumbs: Tensor
    signs: Tensor
    thumb_owner: Tensor
    offered: Tensor
    offered_owner: Tensor
    offered_share: Tensor
    weights: Tensor

    def to(self, device: torch.device) -> "DecisionTensors":
        return DecisionTensors(**{name: value.to(device) for name, value in vars(self).items()})


class Sums(NamedTuple):
    """What rows of examples measured, as sums over rows and processes, and the counts to divide by."""

    nats: float  # weighted loss of the decisions
    weight: float  # weight of the examples that have decisions
    margins: float
    hits: float
    stages: float
    shifts: float
    preferred: float
    rewards: float
    thumbs: float


@dataclass(frozen=True)
class Losses:
    """The losses of E examples in nats: `total`, (E,), is what is learnt from; `decisions`, (E,), is its part
    from decisions.

    `is_decided`: (E,), whether an example has decisions; a thumb has none. `margins`: (D,), mean beta s of
    the winners less that of the rest. `hits`: (D,), 1 where a winner has the highest beta s. `shifts`: (at
    most P,), s of the preferred reply of each decided example. `rewards`: (U,), beta s of the thumbs, for the
    running mean.
    """

    total: Tensor
    decisions: Tensor
    is_decided: Tensor
    margins: Tensor
    hits: Tensor
    shifts: Tensor
    rewards: Tensor

    def sum_up(self, weights: Tensor) -> Tensor:
        """Sums these losses up, in the order of `Sums`; (9,), float64. `weights`: (examples,)."""
        nats, weight = (self.decisions * weights).sum(), weights[self.is_decided].sum()
        seen = (self.margins, self.hits, self.shifts, self.rewards)
        margins, hits, shifts, rewards = (values.double().sum() for values in seen)
        stages, preferred, thumbs = (
            margins.new_tensor(len(values)) for values in (self.hits, self.shifts, self.rewards)
        )
        decided = [nats.double(), weight.double()]
        return torch.stack([*decided, margins, hits, stages, shifts, preferred, rewards, thumbs])


def tabulate_examples(examples: Sequence[Example]) -> DecisionTensors:
    """The examples of one row as tensors, with replies numbered as in `packing.pack_row`."""
    stages, preferred, thumbs, offered = [], [], [], []
    first = 0
    for number, example in enumerate(examples):
        stages += [(number, first, stage) for stage in example.stages]
        if example.stages:
            places = range(first, first + len(example.replies))
            offered += [(place, number, 1 / len(example.replies)) for place in places]
        if example.preferred is not None:
            preferred.append((first + example.preferred, example.nll, number))
        if example.thumb is not None:
            thumbs.append((first, 1.0 if example.thumb else -1.0, number))
        first += len(example.replies)
    shape = (len(stages), max((len(stage.options) for _, _, stage in stages), default=1))
    options = torch.zeros(shape, dtype=torch.long)
    is_option, is_won = torch.zeros(shape, dtype=torch.bool), torch.zeros(shape, dtype=torch.bool)
    offsets = torch.zeros(shape)
    for row, (_, start, stage) in enumerate(stages):
        size = len(stage.options)
        options[row, :size] = torch.tensor(stage.options) + start
        is_option[row, :size] = True
        is_won[row, :size] = torch.tensor([option in stage.won for option in stage.options])
        offsets[row, :size] = torch.tensor(stage.offsets)
    return DecisionTensors(
        options=options,
        is_option=is_option,
        is_won=is_won,
        offsets=offsets,
        noise_rate=torch.tensor([stage.noise_rate for _, _, stage in stages]),
        stage_owner=torch.tensor([number for number, _, _ in stages], dtype=torch.long),
        preferred=torch.tensor([place for place, _, _ in preferred], dtype=torch.long),
        nll=torch.tensor([weight for _, weight, _ in preferred]),
        preferred_owner=torch.tensor([number for _, _, number in preferred], dtype=torch.long),
        thumbs=torch.tensor([place for place, _, _ in thumbs], dtype=torch.long),
        signs=torch.tensor([sign for _, sign, _ in thumbs]),
        thumb_owner=torch.tensor([number for _, _, number in thumbs], dtype=torch.long),
        offered=torch.tensor([place for place, _, _ in offered], dtype=torch.long),
        offered_owner=torch.tensor([number for _, number, _ in offered], dtype=torch.long),
        offered_share=torch.tensor([share for _, _, share in offered]),
        weights=torch.tensor([example.weight for example in examples]),
    )


def find_losses(
    decisions: DecisionTensors,
    sums: Tensor,
    reference: Tensor,
    counts: Tensor,
    *,
    beta: float,
    anchor: float = 0.0,
    delta: float = 0.0,
) -> Losses:
    """The losses of all examples of a row, and what is measured beside them.

    `sums`, `reference`: (replies,), log-probabilities under the model and the base; `counts`: (replies,),
    their tokens; `delta`: running mean of the thumbs, in nats.
    """
    ratios = sums - reference  # (replies,)
    rewards = beta * ratios  # (replies,)
    nats = find_decision_nats(decisions, rewards)  # (stages,)
    nothing = torch.zeros(len(decisions.weights), dtype=sums.dtype, device=sums.device)
    decided = nothing.index_add(0, decisions.stage_owner, nats)
    likelihood = -decisions.nll * (sums / counts)[decisions.preferred]
    sunk = -anchor * ratios[decisions.offered] * decisions.offered_share
    thumbs = -F.logsigmoid(decisions.signs * (rewards[decisions.thumbs] - delta))
    total = decided.index_add(0, decisions.preferred_owner, likelihood)
    total = total.index_add(0, decisions.offered_owner, sunk)
    total = total.index_add(0, decisions.thumb_owner, thumbs)
    with torch.no_grad():
        seen = rewards[decisions.options]  # (stages, options)
        lost = decisions.is_option & ~decisions.is_won
        highest = seen.masked_fill(~decisions.is_option, -torch.inf)
        hits = highest.masked_fill(~decisions.is_won, -torch.inf).amax(1) > highest.masked_fill(
            ~lost, -torch.inf
        ).amax(1)
        margins = mean_where(seen, decisions.is_won) - mean_where(seen, lost)
        is_decided = torch.zeros_like(decisions.weights, dtype=torch.bool)
        is_decided[decisions.stage_owner] = True
    return Losses(
        total=total,
        decisions=decided,
        is_decided=is_decided,
        margins=margins,
        hits=hits.to(margins.dtype),
        shifts=ratios[decisions.preferred[is_decided[decisions.preferred_owner]]].detach(),
        rewards=rewards[decisions.thumbs].detach(),
    )


def find_decision_nats(decisions: DecisionTensors, rewards: Tensor) -> Tensor:
    """Negative log-probability of what was taken at each stage, in nats; (stages,)."""
    logits = rewards[decisions.options] + decisions.offsets  # (stages, options)
    every = torch.logsumexp(logits.masked_fill(~decisions.is_option, -torch.inf), dim=1)
    won = torch.logsumexp(logits.masked_fill(~decisions.is_won, -torch.inf), dim=1)
    blind = decisions.noise_rate * decisions.is_won.sum(1) / decisions.is_option.sum(1)
    # Without noise rate the second term is log 0 = -inf: it adds nothing, and its gradient in logaddexp is 0.
    return -torch.logaddexp(torch.log1p(-decisions.noise_rate) + won - every, torch.log(blind))


def mean_where(values: Tensor, chosen: Tensor) -> Tensor:
    """The mean of the chosen values in each row, 0 for rows where none is chosen; (rows,)."""
    return torch.where(chosen, values, 0.0).sum(1) / chosen.sum(1).clamp(min=1)
