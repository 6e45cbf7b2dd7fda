"""The bias of a slot: how often a reply is picked for where it stands, without a word of it read."""

from collections import Counter
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

Array = NDArray[np.float64]


PULL = 1e-3  # nats: keeps the offset of a slot nobody ever picked finite


class SlotPick(Protocol):
    """As much of a choice as a rule of slots needs: the slot of each reply, and which places were picked."""

    @property
    def slots(self) -> tuple[int, ...]: ...

    @property
    def picked(self) -> frozenset[int]: ...


def fit_slot_offsets(offers: Sequence[SlotPick]) -> Array:
    """Maximum-likelihood offset of each slot: all that can be known without reading a word."""
    size = 1 + max(max(offer.slots) for offer in offers)
    # Offers that look alike to a slot rule are counted once: 30,000 rows become a few dozen.
    alike = Counter(
        (offer.slots, tuple(sorted(offer.slots[place] for place in offer.picked))) for offer in offers
    )

    def loss(offsets: Array) -> tuple[float, Array]:
        total, gradient = PULL * float(offsets @ offsets), 2 * PULL * offsets
        for (shown, picked), count in alike.items():
            weights = np.where(np.isin(np.arange(size), shown), np.exp(offsets - offsets.max()), 0.0)
            chosen = np.where(np.isin(np.arange(size), picked), weights, 0.0)
            total -= count * float(np.log(chosen.sum() / weights.sum())) / len(offers)
            gradient = gradient + count * (weights / weights.sum() - chosen / chosen.sum()) / len(offers)
        return total, gradient

    return np.asarray(minimize(loss, np.zeros(size), jac=True, method="L-BFGS-B").x)
