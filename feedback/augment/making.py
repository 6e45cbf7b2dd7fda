"""Makes children of a choice: each operation words the last customer message otherwise. Replies and what was
picked stay as they are; token ids go, since they are those of the parent's prompt.

Pure: the seed, the parent's name and the operation decide what a child says, or what the helper has written.
A child names them, and the call.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from feedback.augment.guards import UNFIT, UNWRITTEN, refuse_wording
from feedback.augment.names import BY_HELPER, SEED, name_child
from feedback.augment.order import change_order
from feedback.augment.synonyms import swap_synonyms
from feedback.records.from_judgement import LIVE
from feedback.records.language import find_language
from feedback.records.rejections import Refusal
from feedback.store.written_texts import WrittenText

MADE = "made"  # the field of a record that only children have
WITHOUT = ("prompt_token_ids", "base_id")
Record = dict[str, Any]


@dataclass(frozen=True)
class Augmenting:
    """What is made of choices. `written`: what the helper has written, by the address of the child."""

    operations: Sequence[str] = ()
    written: Mapping[str, WrittenText] = field(default_factory=dict)
    seed: int = SEED

    def make_children(self, record: Mapping[str, Any]) -> Iterator[tuple[str, Record | Refusal]]:
        """A child by each operation, in the order of their names, or the reason why there is none."""
        for operation in sorted(self.operations):
            yield operation, self._make_child(record, operation)

    def _make_child(self, record: Mapping[str, Any], operation: str) -> Record | Refusal:
        *before, last = record["prompt"]
        made = {"parent": record["id"], "operation": operation, "seed": self.seed}
        if operation in BY_HELPER:
            found = self.written.get(name_address(record, operation))
            if found is None:
                return Refusal(UNWRITTEN)
            if not found.fits:
                return Refusal(UNFIT)
            worded: str | None = found.text
            made["call"] = found.call
        else:
            worded = word_otherwise(record, operation, self.seed)
        reason = refuse_wording(last["content"], worded if last["role"] == "user" else None)
        if reason is not None:
            return Refusal(reason)
        return lay_out_child(record, [*before, {**last, "content": worded}], made)


def word_otherwise(record: Mapping[str, Any], operation: str, seed: int) -> str | None:
    text = record["prompt"][-1]["content"]
    rng = Random(f"{seed}/{record['source']}/{record['id']}/{operation}")
    if operation == "order":
        return change_order(text, rng)
    language = record.get("language") or find_language([text]) or ""
    return swap_synonyms(text, language.lower().split("-")[0], rng)


def name_address(record: Mapping[str, Any], operation: str) -> str:
    """The address of a child in lineage."""
    name = name_child(record["id"], operation)
    return f"choice:{name}" if record["source"] == LIVE else f"choice:{record['source']}/{name}"


def lay_out_child(record: Mapping[str, Any], prompt: list[Any], made: Mapping[str, Any]) -> Record:
    kept = {name: value for name, value in record.items() if name not in WITHOUT}
    replies = [
        {name: value for name, value in reply.items() if name != "token_ids"}
        for reply in record["candidates"]
    ]
    id = name_child(record["id"], made["operation"])
    return kept | {"id": id, "prompt": prompt, "candidates": replies, MADE: dict(made)}
