"""Which pairs of a dataset a run trains on: thinned by weight, limited by a seeded hash, refused when too
long.

Reads the dataset's `pairs.jsonl` as a stream: memory holds the rows that are kept and no others.
"""

import hashlib
import heapq
import json
import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from feedback.datasets.build import read_split
from trainer.data.tokens import encode_prompt, encode_reply, find_day
from trainer.errors import TextRefused
from trainer.recipes.tag_weights import TagWeights, weigh_tags

log = logging.getLogger(__name__)

Row = TypeVar("Row")
Pair = dict[str, Any]
PairRow = dict[str, list[int]]  # prompt_ids, chosen_ids, rejected_ids
NO_WEIGHTS: TagWeights = {}
PAIR_KINDS = ("pair", "thumbs")  # of pairs that repeat no choice


@dataclass(frozen=True)
class TrainingRows(Generic[Row]):
    """Tokenised rows of a split. `found`: before any was left out; `refusals`: those left out, by reason."""

    examples: list[Row]
    found: int
    refusals: Counter[str] = field(default_factory=Counter)


def hash_share(*words: object) -> float:
    """A stable pseudo-random number in [0, 1) for these words, used to thin and select rows."""
    digest = hashlib.sha256("\x1f".join(map(str, words)).encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def pair_key(pair: Pair) -> str:
    """The pair's id, or its content if it has no id."""
    return str(
        pair.get("id") or json.dumps([pair["prompt"], pair["chosen"], pair["rejected"]], sort_keys=True)
    )


def count_copies(pair: Pair, weights: TagWeights) -> int:
    """How often TRL, which takes no weights, gets the row: of weight 0.5, always the same half of ids once,
    of 2.5 all twice and one half a third time. A record by itself is one row at most; tags may repeat it.
    """
    weight = min(1.0, float(pair.get("weight", 1.0))) * weigh_tags(weights, pair.get("tags") or ())
    whole, rest = divmod(weight, 1.0)
    return int(whole) + (hash_share("weight", pair_key(pair)) < rest)


def select_pairs(
    dataset_dir: Path, split: str, *, limit: int | None, seed: int, weights: TagWeights = NO_WEIGHTS
) -> tuple[list[Pair], int, Counter[str]]:
    """At most `limit` rows of a split, thinned and repeated by weight; the number of pairs found; the rows
    left out, by reason.
    """
    found = repeated = 0
    refusals: Counter[str] = Counter()

    def kept() -> Iterator[tuple[float, str, Pair]]:
        nonlocal found, repeated
        for pair in read_split(dataset_dir, "pairs", split):
            found += 1
            copies = count_copies(pair, weights)
            if not copies:
                refusals["thinned_by_weight"] += 1
                continue
            repeated += copies - 1
            key = pair_key(pair)
            for _ in range(copies):
                yield hash_share("select", seed, key), key, pair

    # The smallest hashes: any part of the data is a random part, and a larger limit only adds rows.
    if limit is None:
        chosen = sorted(kept(), key=lambda row: row[:2])
    else:
        chosen = heapq.nsmallest(limit, kept(), key=lambda row: row[:2])
        left_out = found + repeated - refusals["thinned_by_weight"] - len(chosen)
        if left_out:
            refusals["over_limit"] += left_out
    return [pair for _, _, pair in chosen], found, refusals


def load_rows(
    dataset_dir: Path,
    split: str,
    tokenizer: Any,
    *,
    max_length: int,
    limit: int | None,
    seed: int,
    weights: TagWeights = NO_WEIGHTS,
) -> TrainingRows[PairRow]:
    """Tokenises the selected pairs of one split. No reply is cut: longer rows are refused."""
    pairs, found, refusals = select_pairs(dataset_dir, split, limit=limit, seed=seed, weights=weights)
    rows = []
    for pair in pairs:
        try:
            row = encode_pair(pair, tokenizer)
        except TextRefused as refused:
            refusals[refused.reason] += 1
            log.info("%s is left out (%s): %s", pair_key(pair), refused.reason, refused)
            continue
        longest = max(len(row["chosen_ids"]), len(row["rejected_ids"]))
        if len(row["prompt_ids"]) + longest > max_length:
            refusals["too_long"] += 1
        else:
            rows.append(row)
    return TrainingRows(rows, found, refusals)


def find_held_out(dataset_dir: Path, *kinds: str) -> list[str]:
    """The held-out splits, validation and test, that have rows of these kinds."""
    return [
        split
        for split in ("validation", "test")
        if any(next(read_split(dataset_dir, kind, split), None) for kind in kinds)
    ]


def encode_pair(pair: Pair, tokenizer: Any) -> PairRow:
    return {
        "prompt_ids": encode_prompt(
            tokenizer, pair["prompt"], pair.get("chat_template_kwargs") or {}, find_day(pair)
        ),
        "chosen_ids": encode_reply(tokenizer, pair["chosen"][-1]["content"]),
        "rejected_ids": encode_reply(tokenizer, pair["rejected"][-1]["content"]),
    }
