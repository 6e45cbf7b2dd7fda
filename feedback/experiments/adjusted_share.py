"""The support rate with slot, length and style taken out: a multinomial logit over the cards of each set.

The chance of a card is softmax(x b) over the cards shown. x holds the arm (+1/2 tuned, -1/2 base, 0 a text of
both), the log of the length, list items and other markdown (log of 1 + count), and a constant for each slot
after the first. The adjusted share is the chance of a tuned card against a base one of the same slot, length
and style, sigma(b_arm). Standard errors come from leaving out one agent at a time (one Newton step each), so
they hold when an agent's picks resemble each other.

Imports numpy and scipy, so the web imports it inside functions only.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import exp, log, log1p

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from feedback.experiments.conditional_logit import ChoiceRows, Floats, find_starts, fit_logit
from feedback.experiments.picks import CountedPick
from feedback.records.candidate import BASE, BOTH, TUNED
from feedback.records.cards import Card

ARM = "arm"
ARM_CODES = {TUNED: 0.5, BASE: -0.5}
# A weak prior on every coefficient: without it nothing is finite when one arm wins every pick. Two hundred
# picks at 60 % outweigh it a thousand times.
PRIOR_SD = 5.0


@dataclass(frozen=True)
class Coefficient:
    """A coefficient in nats; its cluster-robust standard error is None with fewer than two agents."""

    value: float
    error: float | None


@dataclass(frozen=True)
class AdjustedShare:
    """The adjusted share. `coefficients` lack the columns that never differ within a set."""

    share: float
    picks: int
    agents: int
    coefficients: dict[str, Coefficient]

    def bound(self, confidence: float) -> float:
        """One-sided lower confidence bound of the share; 0 with fewer than two agents."""
        arm = self.coefficients[ARM]
        if arm.error is None:
            return 0.0
        return sigma(arm.value - float(stdtrit(self.agents - 1, confidence)) * arm.error)


@dataclass(frozen=True)
class Sheet:
    """The design of the fit: a row for each card, a group for each pick; `agent` numbers agents from 0.

    A tie within one arm gives one group for each of its cards; the weights of these groups sum to one pick.
    """

    rows: ChoiceRows
    agent: NDArray[np.intp]
    names: tuple[str, ...]


def adjust_share(picks: Sequence[CountedPick]) -> AdjustedShare | None:
    """Fits the adjusted share; None if no pick decides between the arms."""
    decided = [pick for pick in picks if pick.won != BOTH]
    return fit_sheet(lay_out_cards(decided)) if decided else None


def lay_out_cards(picks: Sequence[CountedPick]) -> Sheet:
    slots = 1 + max(card.slot for pick in picks for card in pick.cards)
    names = (ARM, "log_length", "lists", "markup", *(f"slot_{slot}" for slot in range(1, slots)))
    numbers = {agent: number for number, agent in enumerate(dict.fromkeys(pick.agent for pick in picks))}
    groups = [(pick, slot) for pick in picks for slot in pick.slots]
    rows = ChoiceRows(
        x=np.array([describe_features(card, slots) for pick, _ in groups for card in pick.cards]),
        starts=find_starts(len(pick.cards) for pick, _ in groups),
        chosen=np.array([card.slot == slot for pick, slot in groups for card in pick.cards]),
        weights=np.array([1 / len(pick.slots) for pick, _ in groups]),
    )
    return Sheet(rows, np.array([numbers[pick.agent] for pick, _ in groups]), names)


def describe_features(card: Card, slots: int) -> list[float]:
    style = [log(max(card.length, 1)), log1p(card.lists), log1p(card.markup)]
    return [ARM_CODES.get(card.arm, 0.0), *style, *(float(card.slot == slot) for slot in range(1, slots))]


def fit_sheet(sheet: Sheet, *, prior_sd: float = PRIOR_SD) -> AdjustedShare | None:
    """Fits the model; None if no set shows both arms."""
    rows, agents = sheet.rows, int(sheet.agent.max()) + 1
    shown = 1 / np.bincount(rows.group)
    centred = rows.x - mean_over(rows, shown[rows.group])
    varies = np.abs(centred).max(axis=0) > 1e-9
    names = tuple(name for name, kept in zip(sheet.names, varies, strict=True) if kept)
    if ARM not in names:
        return None
    rows = replace(rows, x=centred[:, varies])
    b = fit_logit(rows, precision=1 / prior_sd**2)
    errors = cluster_errors(rows, sheet.agent, b, prior_sd) if agents > 1 else [None] * len(b)
    coefficients = {
        name: Coefficient(float(value), None if error is None else float(error))
        for name, value, error in zip(names, b, errors, strict=True)
    }
    picks = len(rows.starts) if rows.weights is None else round(rows.weights.sum())
    return AdjustedShare(sigma(coefficients[ARM].value), picks, agents, coefficients)


def cluster_errors(rows: ChoiceRows, agent: NDArray[np.intp], b: Floats, prior_sd: float) -> Floats:
    """Jackknife (CR3) cluster-robust standard errors, one per coefficient, (columns,). Leaving agent g out of
    G moves b by -(A - A_g)^-1 s_g to first order, where s_g is the agent's score and A_g their part of the
    information A. The variance is (G - 1) / G times the sum of the squares.
    """
    _, slopes = rows.log_shares(rows.x @ b)
    weights = np.ones(len(rows.chosen)) if rows.weights is None else rows.weights[rows.group]
    chances = rows.chosen - slopes
    pulled, centred = (weights * slopes)[:, None] * rows.x, rows.x - mean_over(rows, chances)
    spread, agents = (weights * chances)[:, None] * centred, int(agent.max()) + 1
    own = [agent[rows.group] == number for number in range(agents)]
    scores = np.stack([pulled[its].sum(axis=0) for its in own])
    informations = np.stack([spread[its].T @ centred[its] for its in own])
    rest = informations.sum(axis=0) - informations + np.eye(len(b)) / prior_sd**2
    moved = np.linalg.solve(rest, scores[..., None])[..., 0]
    return np.asarray(np.sqrt((agents - 1) / agents * (moved**2).sum(axis=0)))


def mean_over(rows: ChoiceRows, shares: Floats) -> Floats:
    """The mean of `x` over each row's group, (rows, columns); `shares`, (rows,), sum to 1 in a group."""
    return np.asarray(np.add.reduceat(shares[:, None] * rows.x, rows.starts)[rows.group])


def sigma(value: float) -> float:
    return 1 / (1 + exp(-value)) if value >= 0 else exp(value) / (1 + exp(value))
