"""How people pick whatever the replies say: the pull of each slot, and how often an agent picks blindly.

Estimated on the train split before training, then held fixed. A pick is modelled as

    P(reply k) = (1 - e_a) softmax(taste + offset of the slot)[k] + e_a / K

The slot offsets are those of the `slot` baseline. The lapse rate e_a of an agent needs an opinion about which
reply an attentive person would pick, known before training. Here it is the crowd's taste as far as three
features tell: how long a reply is, whether the tuned arm wrote it, and what its words are worth by the picks
of other conversations (`trainer/objectives/choice/text_model.py`). No model is asked, so a night pays seconds
for it.

What identifies e_a: an agent who follows the crowd's taste less often than the taste's own strength explains.
What the features leave untold of the taste looks like not looking: without the words attentive agents came
out at 0.1 to 0.2. Where the crowd's picks follow no feature the likelihood is flat, and everybody keeps the
prior. Slots are left out of this estimate: in a random order they only make the taste look a little weaker,
and with them an attentive agent without a favourite slot would look blind. What it cannot tell: an agent with
a steady taste of their own from one who does not look. Hence the prior (worth 20 picks), the floor of 30
picks, and the ceiling of 0.5: nobody loses more than half of their say to this guess.
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

from feedback.canonical import canonical_hash
from feedback.datasets.build import read_split
from feedback.experiments.conditional_logit import ChoiceRows, find_starts
from feedback.records.distance import tidy
from feedback.records.rejections import Refusal
from feedback.records.schemas import ChoiceForm, conversation_of
from trainer.data.choices import COUNTED, settle_line, slots_of
from trainer.data.slot_bias import fit_slot_offsets
from trainer.objectives.choice.text_model import Words, find_opinions, hash_words

Array = NDArray[np.float64]

PRIOR_LAPSE = 0.1
PRIOR_PICKS = 20.0  # as many picks seen as blind or not, 2 of them blind
MIN_PICKS = 30
MAX_LAPSE = 0.5
ARMS = {"tuned": 1.0, "both": 0.5}
PULL = 0.05  # nats in all: keeps a taste finite that no pick contradicts


@dataclass(frozen=True, eq=False)
class Pick:
    """A counted choice without its texts. `features`: for each reply log characters and share of the tuned
    arm; `words`: their hashes; `picked`: places in `slots`.
    """

    agent: str | None
    conversation: str
    slots: tuple[int, ...]
    picked: frozenset[int]
    features: tuple[tuple[float, ...], ...]
    words: tuple[Words, ...]


@dataclass(frozen=True)
class Habits:
    """`offsets`: logit of each slot. `lapses`: of agents with enough picks; `unknown`: of all others. `gain`:
    nats per pick by which the taste foresees picks better than chance does; at 0 the lapses are the prior.
    """

    offsets: tuple[float, ...] = ()
    lapses: Mapping[str, float] = field(default_factory=dict)
    unknown: float = PRIOR_LAPSE
    gain: float = 0.0

    def offset(self, slot: int) -> float:
        """0 for a slot nobody was seen to be offered."""
        return self.offsets[slot] if slot < len(self.offsets) else 0.0

    def lapse(self, agent: str | None) -> float:
        """The prior for agents with few picks: their level is less certain than that guess."""
        return self.unknown if agent is None else self.lapses.get(agent, self.unknown)

    def to_json(self) -> dict[str, Any]:
        """For the run's metrics. No agent is named: this is no measure of people at work."""
        rates = sorted(self.lapses.values())
        return {
            "slot_offsets": [round(value, 4) for value in self.offsets],
            "agents": len(rates),
            "lapse_low": round(rates[0], 4) if rates else None,
            "lapse_high": round(rates[-1], 4) if rates else None,
            "taste_gain": round(self.gain, 5),
        }


NO_HABITS = Habits(unknown=0.0)  # every pick is read as what it says of the texts


def read_habits(dataset_dir: Path) -> Habits:
    """The habits of the train split of a dataset directory. Raises DatasetMissing."""
    return estimate_habits(list(read_habit_picks(dataset_dir)))


def read_habit_picks(dataset_dir: Path) -> Iterator[Pick]:
    for body in read_split(dataset_dir, "choices", "train"):
        choice = settle_line(body)
        if not isinstance(choice, Refusal) and choice.kind in COUNTED:
            yield make_habit_pick(choice, conversation_of(body, choice.id or canonical_hash(body)))


def make_habit_pick(choice: ChoiceForm, conversation: str) -> Pick:
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


def estimate_habits(picks: Sequence[Pick]) -> Habits:
    """Offsets from all picks; taste and the lapses of agents with at least 30 picks at the highest likelihood
    under the prior: the point that EM climbs to, reached directly, since EM creeps where taste and lapses can
    stand in for each other.
    """
    if not picks:
        return Habits()
    counts = Counter(pick.agent for pick in picks if pick.agent is not None)
    agents = sorted(agent for agent, count in counts.items() if count >= MIN_PICKS)
    number = {agent: place for place, agent in enumerate(agents)}
    who = np.array([number.get(pick.agent or "", len(agents)) for pick in picks])
    laid_out = lay_out_picks(picks)
    taste, lapses = fit_lapses(laid_out, who, len(agents))
    ratios, _ = laid_out.ratios(taste)
    gain = float(np.log(lapses[who] + (1 - lapses[who]) * ratios).mean())
    return Habits(
        offsets=tuple(map(float, fit_slot_offsets(picks))),
        lapses={agent: min(float(lapses[place]), MAX_LAPSE) for agent, place in number.items()},
        gain=gain,
    )


@dataclass(frozen=True, eq=False)
class Taste:
    """What is fitted to picks: a row for each reply, a group for each pick; `blind`, (picks,): the logarithm
    of the chance that a blind pick falls on what was picked.
    """

    rows: ChoiceRows
    blind: Array

    def ratios(self, taste: Array) -> tuple[Array, Array]:
        """For each pick how much likelier the taste makes what was picked than chance does, (picks,), and the
        slope of its logarithm by the utility of each reply, (rows,).
        """
        logs, slopes = self.rows.log_shares(self.rows.x @ taste)
        return np.exp(logs - self.blind), slopes


def lay_out_picks(picks: Sequence[Pick]) -> Taste:
    opinions = find_opinions(
        [pick.words for pick in picks],
        [pick.picked for pick in picks],
        [pick.conversation for pick in picks],
    )
    rows = ChoiceRows(
        x=np.column_stack([np.concatenate([pick.features for pick in picks]), np.concatenate(opinions)]),
        starts=find_starts(len(pick.slots) for pick in picks),
        chosen=np.array([place in pick.picked for pick in picks for place in range(len(pick.slots))]),
    )
    return Taste(rows, np.log([len(pick.picked) / len(pick.slots) for pick in picks]))


def fit_lapses(picks: Taste, who: NDArray[np.int_], agents: int) -> tuple[Array, Array]:
    """The weights of the features, (f,), and the lapse of each agent, (agents + 1,): the last is the prior,
    for everybody whose number in `who` is `agents`.
    """
    x, group = picks.rows.x, picks.rows.group
    width = x.shape[1]
    unset = log(PRIOR_LAPSE / (1 - PRIOR_LAPSE))

    def loss(point: Array) -> tuple[float, Array]:
        taste, lapses = point[:width], expit(np.append(point[width:], unset))
        ratios, slopes = picks.ratios(taste)
        mixed = lapses[who] + (1 - lapses[who]) * ratios
        blind = lapses[who] / mixed  # how likely each pick was made without looking
        seen = np.bincount(who, minlength=agents + 1)[:agents]
        free = point[width:]
        prior = PRIOR_PICKS * (PRIOR_LAPSE * log_expit(free) + (1 - PRIOR_LAPSE) * log_expit(-free)).sum()
        likely = np.log(mixed).sum() + prior - PULL * taste @ taste
        by_taste = x.T @ ((1 - blind)[group] * slopes) - 2 * PULL * taste
        # In logits: blind picks found and of the prior, less those that the rate would give.
        found = np.bincount(who, weights=blind, minlength=agents + 1)[:agents] + PRIOR_PICKS * PRIOR_LAPSE
        by_lapse = found - expit(free) * (seen + PRIOR_PICKS)
        return -float(likely) / len(who), -np.concatenate([by_taste, by_lapse]) / len(who)

    start = np.concatenate([np.zeros(width), np.full(agents, unset)])
    options = {"maxiter": 2000, "ftol": 1e-13, "gtol": 1e-8}
    point = minimize(loss, start, jac=True, method="L-BFGS-B", options=options).x
    return point[:width], expit(np.append(point[width:], unset))
