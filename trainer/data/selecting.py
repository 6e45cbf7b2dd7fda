"""Takes part of what an objective of TRL's learns from, which knows no weights of rows: thinned by weight, in
a seeded order that more data keep, refused where it is too long or cannot be read.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterable
from typing import NamedTuple, TypeVar

from trainer.data.pair_rows import TrainingRows, hash_share
from trainer.errors import TextRefused

log = logging.getLogger(__name__)

Row = TypeVar("Row")


class Selectable(NamedTuple):
    """What may be learnt from. `key` is its own among all; `source` is what the row is made of."""

    key: str
    weight: float
    source: object


def select_rows(
    candidates: Iterable[Selectable],
    make: Callable[[object], tuple[Row, int]],
    *,
    limit: int | None,
    max_length: int,
    seed: int,
) -> TrainingRows[Row]:
    """At most `limit` rows. `make` returns a row and its tokens, or raises TextRefused."""
    refusals: Counter[str] = Counter()
    kept: list[tuple[float, str, object]] = []
    found = 0
    for key, weight, source in candidates:
        found += 1
        if hash_share("weight", key) < weight:
            kept.append((hash_share("select", seed, key), key, source))
    refusals["thinned_by_weight"] = found - len(kept)
    kept.sort(key=lambda each: each[:2])
    refusals["over_limit"] = len(kept[limit:]) if limit is not None else 0
    rows = []
    for _, key, source in kept[:limit]:
        try:
            row, tokens = make(source)
        except TextRefused as refused:
            refusals[refused.reason] += 1
            log.info("%s is left out (%s): %s", key, refused.reason, refused)
            continue
        if tokens > max_length:
            refusals["too_long"] += 1
        else:
            rows.append(row)
    return TrainingRows(rows, found, +refusals)
