"""Draws pairs of prompts of which characters do not tell whether they ask the same: they share half of their
grams or more, and less than near-duplicates do, and stand in different splits of a dataset.

Which pairs are drawn goes by a hash of their names, so that what is found of some speaks for all.
"""

import tempfile
from collections.abc import Collection
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from feedback.canonical import hash_text
from feedback.datasets.duplicates_report import NamedRecord
from feedback.datasets.twins import PromptTexts, iterate_dataset
from feedback.duplicates.pairs import NEAR

LEAST = 0.50  # of the grams: what shares less asks the same in too few cases to look for them

Pair = frozenset[str]  # the addresses of two records


class DrawnPrompt(NamedTuple):
    """The prompt of a record, and the record's name. Its form is choice, pair, thumb or text."""

    record: NamedRecord
    conversation: str
    messages: list[dict[str, Any]]

    @property
    def address(self) -> str:
        """What lineage calls the record."""
        return f"{self.record.form}:{self.record.name}"


def draw_undecided(
    path: Path, *, most: int, without: Collection[Pair] = ()
) -> list[tuple[DrawnPrompt, DrawnPrompt]]:
    """At most so many pairs of a dataset, without those named. Raises DatasetMissing."""
    with tempfile.TemporaryDirectory() as folder, closing(PromptTexts(Path(folder))) as prompts:
        first: list[DrawnPrompt] = []  # by number of a text, the first record with it; without messages
        for name, record in iterate_dataset(path):
            drawn = read_prompt(name, record)
            number = prompts.add(record["prompt"], conversation=drawn.conversation)
            prompts.mark(number, record["split"])
            if number == len(first):
                first.append(drawn._replace(messages=[]))
        prompts.texts.finish()
        pairs = prompts.find_alike(LEAST)
    undecided = pairs.similarity < NEAR
    named = (
        (first[one], first[other])
        for one, other in zip(pairs.left[undecided].tolist(), pairs.right[undecided].tolist(), strict=True)
    )
    ranked = sorted(named, key=lambda pair: hash_text("\n".join(sorted(each.address for each in pair))))
    wanted = [pair for pair in ranked if frozenset(each.address for each in pair) not in without][:most]
    return read_drawn(path, wanted)


def read_drawn(
    path: Path, pairs: list[tuple[DrawnPrompt, DrawnPrompt]]
) -> list[tuple[DrawnPrompt, DrawnPrompt]]:
    """Reads the dataset once more for what few pairs say."""
    addresses = {each.address for pair in pairs for each in pair}
    drawn = (read_prompt(name, record) for name, record in iterate_dataset(path))
    whole = {each.address: each for each in drawn if each.address in addresses}
    return [(whole[one.address], whole[other.address]) for one, other in pairs]


def read_prompt(name: str, record: dict[str, Any]) -> DrawnPrompt:
    named = NamedRecord(form=name.removesuffix("s"), source=record["source"], id=record["id"])
    conversation = record.get("conversation") or record.get("group") or ""
    return DrawnPrompt(named, conversation, record["prompt"])
