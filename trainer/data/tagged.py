"""How many records a run learns from have each tag that its recipe weighs, or one below it."""

import logging
from itertools import chain
from pathlib import Path

from feedback.datasets.build import read_split
from feedback.datasets.layout import FORMATS
from trainer.data.pair_rows import PAIR_KINDS
from trainer.recipes.tag_weights import TagWeights, has_tag

log = logging.getLogger(__name__)


def count_tagged(dataset_dir: Path, weights: TagWeights) -> dict[str, int]:
    """Counts records of the train split by tag, and warns of a tag that none of them has."""
    counts = dict.fromkeys(weights, 0)
    for record in chain.from_iterable(read_split(dataset_dir, name, "train") for name in FORMATS if weights):
        if "chosen" in record and record.get("kind") not in PAIR_KINDS:
            continue  # it repeats a choice
        for name, one in weights.items():
            counts[name] += has_tag(name, one, record.get("tags") or ())
    for name, one in weights.items():
        if not counts[name]:
            log.warning(
                "tag_weights: no record of the train split has the tag %r or one below it: %g weighs nothing",
                name,
                one.weight,
            )
    return counts
