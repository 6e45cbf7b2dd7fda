"""Which pairs of a dataset a run trains on: thinned by weight, limited by a seeded hash, refused when too
long.

Reads the dataset's `pairs.jsonl` as a stream: memory holds the rows that are kept and no others.
"""

import hashlib
import heapq
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from feedback.datasets.build import read_split
from trainer.data.tokens import encode_prompt, encode_reply

Pair = dict[str, Any]


@dataclass(frozen=True)
class TrainingRows:
    """Tokenised rows. `found`: rows before any was left out; `refusals`: those left out, by reason."""

    examples: list[dict[str, list[int]]]
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


def is_kept(pair: Pair) -> bool:
    """Whether the row is trained on: weight 0.5 keeps half of all ids, always the same half, as TRL takes no
    weights.
    """
    return hash_share("weight", pair_key(pair)) < float(pair.get("weight", 1.0))


def select_pairs(
    dataset_dir: Path, split: str, *, limit: int | None, seed: int
) -> tuple[list[Pair], int, Counter[str]]:
    """The pairs of one split in a stable order, the number found, and how many were left out, by reason.

    Rows are thinned by their weight, and at most `limit` are kept.
    """
    found = 0
    refusals: Counter[str] = Counter()

    def kept() -> Iterator[tuple[float, str, Pair]]:
        nonlocal found
        for pair in read_split(dataset_dir, "pairs", split):
            found += 1
            if not is_kept(pair):
                refusals["thinned_by_weight"] += 1
                continue
            key = pair_key(pair)
            yield hash_share("select", seed, key), key, pair

    # The smallest hashes: any part of the data is a random part, and a larger limit only adds rows.
    if limit is None:
        chosen = sorted(kept(), key=lambda row: row[:2])
    else:
        chosen = heapq.nsmallest(limit, kept(), key=lambda row: row[:2])
        left_out = found - refusals["thinned_by_weight"] - len(chosen)
        if left_out:
            refusals["over_limit"] += left_out
    return [pair for _, _, pair in chosen], found, refusals


def load_rows(
    dataset_dir: Path, split: str, tokenizer: Any, *, max_length: int, limit: int | None, seed: int
) -> TrainingRows:
    """Tokenises the selected pairs of one split.

    A reply is never cut: rows longer than `max_length` tokens are refused.
    """
    pairs, found, refusals = select_pairs(dataset_dir, split, limit=limit, seed=seed)
    rows = []
    for pair in pairs:
        row = encode_pair(pair, tokenizer)
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


def encode_pair(pair: Pair, tokenizer: Any) -> dict[str, list[int]]:
    return {
        "prompt_ids": encode_prompt(tokenizer, pair["prompt"], pair.get("chat_template_kwargs") or {}),
        "chosen_ids": encode_reply(tokenizer, pair["chosen"][-1]["content"]),
        "rejected_ids": encode_reply(tokenizer, pair["rejected"][-1]["content"]),
    }
