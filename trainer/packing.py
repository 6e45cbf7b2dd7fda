"""Examples laid out in rows: [prompt | reply 1 | ... | reply K], several examples behind one another.

A row is flat: no padding, each example one tree of segments whose trunk is the prompt and whose branches are
the replies. What a token may see follows from the segments' ancestors alone, so a deeper tree needs no other
form. Pure layout: `attention.py` makes a model keep to it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from trainer.example import Example


class Tree(NamedTuple):
    """One example's place in a row: tokens [start, branches) are its trunk, [branches, end) hang on it."""

    start: int
    branches: int
    end: int


@dataclass(frozen=True)
class PackedRow:
    """T tokens of S segments with R replies of n tokens in all.

    `ids`, `positions`: [1, T]; a reply's positions go on where its prompt ended. `segments`: [T], the segment
    of each token. `ancestors`: [S, S], True where segment j is i itself or lies before it on its branch.
    `sources`: [n], places whose hidden state foresees a reply token (the first is foreseen by the last of the
    prompt); `targets`: [n], those tokens. `owners`: [R, n], 1 where a token belongs to a reply; `counts`:
    [R], its sums. `longest`: positions of the longest branch, prompt included.
    """

    ids: Tensor
    positions: Tensor
    segments: Tensor
    ancestors: Tensor
    trees: tuple[Tree, ...]
    sources: Tensor
    targets: Tensor
    owners: Tensor
    counts: Tensor
    longest: int

    def to(self, device: torch.device) -> "PackedRow":
        moved = {name: value.to(device) for name, value in vars(self).items() if isinstance(value, Tensor)}
        return PackedRow(**{**vars(self), **moved})


def count_tokens(example: Example) -> int:
    """Tokens this example takes in a row."""
    return len(example.prompt_ids) + sum(map(len, example.replies))


def split_rows(examples: Sequence[Example], row_tokens: int) -> Iterator[list[Example]]:
    """Examples in rows of at most `row_tokens`, in the order given; a longer one gets a row of its own."""
    row: list[Example] = []
    used = 0
    for example in examples:
        size = count_tokens(example)
        if row and used + size > row_tokens:
            yield row
            row, used = [], 0
        row.append(example)
        used += size
    if row:
        yield row


def pack_row(examples: Sequence[Example]) -> PackedRow:
    """All examples in one row, replies in the order of the examples and of `Example.replies`."""
    ids: list[int] = []
    positions: list[int] = []
    segments: list[int] = []
    parents: list[int] = []  # of each segment; itself for a trunk
    trees: list[Tree] = []
    sources: list[int] = []
    counts: list[int] = []

    def add(tokens: Sequence[int], first_position: int, parent: int | None) -> int:
        start, number = len(ids), len(parents)
        ids.extend(tokens)
        positions.extend(range(first_position, first_position + len(tokens)))
        segments.extend([number] * len(tokens))
        parents.append(number if parent is None else parent)
        return start

    for example in examples:
        trunk, prompt = len(parents), len(example.prompt_ids)
        start = add(example.prompt_ids, 0, None)
        for reply in example.replies:
            place = add(reply, prompt, trunk)
            sources += [start + prompt - 1, *range(place, place + len(reply) - 1)]
            counts.append(len(reply))
        trees.append(Tree(start, start + prompt, len(ids)))
    replies = [reply for example in examples for reply in example.replies]
    owner = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    return PackedRow(
        ids=torch.tensor([ids]),
        positions=torch.tensor([positions]),
        segments=torch.tensor(segments),
        ancestors=_find_ancestors(parents),
        trees=tuple(trees),
        sources=torch.tensor(sources),
        targets=torch.tensor([token for reply in replies for token in reply]),
        owners=torch.nn.functional.one_hot(owner, len(counts)).T.float(),
        counts=torch.tensor(counts),
        longest=max(positions) + 1,
    )


def _find_ancestors(parents: Sequence[int]) -> Tensor:
    found = torch.eye(len(parents), dtype=torch.bool)
    for number, parent in enumerate(parents):  # a parent stands before its branches
        found[number] |= found[parent]
    return found


def find_visible(row: PackedRow, queries: slice, keys: slice, window: int | None = None) -> Tensor:
    """What the tokens of `queries` see of those of `keys`: bool [Q, K].

    A token sees itself and what lies before it on its own branch, at most `window` positions back.
    """
    seen = row.ancestors[row.segments[queries]][:, row.segments[keys]]
    places = torch.arange(row.ids.shape[1], device=seen.device)
    seen &= places[queries, None] >= places[None, keys]
    if window is not None:
        seen &= row.positions[0, queries, None] - row.positions[0, None, keys] < window
    return seen
