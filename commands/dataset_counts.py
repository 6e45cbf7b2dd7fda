"""The counts of a dataset as lines for people: one for each row, with its splits beside it."""

from collections.abc import Iterator, Mapping
from typing import Any

from feedback.datasets.layout import SPLITS

ALL = "all"


def tell_counts(counts: Mapping[str, Any]) -> Iterator[str]:
    """Lines such as `    80  pairs: 64 train, 8 validation, 8 test`, and a warning for what is in no row of a
    split, though other rows of it are.
    """
    warnings = []
    for name, value in counts.items():
        if not isinstance(value, dict):
            yield f"{value:>8,}  {name}"
        elif ALL in value:
            yield tell_splits(name, value)
            warnings += [
                f"None of the {name} is in {split}: a conversation stays in its split for ever, and more "
                "conversations fill it."
                for split in SPLITS
                if value[ALL] and not value[split]
            ]
        elif any(isinstance(inner, dict) for inner in value.values()):
            yield f"          {name}:"
            yield from (tell_splits(f"  {each or 'unknown'}", inner) for each, inner in value.items())
        else:
            told = ", ".join(f"{count:,} {what}" for what, count in value.items())
            yield f"          {name}: {told or 'none'}"
    yield from warnings


def tell_splits(name: str, counter: Mapping[str, int]) -> str:
    told = ", ".join(f"{count:,} {split}" for split, count in counter.items() if split != ALL)
    return f"{counter.get(ALL, sum(counter.values())):>8,}  {name}: {told}"
