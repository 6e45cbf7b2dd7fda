"""Splits choices for `bench.objectives`, and measures the loss in nats on held-out choices with an adapter.

The baseline rules and their scales are those of `trainer/evaluation/evaluate.py`, but kept per choice, so
that two adapters can be compared choice by choice.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer

from feedback.datasets.pair_lines import make_derived_pair
from feedback.records.pairs import pair_choice
from feedback.records.rejections import Refusal
from feedback.records.schemas import conversation_of
from trainer.data.choices import COUNTED, Offer, make_offer, settle_line
from trainer.data.example import Example
from trainer.data.pair_rows import hash_share
from trainer.data.slot_bias import fit_slot_offsets
from trainer.data.tokens import encode_prompt, encode_reply
from trainer.evaluation.baselines import (
    Array,
    find_nats,
    fit_scale,
    scale_logits,
    slot_logits,
    uniform_logits,
)
from trainer.packing.logprobs import PackedScorer
from trainer.packing.rows import count_tokens, split_rows

ROW_TOKENS = 4096
NEW = LoraConfig(task_type="CAUSAL_LM", r=1, target_modules="all-linear")  # adds 0: what is read is the base
RULES = ("adapter", "adapter_slot")


@dataclass(frozen=True)
class Parts:
    """The number of choices wanted in each split."""

    train: int
    validation: int
    test: int


@dataclass(frozen=True)
class Dealt:
    """The records of choices in each split."""

    train: list[dict[str, Any]]
    validation: list[dict[str, Any]]
    test: list[dict[str, Any]]


def settle_lines(lines: Iterable[str], source: str) -> Iterator[dict[str, Any]]:
    """Yields the choices that count as records; refused lines and agents' own texts are left out."""
    for place, line in enumerate(lines):
        body = json.loads(line)
        settled = settle_line(body)
        if isinstance(settled, Refusal) or settled.kind not in COUNTED:
            continue
        identity = settled.id or f"{source}-{place}"
        named = {"id": identity, "conversation": conversation_of(body, identity), "source": source}
        yield settled.to_record() | named | {"weight": 1.0}


def deal(records: Iterable[dict[str, Any]], parts: Parts, seed: int) -> Dealt:
    """Splits whole conversations in a seeded order: test first, then validation, then train."""
    by_conversation: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for record in records:
        by_conversation[record["conversation"]].append(record)
    names = iter(sorted(by_conversation, key=lambda name: hash_share("objectives", seed, name)))

    def take(number: int) -> list[dict[str, Any]]:
        taken: list[dict[str, Any]] = []
        while len(taken) < number and (name := next(names, None)) is not None:
            taken += by_conversation[name]
        return taken

    test, validation = take(parts.test), take(parts.validation)
    return Dealt(take(parts.train), validation, test)


def write_train(folder: Path, records: Iterable[dict[str, Any]]) -> Path:
    """A dataset with a train split only, so that training never stops early."""
    return write_dataset(folder, ({**record, "split": "train"} for record in records))


def write_dataset(folder: Path, records: Iterable[dict[str, Any]]) -> Path:
    """Writes choices, and the pairs derived from them, in the form of a real dataset."""
    folder.mkdir(parents=True)
    (folder / "thumbs.jsonl").touch()
    with (folder / "choices.jsonl").open("w") as choices, (folder / "pairs.jsonl").open("w") as pairs:
        for record in records:
            choices.write(json.dumps(record) + "\n")
            for pair in pair_choice(record):
                if not isinstance(pair, Refusal):
                    pairs.write(json.dumps(make_derived_pair(record, *pair)) + "\n")
    return folder


class HeldOut:
    """The held-out choices of one split, with log-probabilities of one base model."""

    def __init__(self, dealt: Dealt, base: Path, *, max_length: int, fit: int) -> None:
        """`fit` is the number of train choices used to fit the scale of the baseline rule `base`."""
        self._base, self._tokenizer = base, AutoTokenizer.from_pretrained(base)
        self._max_length = max_length
        train = self._encode(dealt.train[:fit])
        self._validation, self._test = self._encode(dealt.validation), self._encode(dealt.test)
        self._offsets = fit_slot_offsets([offer for offer in map(make_offer, dealt.train) if offer])
        everything = [*train, *self._validation, *self._test]
        self._plain = self._read(None, everything)
        means = [
            sums / [len(reply) for reply in example.replies]
            for sums, (_, example) in zip(self._plain, everything, strict=True)
        ]
        a, b = len(train), len(train) + len(self._validation)
        self._plain = self._plain[a:]
        offers, test = [offer for offer, _ in train], [offer for offer, _ in self._test]
        self.conversations = [offer.conversation for offer in test]
        rules = {
            "uniform": uniform_logits(test),
            "slot": slot_logits(test, self._offsets),
            "base": scale_logits(fit_scale(offers, means[:a]), means[b:]),
        }
        self.rules = {name: float(find_nats(test, logits).mean()) for name, logits in rules.items()}

    def measure(self, adapter: Path) -> dict[str, Array]:
        """Nats of each test choice under the adapter, both alone and with the slot offsets of train."""
        tuned = self._read(adapter, [*self._validation, *self._test])
        shift = [ours - plain for ours, plain in zip(tuned, self._plain, strict=True)]
        known = [offer for offer, _ in self._validation]
        test, cut = [offer for offer, _ in self._test], len(self._validation)
        slots = slot_logits(known, self._offsets)
        alone, with_slots = fit_scale(known, shift[:cut]), fit_scale(known, shift[:cut], slots)
        logits = (
            scale_logits(alone, shift[cut:]),
            scale_logits(with_slots, shift[cut:], slot_logits(test, self._offsets)),
        )
        return {name: find_nats(test, rows) for name, rows in zip(RULES, logits, strict=True)}

    def _encode(self, records: Sequence[dict[str, Any]]) -> list[tuple[Offer, Example]]:
        found = []
        for number, record in enumerate(records):
            offer = make_offer(record)
            assert offer is not None, record["id"]
            example = Example(
                id=str(number),
                conversation=offer.conversation,
                prompt_ids=tuple(encode_prompt(self._tokenizer, offer.prompt, offer.kwargs)),
                replies=tuple(tuple(encode_reply(self._tokenizer, text)) for text in offer.texts),
            )
            if len(example.prompt_ids) + max(map(len, example.replies)) <= self._max_length:
                found.append((offer, example))
        return found

    def _read(self, adapter: Path | None, items: Sequence[tuple[Offer, Example]]) -> list[Array]:
        """Log-probability sums of each item's replies under the adapter, or under the base alone."""
        plain = AutoModelForCausalLM.from_pretrained(self._base, dtype=torch.float32)
        if adapter is None:
            model = get_peft_model(plain, NEW)
        else:
            model = PeftModel.from_pretrained(plain, str(adapter))
        reader = PackedScorer(model.eval())
        examples = [replace(example, id=str(place)) for place, (_, example) in enumerate(items)]
        found: list[Array] = [np.empty(0)] * len(examples)
        with torch.no_grad():
            for row in split_rows(sorted(examples, key=count_tokens, reverse=True), ROW_TOKENS):
                sums = reader.read(model, row).double().numpy()
                cuts = np.cumsum([len(example.replies) for example in row])[:-1]
                for example, values in zip(row, np.split(sums, cuts), strict=True):
                    found[int(example.id)] = values
        return found
