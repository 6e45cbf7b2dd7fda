"""Simulates desks for `bench.gate`: whole histories of picks, many at a time, as numpy arrays.

Every set has two cards of each arm in random slots. An agent picks by a multinomial logit with three terms:
their own arm effect (a tuned card beats a base card of equal slot and length with the agent's share), an
offset for each slot, and a preference for length. The busiest agent judges four times as often as the least
busy one.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from feedback.experiments.adjusted_share import ARM, ARM_CODES, Sheet
from feedback.experiments.conditional_logit import ChoiceRows
from feedback.records.candidate import BASE, TUNED

Floats = NDArray[np.floating[Any]]
Integers = NDArray[np.integer[Any]]

CARDS = 4
BUSIEST = 4.0  # picks of the busiest agent over those of the least busy
MEAN_LENGTH = 120  # characters
LENGTH_SD = 0.4  # standard deviation of log length


@dataclass(frozen=True)
class Team:
    """The agents of a simulation. `share` is the mean over agents of the probability that tuned beats base at
    equal slot and length; slot offsets and length preferences are in nats, given by mean and standard
    deviation over agents.
    """

    agents: int
    share: float = 0.5
    taste_sd: float = 0.0
    first_slot: float = 0.2
    slot_sd: float = 0.2
    length_liking: float = 0.3
    length_sd: float = 0.2
    longer: float = 1.0  # how many times as long tuned's replies are


@dataclass(frozen=True)
class Histories:
    """Simulated picks: arrays (histories, picks) or, of cards in slot order, (histories, picks, cards)."""

    agent: Integers
    won: NDArray[np.bool_]
    slot: Integers
    tuned: NDArray[np.bool_]
    log_length: Floats
    agents: int

    def lay_out(self, history: int, until: int) -> Sheet:
        """The first `until` picks of one history as input of the adjusted fit."""
        chosen = self.slot[history, :until, None] == np.arange(CARDS)
        arm = np.where(self.tuned[history, :until], ARM_CODES[TUNED], ARM_CODES[BASE])
        slots = np.broadcast_to(np.eye(CARDS)[:, 1:], (until, CARDS, CARDS - 1))
        x = np.concatenate([arm[..., None], self.log_length[history, :until, :, None], slots], axis=-1)
        agent = np.unique(self.agent[history, :until], return_inverse=True)[1]
        names = (ARM, "log_length", *(f"slot_{slot}" for slot in range(1, CARDS)))
        starts = np.arange(0, until * CARDS, CARDS)
        return Sheet(ChoiceRows(x.reshape(-1, x.shape[-1]), starts, chosen.ravel()), agent, names)


def draw_agent_shares(rng: np.random.Generator, team: Team, histories: int) -> Floats:
    """A share for each agent of each history, kept between 0.02 and 0.98: (histories, agents)."""
    return np.clip(rng.normal(team.share, team.taste_sd, (histories, team.agents)), 0.02, 0.98)


def draw_agents(rng: np.random.Generator, team: Team, histories: int, picks: int) -> Integers:
    busy = np.linspace(1.0, BUSIEST, team.agents)
    return rng.choice(team.agents, size=(histories, picks), p=busy / busy.sum())


def draw_histories(rng: np.random.Generator, team: Team, histories: int, picks: int) -> Histories:
    shares = draw_agent_shares(rng, team, histories)
    offsets = rng.normal(0.0, team.slot_sd, (histories, team.agents, CARDS))
    offsets[..., 0] += team.first_slot
    liking = rng.normal(team.length_liking, team.length_sd, (histories, team.agents))
    agent = draw_agents(rng, team, histories, picks)
    row = np.arange(histories)[:, None]
    tuned = rng.permuted(np.broadcast_to(np.arange(CARDS) < 2, (histories, picks, CARDS)), axis=-1)
    log_length = rng.normal(np.log(MEAN_LENGTH), LENGTH_SD, (histories, picks, CARDS))
    log_length += np.log(team.longer) * tuned
    utility = tuned * np.log(shares / (1 - shares))[row, agent][..., None]
    utility += offsets[row, agent] + liking[row, agent][..., None] * log_length
    utility += rng.gumbel(size=utility.shape)
    slot = utility.argmax(axis=-1)
    won = np.take_along_axis(tuned, slot[..., None], axis=-1)[..., 0]
    return Histories(agent, won, slot, tuned, log_length, team.agents)


def count_before(histories: Histories) -> tuple[Integers, Integers]:
    """Picks won by tuned, and picks made, by the same agent before each pick: both (histories, picks)."""
    won, made = np.zeros_like(histories.agent), np.zeros_like(histories.agent)
    for agent in range(histories.agents):
        its = histories.agent == agent
        made[its] = (its.cumsum(axis=1) - its)[its]
        its_won = its & histories.won
        won[its] = (its_won.cumsum(axis=1) - its_won)[its]
    return won, made


def count_by_agent(histories: Histories, ends: Integers) -> tuple[Integers, Integers]:
    """Picks won by tuned, and all picks, up to each of `ends`: both (histories, looks, agents)."""
    is_of = histories.agent[..., None] == np.arange(histories.agents)
    won = (is_of & histories.won[..., None]).cumsum(axis=1, dtype=np.int32)
    return won[:, ends - 1], is_of.cumsum(axis=1, dtype=np.int32)[:, ends - 1]
