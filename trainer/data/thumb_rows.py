"""The thumbs of a dataset as the objective `kto` reads them: a prompt, a reply, and whether it was good.

A thumb weighs 0.3 beside choices; among thumbs alone it weighs 1. Of an up and a down on one prompt the
dataset has made a pair: here they are two thumbs again.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from feedback.datasets.build import read_split
from feedback.records.schemas import conversation_of
from feedback.records.weights import THUMB_WEIGHT

MOST_UP = 4 / 3  # largest ratio of the weight of thumbs up to that of thumbs down; the smallest is 1
Row = dict[str, Any]  # prompt_ids, completion_ids, KL_completion_ids, label


@dataclass(frozen=True)
class RatedReply:
    """One thumb on one reply. `body`: the line that it stands in."""

    key: str
    conversation: str
    body: Mapping[str, Any]
    reply: str
    up: bool
    weight: float


@dataclass(frozen=True)
class ThumbRow:
    """A thumb as token ids."""

    conversation: str
    prompt_ids: list[int]
    reply_ids: list[int]
    up: bool


def read_thumbs(dataset_dir: Path, split: str) -> Iterator[RatedReply]:
    """The thumbs of a split, those that were paired last. Raises DatasetMissing."""
    for body in read_split(dataset_dir, "thumbs", split):
        key = f"thumbs/{body.get('source') or ''}/{body.get('id') or body['prompt']}"
        yield rate_reply(key, body, body["completion"], up=body["label"])
    for body in read_split(dataset_dir, "pairs", split):
        if body.get("kind") == "thumbs":
            key = f"pairs/{body.get('source') or ''}/{body['id']}"
            yield rate_reply(f"{key}/up", body, body["chosen"], up=True)
            yield rate_reply(f"{key}/down", body, body["rejected"], up=False)


def rate_reply(key: str, body: dict[str, Any], reply: Sequence[Mapping[str, str]], *, up: bool) -> RatedReply:
    weight = body.get("weight", THUMB_WEIGHT) / THUMB_WEIGHT
    return RatedReply(key, conversation_of(body, key), body, reply[-1]["content"], up, weight)


def balance(ups: float, downs: float) -> tuple[float, float]:
    """The factors on thumbs up and thumbs down that bring their weights to a ratio between 1:1 and 4:3. The
    heavier class is lowered, never the lighter raised.
    """
    ratio = ups / downs
    return min(1.0, MOST_UP / ratio), min(1.0, ratio)


def mismatch(rows: Sequence[ThumbRow], size: int) -> list[Row]:
    """Gives every prompt of a batch the reply of another row of that batch, by which KTO estimates how far
    the policy is from its reference: the replies move on by one place, as in TRL.

    They move on by more where a prompt would meet a reply of its own conversation. A last row that is alone
    in its batch is left out: it could only be compared with itself.
    """
    whole = rows[:-1] if len(rows) % size == 1 else rows
    made = []
    for start in range(0, len(whole), size):
        batch = whole[start : start + size]
        shift = min(range(1, len(batch)), key=lambda by: count_matched(batch, by))
        for place, row in enumerate(batch):
            made.append(
                {
                    "prompt_ids": row.prompt_ids,
                    "completion_ids": row.reply_ids,
                    "KL_completion_ids": batch[place - shift].reply_ids,
                    "label": row.up,
                }
            )
    return made


def count_matched(batch: Sequence[ThumbRow], shift: int) -> int:
    """Prompts of a batch that would meet a reply of their own conversation."""
    return sum(row.conversation == batch[place - shift].conversation for place, row in enumerate(batch))
