"""Which held-out picks an adapter did not predict, and how sure it was of another reply."""

from collections.abc import Sequence

from feedback.labelling.missed import Missed
from trainer.data.choices import Offer
from trainer.evaluation.baselines import Array, find_hit, find_nats, scale_logits


def list_missed(offers: Sequence[Offer], shift: Sequence[Array], scale: float) -> list[Missed]:
    """The offers of which the adapter ranks another reply first, or none before all others.

    `shift`: its log-ratios. They are ranked unscaled: a scale of 0 would make all of them equal.
    """
    nats = find_nats(offers, scale_logits(scale, shift))
    return [
        Missed("choice", offer.source, offer.id, round(float(cost), 6), offer.slots[int(row.argmax())])
        for offer, row, cost in zip(offers, shift, nats, strict=True)
        if find_hit(offer, row) < 1
    ]
