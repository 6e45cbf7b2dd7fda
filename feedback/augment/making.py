"""Makes children of a choice: each operation words the last customer message otherwise. Replies and what was
picked stay as they are; token ids go, since they are those of the parent's prompt.

Pure: the seed, the parent's name and the operation decide what a child says. A child names all three.
"""

from collections.abc import Iterable, Iterator, Mapping
from random import Random
from typing import Any

from feedback.augment.guards import refuse_wording
from feedback.augment.names import name_child
from feedback.augment.order import change_order
from feedback.augment.synonyms import swap_synonyms
from feedback.records.language import find_language
from feedback.records.rejections import Refusal

MADE = "made"  # the field of a record that only children have
WITHOUT = ("prompt_token_ids", "base_id")
Record = dict[str, Any]


def make_children(
    record: Mapping[str, Any], operations: Iterable[str], seed: int
) -> Iterator[tuple[str, Record | Refusal]]:
    """A child by each operation, in the order of their names, or the reason why there is none."""
    *before, last = record["prompt"]
    for operation in sorted(operations):
        text = last["content"]
        worded = word_otherwise(record, text, operation, seed) if last["role"] == "user" else None
        reason = refuse_wording(text, worded)
        if reason is not None:
            yield operation, Refusal(reason)
            continue
        prompt = [*before, {**last, "content": worded}]
        yield operation, make_child(record, prompt, operation, seed)


def word_otherwise(record: Mapping[str, Any], text: str, operation: str, seed: int) -> str | None:
    rng = Random(f"{seed}/{record['source']}/{record['id']}/{operation}")
    if operation == "order":
        return change_order(text, rng)
    language = record.get("language") or find_language([text]) or ""
    return swap_synonyms(text, language.lower().split("-")[0], rng)


def make_child(record: Mapping[str, Any], prompt: list[Any], operation: str, seed: int) -> Record:
    kept = {name: value for name, value in record.items() if name not in WITHOUT}
    replies = [
        {name: value for name, value in reply.items() if name != "token_ids"}
        for reply in record["candidates"]
    ]
    made = {"parent": record["id"], "operation": operation, "seed": seed}
    own = {"id": name_child(record["id"], operation), "prompt": prompt, "candidates": replies, MADE: made}
    return kept | own
