"""Position bias: how often a reply is picked because of the slot it is shown in, whatever it says."""

from collections import Counter
from collections.abc import Sequence
from itertools import chain
from typing import Protocol

import numpy as np

from feedback.experiments.conditional_logit import ChoiceRows, Floats, find_starts, fit_logit

PULL = 1e-3  # nats, a ridge penalty: keeps the offset of a slot that nobody ever picked finite


class SlotPick(Protocol):
    """The part of a choice that a slot rule needs: the slot of each reply, and the places picked."""

    @property
    def slots(self) -> tuple[int, ...]: ...

    @property
    def picked(self) -> frozenset[int]: ...


def fit_slot_offsets(offers: Sequence[SlotPick]) -> Floats:
    """The maximum-likelihood offset of each slot, a logit: what can be predicted without reading a word."""
    size = 1 + max(max(offer.slots) for offer in offers)
    # Offers that look alike to a slot rule are counted once: 30,000 rows become a few dozen.
    alike = Counter(
        (tuple(sorted(set(offer.slots))), frozenset(offer.slots[place] for place in offer.picked))
        for offer in offers
    )
    rows = ChoiceRows(
        x=np.eye(size)[list(chain.from_iterable(shown for shown, _ in alike))],
        starts=find_starts(len(shown) for shown, _ in alike),
        chosen=np.array([slot in picked for shown, picked in alike for slot in shown]),
        weights=np.array(list(alike.values()), dtype=float),
    )
    return fit_logit(rows, precision=2 * PULL * len(offers))
