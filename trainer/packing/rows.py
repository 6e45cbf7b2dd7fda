"""Examples laid out in rows: [prompt | reply 1 | ... | reply K], several examples behind one another.

A row is flat: no padding, trees of segments whose trunk is a prompt. All examples of a conversation are one
such tree, or as few as can be (`prefix_tree.py`). What a token may see follows from the segments' ancestors
alone. Pure layout: `attention.py` makes a model keep to it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from trainer.data.example import Example
from trainer.packing.prefix_tree import Forest, Node, Tree, group_conversations


class Block(NamedTuple):
    """Tokens [start, stop) of a row, which see one another and the first `stem` tokens of the block of number
    `trunk`, as far as they are on their branch. A trunk is its own, and its stem is 0.
    """

    start: int
    stop: int
    trunk: int
    stem: int


@dataclass(frozen=True)
class PackedRow:
    """T tokens of S segments with R replies of n tokens in all.

    `ids`, `positions`: [1, T]; a reply's positions go on where its prompt ended. `segments`: [T], the segment
    of each token. `ancestors`: [S, S], True where segment j is i itself or lies before it on its branch.
    `blocks`: all tokens in order, each trunk before its branches. `sources`: [n], places whose hidden state
    foresees a reply token (the first is foreseen by the last of the prompt); `targets`: [n], those tokens.
    `owners`: [R, n], 1 where a token belongs to a reply; `counts`: [R], its sums. `longest`: positions of the
    longest branch, prompt included.
    """

    ids: Tensor
    positions: Tensor
    segments: Tensor
    ancestors: Tensor
    blocks: tuple[Block, ...]
    sources: Tensor
    targets: Tensor
    owners: Tensor
    counts: Tensor
    longest: int

    def to(self, device: torch.device) -> "PackedRow":
        moved = {name: value.to(device) for name, value in vars(self).items() if isinstance(value, Tensor)}
        return PackedRow(**{**vars(self), **moved})


def count_tokens(example: Example) -> int:
    """Tokens this example takes in a row of its own."""
    return len(example.prompt_ids) + sum(map(len, example.replies))


def count_longest(example: Example) -> int:
    """Tokens of the prompt and the longest reply: the distance that attention has to span."""
    return len(example.prompt_ids) + max(map(len, example.replies))


def split_rows(examples: Sequence[Example], row_tokens: int) -> Iterator[list[Example]]:
    """Conversations in rows of at most `row_tokens`, in the order given; a longer one is cut between its
    turns, and a longer turn gets a row of its own.
    """
    row: list[Example] = []
    used = 0
    for size, part in _cut_conversations(examples, row_tokens):
        if row and used + size > row_tokens:
            yield row
            row, used = [], 0
        row += part
        used += size
    if row:
        yield row


def _cut_conversations(examples: Sequence[Example], row_tokens: int) -> Iterator[tuple[int, list[Example]]]:
    for turns in group_conversations(examples):
        part: list[Example] = []
        forest, size = Forest(), 0
        for example in turns:
            forest.add(example)
            if part and forest.size > row_tokens:
                yield size, part
                part, forest = [], Forest()
                forest.add(example)
            part.append(example)
            size = forest.size
        yield size, part


def pack_row(examples: Sequence[Example]) -> PackedRow:
    """All examples in one row, replies in the order of the examples and of `Example.replies`."""
    row = _Row()
    sources = _lay_trees(row, examples)
    replies = [reply for example in examples for reply in example.replies]
    counts = torch.tensor([len(reply) for reply in replies])
    owner = torch.repeat_interleave(torch.arange(len(counts)), counts)
    return PackedRow(
        ids=torch.tensor([row.ids]),
        positions=torch.tensor([row.positions]),
        segments=torch.tensor(row.segments),
        ancestors=_find_ancestors(row.parents),
        blocks=tuple(row.blocks),
        sources=torch.tensor(sources),
        targets=torch.tensor([token for reply in replies for token in reply]),
        owners=torch.nn.functional.one_hot(owner, len(counts)).T.float(),
        counts=counts,
        longest=max(row.positions) + 1,
    )


class _Row:
    """What is laid out so far. `parents`: of each segment; itself for the first of a trunk."""

    def __init__(self) -> None:
        self.ids: list[int] = []
        self.positions: list[int] = []
        self.segments: list[int] = []
        self.parents: list[int] = []
        self.blocks: list[Block] = []

    def add(self, tokens: Sequence[int], position: int, parent: int | None) -> int:
        """A segment from this position on; the place of its first token."""
        start, number = len(self.ids), len(self.parents)
        self.ids.extend(tokens)
        self.positions.extend(range(position, position + len(tokens)))
        self.segments.extend([number] * len(tokens))
        self.parents.append(number if parent is None else parent)
        return start

    def close(self, *, trunk: int | None, stem: int) -> None:
        """What was added since the last block is one; `trunk` None: it is a trunk."""
        start = self.blocks[-1].stop if self.blocks else 0
        self.blocks.append(Block(start, len(self.ids), len(self.blocks) if trunk is None else trunk, stem))


def _lay_trees(row: _Row, examples: Sequence[Example]) -> list[int]:
    """Each conversation as few trees as can be; gives the sources."""
    homes: dict[str, Tree] = {}
    starts: dict[Node, int] = {}
    for turns in group_conversations(examples):
        forest = Forest()
        homes |= {example.id: forest.add(example) for example in turns}
        for tree in forest.trees:
            _lay_tree(row, tree, starts)
    sources: list[int] = []
    for example in examples:
        for reply in example.replies:
            nodes = homes[example.id].walk(example.prompt_ids + reply)
            places = [starts[node] + place for node in nodes for place in range(len(node.ids))]
            sources += places[len(example.prompt_ids) - 1 : -1]
    return sources


def _lay_tree(row: _Row, tree: Tree, starts: dict[Node, int]) -> None:
    """The trunk as one block, then what each turn hung on it."""
    block = len(row.blocks)
    numbers: dict[Node | None, int | None] = {None: None}

    def add(node: Node, parent: Node | None) -> None:
        number = numbers[parent]
        numbers[node] = len(row.parents)
        position = 0 if parent is None else row.positions[starts[parent]] + len(parent.ids)
        starts[node] = row.add(node.ids, position, number)

    above = None
    for node in tree.walk(tree.trunk):
        add(node, above)
        above = node
    row.close(trunk=None, stem=0)
    for branches in tree.find_branches():
        for node, parent in branches.nodes:
            add(node, parent)
        row.close(trunk=block, stem=branches.stem)


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
