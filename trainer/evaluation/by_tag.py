"""What an adapter has learnt of each tag that its recipe weighs, on held-out choices. Pure numbers."""

from collections.abc import Sequence

import numpy as np

from trainer.data.choices import Offer
from trainer.evaluation.baselines import Array, bootstrap, find_nats, uniform_logits
from trainer.evaluation.report import TagFigures
from trainer.recipes.tag_weights import TagWeight, TagWeights, has_tag


def measure_by_tag(
    offers: Sequence[Offer], logits: Sequence[Array], weights: TagWeights, *, seed: int
) -> dict[str, TagFigures]:
    """The figures of each tag. A choice with several of them counts in each."""
    return {name: _measure(offers, logits, name, one, seed) for name, one in weights.items()}


def _measure(
    offers: Sequence[Offer], logits: Sequence[Array], name: str, weight: TagWeight, seed: int
) -> TagFigures:
    places = [place for place, offer in enumerate(offers) if has_tag(name, weight, offer.tags)]
    own = [offers[place] for place in places]
    conversations = [offer.conversation for offer in own]
    counted = TagFigures(weight=weight.weight, n=len(own), conversations=len(set(conversations)))
    if not own:
        return counted
    blind = find_nats(own, uniform_logits(own))
    adapter = find_nats(own, [logits[place] for place in places])
    interval = bootstrap(blind - adapter, conversations, seed=seed) if counted.conversations > 1 else None
    return counted.model_copy(
        update={
            "uniform": float(np.mean(blind)),
            "adapter": float(np.mean(adapter)),
            "gain": float(np.mean(blind - adapter)),
            "gain_ci95": interval,
        }
    )
