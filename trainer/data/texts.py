"""Which texts of a dataset the objective `sft` learns from, and with what weight: what people wrote, and
nothing that a model did.

    choices.jsonl   kind edit: the edited text. kind own: the own text.
    pairs.jsonl     source `label`, kind `pair`: what a labeller wrote in place of a reply
    texts.jsonl     what people wrote in imported conversations

A text counts with the weight of its record; that of an own text without the factor 0.5, which is for a
comparison with replies that its author did not mean. Nothing is cut or opened here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from feedback.datasets.build import read_split
from feedback.datasets.layout import TEXTS
from feedback.records.from_judgement import LABEL
from feedback.records.rejections import Refusal
from feedback.records.weights import OWN_WEIGHT
from trainer.data.choices import settle_line


@dataclass(frozen=True)
class Text:
    """One text that somebody wrote as the reply to a prompt. `body`: the line that it stands in."""

    key: str
    body: Mapping[str, Any]
    text: str
    weight: float
    is_spoken: bool = False  # in an imported conversation


def read_texts(dataset_dir: Path, split: str) -> Iterator[Text]:
    """The texts of a split in the order of its files. Raises DatasetMissing."""
    for body in read_split(dataset_dir, "choices", split):
        if body.get("kind") in ("edit", "own") and (text := make_text(body)) is not None:
            yield text
    for body in read_split(dataset_dir, "pairs", split):
        if body.get("source") == LABEL and body.get("kind") == "pair":
            written = body["chosen"][-1]["content"]
            yield Text(f"pairs/{LABEL}/{body['id']}", body, written, body.get("weight", 1.0))
    for body in read_split(dataset_dir, TEXTS, split):
        written = body["completion"][-1]["content"]
        key = f"{TEXTS}/{body['source']}/{body['id']}"
        yield Text(key, body, written, body.get("weight", 1.0), is_spoken=True)


def make_text(body: dict[str, Any]) -> Text | None:
    """The text of one choice; None if so little of a reply was changed that it counts as picked."""
    choice = settle_line(body)
    if isinstance(choice, Refusal) or choice.kind not in ("edit", "own"):
        return None
    weight, text = choice.weight or 1.0, choice.edited or ""
    if choice.kind == "own":
        weight, text = weight / OWN_WEIGHT, choice.own or ""
    return Text(f"choices/{choice.source or ''}/{choice.id or text}", body, text, weight)
