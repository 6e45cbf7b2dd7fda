"""The bias of a slot: how often a reply is picked for where it stands, without a word of it read."""

from collections import Counter
from collections.abc import Sequence
from itertools import chain
from typing import Protocol

import numpy as np

from feedback.experiments.conditional_logit import ChoiceRows, Floats, find_starts, fit_logit

PULL = 1e-3  # nats: keeps the offset of a slot nobody ever picked finite


class SlotPick(Protocol):
    """As much of a choice as a rule of slots needs: the slot of each reply, and which places were picked."""

    @property
    def slots(self) -> tuple[int, ...]: ...

    @property
    def picked(self) -> frozenset[int]: ...


def fit_slot_offsets(offers: Sequence[SlotPick]) -> Floats:
    """Maximum-likelihood offset of each slot: all that can be known without reading a word."""
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
