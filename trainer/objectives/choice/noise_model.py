"""How people pick whatever the replies say: the position bias of each slot, and each agent's noise rate, the
share of blind picks (label noise).

Both are estimated on the train split before training and then held fixed. A pick is modelled as

    P(reply k) = (1 - e_a) softmax(taste + offset of the slot)[k] + e_a / K

The slot offsets are those of the `slot` baseline. To estimate the noise rate e_a of agent a, one must know
before training which reply an attentive person would pick. The crowd's taste stands in for that, as far as
three features show it: how long a reply is, whether the tuned arm wrote it, and what its words are worth by
the picks of other conversations (`trainer/objectives/choice/text_model.py`). No language model is run, so it
takes seconds.

Identifiability: e_a shows in how much less often agent a follows the crowd's taste than the strength of that
taste explains. Whatever part of the taste the features miss therefore looks like inattention: without the
words, attentive agents came out at 0.1 to 0.2. If the crowd's picks follow no feature, the likelihood is flat
and everybody keeps the prior. Slots are left out of this estimate: in a random order they only make the taste
look a little weaker, while with them an attentive agent without a favourite slot would look blind. An agent
with a steady taste of their own cannot be told from one who does not look. Hence the prior (worth 20 picks),
the minimum of 30 picks and the ceiling of 0.5: nobody loses more than half of their weight to this estimate.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import log
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, log_expit

from feedback.augment.making import MADE
from feedback.canonical import canonical_hash
from feedback.datasets.build import read_split
from feedback.experiments.conditional_logit import ChoiceRows, find_starts
from feedback.records.distance import tidy
from feedback.records.rejections import Refusal
from feedback.records.schemas import ChoiceForm, conversation_of
from trainer.data.choices import COUNTED, settle_line, slots_of
from trainer.data.slot_bias import fit_slot_offsets
from trainer.objectives.choice.text_model import Words, cross_fit_scores, hash_words

Array = NDArray[np.float64]

PRIOR_NOISE_RATE = 0.1
PRIOR_PICKS = 20.0  # the prior is worth 20 picks, of which 2 are blind
MIN_PICKS = 30
MAX_NOISE_RATE = 0.5
ARMS = {"tuned": 1.0, "both": 0.5}
PULL = 0.05  # nats, a ridge penalty: keeps a taste finite that no pick contradicts


@dataclass(frozen=True, eq=False)
class Pick:
    """A counted choice without its texts. `slots`: the slot of each reply; `picked`: places in `slots`.

    `features`: for each reply the log of its characters, and 1 if the tuned arm wrote it, 0.5 if both did,
    else 0. `words`: for each reply the hashes of its words.
    """

    agent: str | None
    conversation: str
    slots: tuple[int, ...]
    picked: frozenset[int]
    features: tuple[tuple[float, ...], ...]
    words: tuple[Words, ...]


@dataclass(frozen=True)
class NoiseModel:
    """The estimated position bias and noise rates. `offsets`: the logit of each slot.

    `noise_rates`: the noise rate of each agent with enough picks; `unknown`: that of all others. `gain`: by
    how many nats per pick the taste predicts picks better than chance does; at 0 the noise rates are the
    prior.
    """

    offsets: tuple[float, ...] = ()
    noise_rates: Mapping[str, float] = field(default_factory=dict)
    unknown: float = PRIOR_NOISE_RATE
    gain: float = 0.0

    def offset(self, slot: int) -> float:
        """The logit of a slot, 0 for a slot that no pick in the train split was offered."""
        return self.offsets[slot] if slot < len(self.offsets) else 0.0

    def noise_rate(self, agent: str | None) -> float:
        """The noise rate of an agent: the prior, if their picks are too few for an estimate."""
        return self.unknown if agent is None else self.noise_rates.get(agent, self.unknown)

    def to_json(self) -> dict[str, Any]:
        """Figures for the run's metrics. No agent is named: this does not measure people at work."""
        rates = sorted(self.noise_rates.values())
        return {
            "slot_offsets": [round(value, 4) for value in self.offsets],
            "agents": len(rates),
            "noise_rate_low": round(rates[0], 4) if rates else None,
            "noise_rate_high": round(rates[-1], 4) if rates else None,
            "taste_gain": round(self.gain, 5),
        }


NO_NOISE = NoiseModel(unknown=0.0)  # every pick is taken at face value


def read_noise_model(dataset_dir: Path) -> NoiseModel:
    """Estimates position bias and noise rates from the train split of a dataset. Raises DatasetMissing."""
    return fit_noise_model(list(read_counted_picks(dataset_dir)))


def read_counted_picks(dataset_dir: Path) -> Iterator[Pick]:
    for body in read_split(dataset_dir, "choices", "train"):
        if MADE in body:  # it repeats the pick of its parent
            continue
        choice = settle_line(body)
        if not isinstance(choice, Refusal) and choice.kind in COUNTED:
            yield make_counted_pick(choice, conversation_of(body, choice.id or canonical_hash(body)))


def make_counted_pick(choice: ChoiceForm, conversation: str) -> Pick:
    return Pick(
        agent=choice.annotator,
        conversation=conversation,
        slots=slots_of(choice),
        picked=frozenset(choice.picked),
        features=tuple(
            (log(1 + len(tidy(reply.text))), ARMS.get(reply.arm or "", 0.0)) for reply in choice.candidates
        ),
        words=tuple(hash_words(reply.text) for reply in choice.candidates),
    )


def fit_noise_model(picks: Sequence[Pick]) -> NoiseModel:
    """Estimates slot offsets from all picks, and the taste and the noise rates of agents with at least 30
    picks.

    Taste and noise rates are the most probable ones under the prior (MAP). EM would climb to the same point,
    but slowly, since taste and noise rates can stand in for each other.
    """
    if not picks:
        return NoiseModel()
    counts = Counter(pick.agent for pick in picks if pick.agent is not None)
    agents = sorted(agent for agent, count in counts.items() if count >= MIN_PICKS)
    number = {agent: place for place, agent in enumerate(agents)}
    who = np.array([number.get(pick.agent or "", len(agents)) for pick in picks])
    laid_out = lay_out_picks(picks)
    taste, noise_rates = fit_noise_rates(laid_out, who, len(agents))
    ratios, _ = laid_out.ratios(taste)
    gain = float(np.log(noise_rates[who] + (1 - noise_rates[who]) * ratios).mean())
    return NoiseModel(
        offsets=tuple(map(float, fit_slot_offsets(picks))),
        noise_rates={
            agent: min(float(noise_rates[place]), MAX_NOISE_RATE) for agent, place in number.items()
        },
        gain=gain,
    )


@dataclass(frozen=True, eq=False)
class Taste:
    """The data that the taste is fitted to: in `rows` a row for each reply and a group for each pick.

    `blind`: (picks,), the logarithm of the chance that a blind pick falls on what was picked.
    """

    rows: ChoiceRows
    blind: Array

    def ratios(self, taste: Array) -> tuple[Array, Array]:
        """How much likelier the taste makes each pick than chance does, (picks,), and the slopes of its
        logarithm, (rows,).

        The slopes are those by the utility of each reply.
        """
        logs, slopes = self.rows.log_shares(self.rows.x @ taste)
        return np.exp(logs - self.blind), slopes


def lay_out_picks(picks: Sequence[Pick]) -> Taste:
    scores = cross_fit_scores(
        [pick.words for pick in picks],
        [pick.picked for pick in picks],
        [pick.conversation for pick in picks],
    )
    rows = ChoiceRows(
        x=np.column_stack([np.concatenate([pick.features for pick in picks]), np.concatenate(scores)]),
        starts=find_starts(len(pick.slots) for pick in picks),
        chosen=np.array([place in pick.picked for pick in picks for place in range(len(pick.slots))]),
    )
    return Taste(rows, np.log([len(pick.picked) / len(pick.slots) for pick in picks]))


def fit_noise_rates(picks: Taste, who: NDArray[np.int_], agents: int) -> tuple[Array, Array]:
    """Fits the weights of the features, (features,), and the noise rates, (agents + 1,).

    The last rate is the prior. It holds for everybody whose number in `who` is `agents`.
    """
    x, group = picks.rows.x, picks.rows.group
    width = x.shape[1]
    unset = log(PRIOR_NOISE_RATE / (1 - PRIOR_NOISE_RATE))

    def loss(point: Array) -> tuple[float, Array]:
        taste, noise_rates = point[:width], expit(np.append(point[width:], unset))
        ratios, slopes = picks.ratios(taste)
        mixed = noise_rates[who] + (1 - noise_rates[who]) * ratios
        blind = noise_rates[who] / mixed  # how likely each pick was made without looking
        seen = np.bincount(who, minlength=agents + 1)[:agents]
        free = point[width:]
        prior = (
            PRIOR_PICKS
            * (PRIOR_NOISE_RATE * log_expit(free) + (1 - PRIOR_NOISE_RATE) * log_expit(-free)).sum()
        )
        likely = np.log(mixed).sum() + prior - PULL * taste @ taste
        by_taste = x.T @ ((1 - blind)[group] * slopes) - 2 * PULL * taste
        # Slope by each rate's logit: the expected blind picks, prior included, less those of the rate.
        found = (
            np.bincount(who, weights=blind, minlength=agents + 1)[:agents] + PRIOR_PICKS * PRIOR_NOISE_RATE
        )
        by_noise_rate = found - expit(free) * (seen + PRIOR_PICKS)
        return -float(likely) / len(who), -np.concatenate([by_taste, by_noise_rate]) / len(who)

    start = np.concatenate([np.zeros(width), np.full(agents, unset)])
    options = {"maxiter": 2000, "ftol": 1e-13, "gtol": 1e-8}
    point = minimize(loss, start, jac=True, method="L-BFGS-B", options=options).x
    return point[:width], expit(np.append(point[width:], unset))
