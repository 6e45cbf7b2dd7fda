"""Compares ways to bound a share when picks are clustered by agent: how often each errs with few agents.

Used by `bench.gate`; the method in use is in `feedback/experiments/cluster_bounds.py`.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit

from bench.histories import Floats, Integers, Team, draw_agent_shares
from feedback.experiments.cluster_bounds import share_bound
from feedback.experiments.sequential_tests import wilson_end

RESAMPLES = 1000
PIECE = 200  # histories resampled at a time: 200 x 1,000 doubles, 2 MB


def draw_counts(
    rng: np.random.Generator, team: Team, histories: int, picks: int, busiest: float
) -> tuple[Integers, Integers]:
    """Picks won and picks made by each agent, both (histories, agents); no effect of slot or length."""
    busy = np.linspace(1.0, busiest, team.agents)
    made = rng.multinomial(picks, busy / busy.sum(), size=histories)
    return rng.binomial(made, draw_agent_shares(rng, team, histories)), made


def bound_all(
    rng: np.random.Generator, won: Integers, made: Integers, confidence: float
) -> dict[str, NDArray[np.floating]]:
    """One-sided lower bounds of the share by method name, each of shape (histories,)."""
    k, n = won.astype(float), made.astype(float)
    total, agents = n.sum(axis=1), n.shape[1]
    share, part = k.sum(axis=1) / total, n / total[:, None]
    moved = (k - share[:, None] * n) / total[:, None]
    z, t = ndtri(confidence), stdtrit(agents - 1, confidence)
    plain = (moved**2).sum(axis=1)
    return {
        "wilson": wilson_end(share, total, z=-z, sqrt=np.sqrt),
        "sandwich_z": share - z * np.sqrt(plain),
        "cr1_t": share - t * np.sqrt(plain * agents / (agents - 1)),
        "cr2_t": share - t * np.sqrt((moved**2 / (1 - part)).sum(axis=1)),
        "bootstrap": bootstrap_bound(rng, k, n, confidence),
        "chosen": share_bound(k, n, confidence=confidence),
    }


def bootstrap_bound(rng: np.random.Generator, won: Floats, made: Floats, confidence: float) -> Floats:
    """The percentile bootstrap bound: shares when agents are drawn with replacement."""
    agents = made.shape[1]
    times = rng.multinomial(agents, np.full(agents, 1 / agents), size=RESAMPLES).T
    pieces = [slice(start, start + PIECE) for start in range(0, len(won), PIECE)]
    shares = ((won[piece] @ times) / np.maximum(made[piece] @ times, 1) for piece in pieces)
    return np.concatenate([np.quantile(each, 1 - confidence, axis=1) for each in shares])
