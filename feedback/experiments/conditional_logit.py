"""The support rate with slot, length and style taken out: a multinomial logit over the cards of each set.

The chance of a card is softmax(x b) over the cards shown. x holds the arm (+1/2 tuned, -1/2 base, 0 a text of
both), the log of the length, list items and other markdown (log of 1 + count), and a constant for each slot
after the first. The adjusted share is the chance of a tuned card against a base one of the same slot, length
and style, sigma(b_arm). Standard errors come from leaving out one agent at a time (one Newton step each), so
they hold when an agent's picks resemble each other.

Imports numpy and scipy, so the web imports it inside functions only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log, log1p
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from feedback.experiments.picks import CountedPick
from feedback.records.candidate import BASE, BOTH, TUNED
from feedback.records.cards import Card

Floats = NDArray[np.floating[Any]]

ARM = "arm"
ARM_CODES = {TUNED: 0.5, BASE: -0.5}
# A weak prior on every coefficient: without it nothing is finite when one arm wins every pick. Two hundred
# picks at 60 % outweigh it a thousand times.
PRIOR_SD = 5.0
STEPS = 50
ENOUGH_GRADIENT = 1e-9  # per pick, in nats


@dataclass(frozen=True)
class Coefficient:
    """In nats; `error` is the clustered standard error, None with fewer than two agents."""

    value: float
    error: float | None


@dataclass(frozen=True)
class AdjustedShare:
    """`coefficients` by name; a column that never differs within a set is left out."""

    share: float
    picks: int
    agents: int
    coefficients: dict[str, Coefficient]

    def bound(self, confidence: float) -> float:
        """One-sided lower bound of the share; 0 with fewer than two agents."""
        arm = self.coefficients[ARM]
        if arm.error is None:
            return 0.0
        return sigma(arm.value - float(stdtrit(self.agents - 1, confidence)) * arm.error)


@dataclass(frozen=True)
class Sheet:
    """What is fitted: `x` (picks, cards, columns), `shown` (picks, cards), `won` the same with rows summing
    to 1, `agent` (picks,) as numbers from 0.
    """

    x: Floats
    shown: NDArray[np.bool_]
    won: Floats
    agent: NDArray[np.intp]
    names: tuple[str, ...]


def adjust_share(picks: Sequence[CountedPick]) -> AdjustedShare | None:
    """None where no pick decides between the arms."""
    decided = [pick for pick in picks if pick.won != BOTH]
    return fit_sheet(lay_out(decided)) if decided else None


def lay_out(picks: Sequence[CountedPick]) -> Sheet:
    """A tie within one arm is shared out evenly among its cards."""
    slots = 1 + max(card.slot for pick in picks for card in pick.cards)
    cards = max(len(pick.cards) for pick in picks)
    names = (ARM, "log_length", "lists", "markup", *(f"slot_{slot}" for slot in range(1, slots)))
    x = np.zeros((len(picks), cards, len(names)))
    shown = np.zeros((len(picks), cards), dtype=bool)
    won = np.zeros((len(picks), cards))
    numbers = {agent: number for number, agent in enumerate(dict.fromkeys(pick.agent for pick in picks))}
    for row, pick in enumerate(picks):
        for column, card in enumerate(pick.cards):
            shown[row, column] = True
            x[row, column] = describe(card, slots)
            won[row, column] = (card.slot in pick.slots) / len(pick.slots)
    return Sheet(x, shown, won, np.array([numbers[pick.agent] for pick in picks]), names)


def describe(card: Card, slots: int) -> list[float]:
    style = [log(max(card.length, 1)), log1p(card.lists), log1p(card.markup)]
    return [ARM_CODES.get(card.arm, 0.0), *style, *(float(card.slot == slot) for slot in range(1, slots))]


def fit_sheet(sheet: Sheet, *, prior_sd: float = PRIOR_SD) -> AdjustedShare | None:
    """None where the arms stand in no set against each other."""
    mean = mean_over(sheet.x, sheet.shown / sheet.shown.sum(axis=1, keepdims=True))
    varies = (np.abs(sheet.x - mean[:, None]) * sheet.shown[..., None]).max(axis=(0, 1)) > 1e-9
    names = tuple(name for name, kept in zip(sheet.names, varies, strict=True) if kept)
    if ARM not in names:
        return None
    x = (sheet.x - mean[:, None])[..., varies]
    b = fit(x, sheet, prior_sd)
    errors = cluster_errors(x, sheet, b, prior_sd)
    coefficients = {
        name: Coefficient(float(value), None if errors is None else float(errors[column]))
        for column, (name, value) in enumerate(zip(names, b, strict=True))
    }
    agents = int(sheet.agent.max()) + 1
    return AdjustedShare(sigma(coefficients[ARM].value), len(x), agents, coefficients)


def fit(x: Floats, sheet: Sheet, prior_sd: float) -> Floats:
    """Newton's method on a concave sum; a step that would lower it is halved."""
    b, prior = np.zeros(x.shape[-1]), 1 / prior_sd**2
    value = log_likelihood(x, sheet, b) - prior * b @ b / 2
    for _ in range(STEPS):
        score, information = derive(x, sheet, b)
        gradient = score.sum(axis=0) - prior * b
        if np.abs(gradient).max() <= ENOUGH_GRADIENT * len(x):
            break
        step = np.linalg.solve(information.sum(axis=0) + prior * np.eye(len(b)), gradient)
        while (
            new := log_likelihood(x, sheet, b + step) - prior * (b + step) @ (b + step) / 2
        ) < value - 1e-9:
            step = step / 2
        b, value = b + step, new
    return b


def cluster_errors(x: Floats, sheet: Sheet, b: Floats, prior_sd: float) -> Floats | None:
    """The sandwich with each agent's score blown up by the agent's own weight in the fit: taking agent g out
    moves b by -(A - A_g)^-1 s_g to first order; (G - 1) / G times the sum of squares is the variance.
    """
    score, information = derive(x, sheet, b)
    agents = int(sheet.agent.max()) + 1
    if agents < 2:
        return None
    scores, informations = np.zeros((agents, len(b))), np.zeros((agents, len(b), len(b)))
    np.add.at(scores, sheet.agent, score)
    np.add.at(informations, sheet.agent, information)
    rest = informations.sum(axis=0) - informations + np.eye(len(b)) / prior_sd**2
    moved = np.linalg.solve(rest, scores[..., None])[..., 0]
    return np.asarray(np.sqrt((agents - 1) / agents * (moved**2).sum(axis=0)))


def derive(x: Floats, sheet: Sheet, b: Floats) -> tuple[Floats, Floats]:
    """Score (picks, columns) and information (picks, columns, columns) of each pick at b."""
    chance = np.exp(log_chances(x, sheet, b))
    centred = x - mean_over(x, chance)[:, None]
    score = ((sheet.won - chance)[..., None] * x).sum(axis=1)
    return score, np.swapaxes(centred * chance[..., None], 1, 2) @ centred


def log_likelihood(x: Floats, sheet: Sheet, b: Floats) -> float:
    return float((sheet.won * np.where(sheet.shown, log_chances(x, sheet, b), 0.0)).sum())


def log_chances(x: Floats, sheet: Sheet, b: Floats) -> Floats:
    """(picks, cards); minus infinity where no card is."""
    utility = np.where(sheet.shown, x @ b, -np.inf)
    utility = utility - utility.max(axis=1, keepdims=True)
    return np.asarray(utility - np.log(np.exp(utility).sum(axis=1, keepdims=True)))


def mean_over(x: Floats, weights: Floats) -> Floats:
    return np.asarray((weights[..., None] * x).sum(axis=1))


def sigma(value: float) -> float:
    return 1 / (1 + exp(-value)) if value >= 0 else exp(value) / (1 + exp(value))
