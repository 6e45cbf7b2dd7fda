"""Selects the stored prompts that a duel may use: those on which no contender was trained.

A contender has seen a conversation if any record of it is in the train or validation split of its dataset,
and a prompt if a record there has exactly the same messages or a near-duplicate of them. Reads the files of
datasets, not the store.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from feedback.canonical import canonical_hash
from feedback.datasets.layout import dataset_dir, list_dataset_files
from feedback.duplicates.grams import flatten_prompt
from feedback.duplicates.signatures import TextFile
from feedback.store.duels import Prompt, PromptKey

LATER, TEST, UNUSED = "later", "test", "unused"
# In order of preference: conversations that came after the data, held-out ones, older ones never used.
ORIGINS = (LATER, TEST, UNUSED)
READ_AT_ONCE = 100


@dataclass(frozen=True)
class ChosenPrompt:
    key: PromptKey
    origin: str
    prompt: Prompt


@dataclass
class Seen:
    """What a contender was trained on. Without its files, everything older than `until` counts as seen."""

    until: datetime
    is_known: bool = True
    conversations: set[str] = field(default_factory=set)
    prompts: set[str] = field(default_factory=set)  # canonical hashes
    held_out: set[str] = field(default_factory=set)  # conversations of its test split


def read_seen(data_dir: Path, dataset_id: str | None, until: datetime, *, texts: TextFile) -> Seen:
    """What a contender was trained on; the texts of its prompts are added to `texts`. `until` is when its
    dataset was built, or else the adapter.
    """
    seen = Seen(until)
    for file in list_dataset_files(dataset_dir(data_dir, dataset_id or "")).values():
        if not file.is_file():
            return Seen(until, is_known=False)
        with file.open(encoding="utf-8") as lines:
            for line in lines:
                note_record(seen, json.loads(line), texts)
    return seen


def note_record(seen: Seen, record: dict[str, Any], texts: TextFile) -> None:
    """Adds a record to what was seen. Choices name their `conversation`, all others their `group`."""
    conversation = record.get("conversation") or record.get("group") or ""
    if record["split"] == "test":
        seen.held_out.add(conversation)
    else:
        seen.conversations.add(conversation)
        digest = canonical_hash(record["prompt"])
        if digest not in seen.prompts:
            seen.prompts.add(digest)
            texts.add(flatten_prompt(record["prompt"]))


def find_origin(key: PromptKey, seen_by: Sequence[Seen]) -> str | None:
    """Why no contender can have learnt from this conversation; None if one has, or if nobody knows."""
    if any(key.conversation_id in seen.conversations for seen in seen_by):
        return None
    if all(key.arrived_at > seen.until for seen in seen_by):
        return LATER
    if not all(seen.is_known for seen in seen_by):
        return None
    return TEST if any(key.conversation_id in seen.held_out for seen in seen_by) else UNUSED


def choose_prompts(
    keys: Iterable[PromptKey],
    seen_by: Sequence[Seen],
    *,
    seed: int,
    wanted: int,
    fetch: Callable[[list[str]], dict[str, Prompt]],
    has_twin: Callable[[str], bool],
) -> list[ChosenPrompt]:
    """Chooses up to `wanted` unseen prompts, at most one from each conversation and no text twice; the seed
    decides which ones and their order. `fetch` reads the prompts of sets by their ids, `has_twin` tells
    whether a contender was trained on nearly the same text.
    """
    ranked = rank_keys(keys, seen_by, seed)
    taken_prompts = {digest for seen in seen_by for digest in seen.prompts}
    chosen: list[ChosenPrompt] = []
    for start in range(0, len(ranked), READ_AT_ONCE):
        part = ranked[start : start + READ_AT_ONCE]
        prompts = fetch([key.set_id for key, _ in part])
        for key, origin in part:
            prompt = prompts[key.set_id]
            digest = canonical_hash(prompt.messages)
            is_new = prompt.messages and digest not in taken_prompts
            if is_new and not has_twin(flatten_prompt(prompt.messages)):
                taken_prompts.add(digest)
                chosen.append(ChosenPrompt(key, origin, prompt))
                if len(chosen) == wanted:
                    return shuffle(chosen, seed)
    return shuffle(chosen, seed)


def rank_keys(keys: Iterable[PromptKey], seen_by: Sequence[Seen], seed: int) -> list[tuple[PromptKey, str]]:
    """One set of each unseen conversation with its origin, in order of preference, then of the seed."""
    unseen = [(key, origin) for key in keys if (origin := find_origin(key, seen_by)) is not None]
    unseen.sort(key=lambda item: (ORIGINS.index(item[1]), draw_lot(seed, item[0].set_id)))
    first: dict[str, tuple[PromptKey, str]] = {}
    for key, origin in unseen:
        first.setdefault(key.conversation_id, (key, origin))
    return list(first.values())


def shuffle(chosen: list[ChosenPrompt], seed: int) -> list[ChosenPrompt]:
    """Mixes the origins, so that judges who stop early have seen a fair part of each."""
    return sorted(chosen, key=lambda item: draw_lot(seed, f"order:{item.key.set_id}"))


def count_origins(chosen: Iterable[ChosenPrompt]) -> dict[str, int]:
    counts = Counter(item.origin for item in chosen)
    return {origin: counts[origin] for origin in ORIGINS}


def draw_lot(seed: int, word: str) -> bytes:
    """Pseudo-random bytes from a hash, which any language and version can recompute, unlike `random`."""
    return hashlib.sha256(f"{seed}:{word}".encode()).digest()
