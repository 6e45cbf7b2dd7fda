"""Choices as the evaluation sees them: one prompt, its distinct replies in the order shown, and which were
picked.

Lines are settled by the rules of `feedback.records`, so equal texts merge into the first slot before anything
is scored. Picks, edits (for the candidate that was edited) and ties count; own texts say nothing about the
replies shown.
"""

import gzip
import heapq
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from feedback.augment.making import MADE
from feedback.canonical import canonical_hash
from feedback.datasets.errors import DatasetMissing
from feedback.records.from_judgement import LIVE
from feedback.records.normalise import settle_choice
from feedback.records.rejections import Refusal
from feedback.records.schemas import ChoiceForm, conversation_of, read_form
from trainer.data.pair_rows import hash_share
from trainer.data.tokens import find_day

COUNTED = ("pick", "edit", "tie")
MAX_SLOTS = 64  # a file may claim any slot; higher ones count as the last of these


@dataclass(frozen=True)
class Offer:
    """One choice to score. `picked`: places in `texts`; `slots`: where each text was on the screen."""

    id: str
    source: str
    conversation: str
    prompt: tuple[dict[str, str], ...]
    texts: tuple[str, ...]
    slots: tuple[int, ...]
    picked: frozenset[int]
    kwargs: dict[str, Any]
    day: date
    tags: tuple[str, ...] = ()


def read_offers(
    source: Path, split: str | None = None, *, limit: int | None = None
) -> tuple[list[Offer], int]:
    """The counted choices of a file or split, at most `limit` in a stable hash order, and their number."""
    path = source / "choices.jsonl" if source.is_dir() else source
    if not path.exists():
        raise DatasetMissing(path)
    total = 0

    def read() -> Iterator[tuple[float, int, Offer]]:
        nonlocal total
        for line in read_choice_lines(path):
            body = json.loads(line)
            if split is not None and body.get("split") != split:
                continue
            offer = make_offer(body)
            if offer is not None:
                total += 1
                yield hash_share("offer", offer.id), total, offer

    rows = sorted(read()) if limit is None else heapq.nsmallest(limit, read())
    return [offer for _, _, offer in rows], total


def read_choice_lines(path: Path) -> Iterator[str]:
    opened = gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8")
    with opened as lines:
        yield from lines


def settle_line(body: dict[str, Any]) -> ChoiceForm | Refusal:
    """Reads one line of `choices.jsonl` and settles it: equal texts are merged."""
    form = read_form(ChoiceForm, body)
    return form if isinstance(form, Refusal) else settle_choice(form)


def slots_of(choice: ChoiceForm) -> tuple[int, ...]:
    """The slot of each reply: after a card without a text of its own, not its place in the list."""
    shown = (place if reply.slot is None else reply.slot for place, reply in enumerate(choice.candidates))
    return tuple(min(slot, MAX_SLOTS - 1) for slot in shown)


def make_offer(body: dict[str, Any]) -> Offer | None:
    """The choice of one line, or None if it chooses between no replies: an own text, or a refused line; or if
    it was made of another one, whose pick it repeats.
    """
    if MADE in body:
        return None
    settled = settle_line(body)
    if isinstance(settled, Refusal) or settled.kind not in COUNTED:
        return None
    identity = settled.id or canonical_hash(body)
    return Offer(
        id=identity,
        source=settled.source or LIVE,
        conversation=conversation_of(body, identity),
        prompt=tuple(message.model_dump() for message in settled.prompt),
        texts=tuple(reply.text for reply in settled.candidates),
        slots=slots_of(settled),
        picked=frozenset(settled.picked),
        kwargs=settled.chat_template_kwargs,
        day=find_day(body),
        tags=tuple(settled.tags),
    )
