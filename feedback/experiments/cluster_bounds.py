"""Confidence bounds of a share whose picks come in clusters: picks of one agent resemble each other more than
those of different agents.

The bound is the jackknife over agents with Student's t on one degree less than there are agents, and never
higher than Wilson's bound for independent picks: a handful of agents who agree by luck prove less than their
picks. Works on whole arrays of histories. Imports numpy and scipy, so the web imports it inside functions
only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri, stdtrit

from feedback.experiments.sequential_tests import wilson_end

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class WithoutAgent:
    """The share without one agent's picks; None if no picks are left."""

    agent: str
    picks: int
    share: float
    rest: float | None


def share_bound(tuned: ArrayLike, picks: ArrayLike, *, confidence: float) -> Floats:
    """One-sided lower bound of tuned's share, from each agent's picks along the last axis.

    Agents without picks are left out. With fewer than two agents, or no pick, the bound is 0, since nothing
    is known about how agents differ. The variance is the jackknife's (CR3): (G - 1) / G times the sum of c^2
    / (n - N)^2 over the G agents. Of all n picks, agent g made N, of which K are for tuned, and c = K - share
    * N.
    """
    k, n = np.asarray(tuned, dtype=float), np.asarray(picks, dtype=float)
    total, agents = n.sum(axis=-1), (n > 0).sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = k.sum(axis=-1) / total
        moved = (k - share[..., None] * n) / (total[..., None] - n)
        variance = (agents - 1) / agents * (moved**2).sum(axis=-1)
        clustered = share - stdtrit(agents - 1, confidence) * np.sqrt(variance)
        bound = np.minimum(clustered, wilson_end(share, total, z=-ndtri(confidence), sqrt=np.sqrt))
    return np.where(agents >= 2, np.clip(np.nan_to_num(bound, nan=0.0, neginf=0.0), 0.0, 1.0), 0.0)


def leave_one_out(agents: Sequence[str], tuned: Sequence[int], picks: Sequence[int]) -> list[WithoutAgent]:
    """The shares without each agent in turn, lowest share first."""
    won, n = sum(tuned), sum(picks)
    found = [
        WithoutAgent(agent, its, k / its, (won - k) / (n - its) if n > its else None)
        for agent, k, its in zip(agents, tuned, picks, strict=True)
        if its
    ]
    return sorted(found, key=lambda without: (-1.0 if without.rest is None else without.rest, without.agent))
