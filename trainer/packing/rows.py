"""Lays examples out in rows of tokens without padding; every prefix that replies share stands once.

An example alone is [prompt | reply 1 | ... | reply K]. The examples of a conversation are a tree
(`prefix_tree.py`): the longest prompt is one path from the root, the replies and all that differs branch off
it. With one token a letter and E for EOS, take turn 1 with prompt `abc`, replies `dE` (sent) and `gE`, and
turn 2 with prompt `abcdEf`, replies `hE` and `iE`:

    a b c --+-- d E --- f --+-- h E        token     a b c d E f | g E | h E i E
            |               |              position  0 1 2 3 4 5 | 3 4 | 6 7 6 7
            +-- g E         +-- i E        segment   0 0 0 1 1 2 | 3 3 | 4 4 5 5
                                           block     0           | 1   | 2
                                           prefix    0           | 3   | 6

A token sees itself and what lies before it on its own branch: `g` sees `a b c g`, the last E `a b c d E f i
E`. Each token of a reply is predicted at the one before it: `g` at `c`, `h` and `i` at `f`. docs/training.md
shows the mask. This module is pure layout; `attention.py` makes a model keep to it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from trainer.data.example import Example
from trainer.packing.prefix_tree import Node, PrefixTree, PrefixTrees, group_conversations


class Block(NamedTuple):
    """Tokens [start, stop) of a row: the longest prompt of a tree, or all branches that one example added.

    `prefix_block`: number of the block of the longest prompt; for that block, its own number.
    `prefix_length`: the block may see that many first tokens of it, 0 for the block itself. Within these
    limits a token sees only its own branch.
    """

    start: int
    stop: int
    prefix_block: int
    prefix_length: int


@dataclass(frozen=True)
class PackedRow:
    """One row of T tokens in S segments, with R replies that have n tokens together.

    `ids`, `positions`: (1, T); the positions of a reply continue those of its prompt. `segments`: (T,), the
    segment of each token. `ancestors`: (S, S), True where segment j is segment i or lies before it on its
    branch. `blocks`: in the order of the tokens, each longest prompt before its branches. `sources`: (n,),
    places whose hidden state predicts a reply token; the last token of a prompt predicts the first of a
    reply. `targets`: (n,), those reply tokens. `owners`: (R, n), 1 where a token belongs to a reply.
    `counts`: (R,), tokens of each reply. `longest`: tokens of the longest branch, prompt included.
    """

    ids: Tensor  # (1, tokens)
    positions: Tensor  # (1, tokens)
    segments: Tensor  # (tokens,)
    ancestors: Tensor  # (segments, segments)
    blocks: tuple[Block, ...]
    sources: Tensor  # (reply tokens,)
    targets: Tensor  # (reply tokens,)
    owners: Tensor  # (replies, reply tokens)
    counts: Tensor  # (replies,)
    longest: int

    def to(self, device: torch.device) -> "PackedRow":
        moved = {name: value.to(device) for name, value in vars(self).items() if isinstance(value, Tensor)}
        return PackedRow(**{**vars(self), **moved})


def count_tokens(example: Example) -> int:
    """Tokens that this example takes in a row of its own."""
    return len(example.prompt_ids) + sum(map(len, example.replies))


def count_longest(example: Example) -> int:
    """Tokens of the prompt and the longest reply together: the distance that attention has to span."""
    return len(example.prompt_ids) + max(map(len, example.replies))


def split_rows(examples: Sequence[Example], row_tokens: int) -> Iterator[list[Example]]:
    """Splits examples into rows of at most `row_tokens`, whole conversations in the order given.

    A longer conversation is cut between its turns; a turn that is longer still gets a row of its own.
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
        prefix_trees, size = PrefixTrees(), 0
        for example in turns:
            prefix_trees.add(example)
            if part and prefix_trees.size > row_tokens:
                yield size, part
                part, prefix_trees = [], PrefixTrees()
                prefix_trees.add(example)
            part.append(example)
            size = prefix_trees.size
        yield size, part


def pack_row(examples: Sequence[Example]) -> PackedRow:
    """Lays all examples out in one row. Replies keep the order of the examples and of `Example.replies`."""
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
    """A row while it is laid out. `parents`: of each segment; the first of a tree names itself."""

    def __init__(self) -> None:
        self.ids: list[int] = []
        self.positions: list[int] = []
        self.segments: list[int] = []
        self.parents: list[int] = []
        self.blocks: list[Block] = []

    def add(self, tokens: Sequence[int], position: int, parent: int | None) -> int:
        """Adds a segment whose positions begin at `position`; returns the place of its first token."""
        start, number = len(self.ids), len(self.parents)
        self.ids.extend(tokens)
        self.positions.extend(range(position, position + len(tokens)))
        self.segments.extend([number] * len(tokens))
        self.parents.append(number if parent is None else parent)
        return start

    def close(self, *, prefix_block: int | None, prefix_length: int) -> None:
        """Makes one block of what was added since the last; for a longest prompt `prefix_block` is None."""
        start = self.blocks[-1].stop if self.blocks else 0
        number = len(self.blocks) if prefix_block is None else prefix_block
        self.blocks.append(Block(start, len(self.ids), number, prefix_length))


def _lay_trees(row: _Row, examples: Sequence[Example]) -> list[int]:
    """Lays each conversation out in as few trees as possible; returns the sources (see `PackedRow`)."""
    homes: dict[str, PrefixTree] = {}
    starts: dict[Node, int] = {}
    for turns in group_conversations(examples):
        prefix_trees = PrefixTrees()
        homes |= {example.id: prefix_trees.add(example) for example in turns}
        for tree in prefix_trees.trees:
            _lay_tree(row, tree, starts)
    sources: list[int] = []
    for example in examples:
        for reply in example.replies:
            nodes = homes[example.id].walk(example.prompt_ids + reply)
            places = [starts[node] + place for node in nodes for place in range(len(node.ids))]
            sources += places[len(example.prompt_ids) - 1 : -1]
    return sources


def _lay_tree(row: _Row, tree: PrefixTree, starts: dict[Node, int]) -> None:
    """Lays one tree out: the longest prompt as one block, then one block for the branches that each example
    added.
    """
    block = len(row.blocks)
    numbers: dict[Node | None, int | None] = {None: None}

    def add(node: Node, parent: Node | None) -> None:
        number = numbers[parent]
        numbers[node] = len(row.parents)
        position = 0 if parent is None else row.positions[starts[parent]] + len(parent.ids)
        starts[node] = row.add(node.ids, position, number)

    above = None
    for node in tree.walk(tree.longest_prompt):
        add(node, above)
        above = node
    row.close(prefix_block=None, prefix_length=0)
    for branches in tree.find_branches():
        for node, parent in branches.nodes:
            add(node, parent)
        row.close(prefix_block=block, prefix_length=branches.prefix_length)


def _find_ancestors(parents: Sequence[int]) -> Tensor:
    found = torch.eye(len(parents), dtype=torch.bool)  # (segments, segments)
    for number, parent in enumerate(parents):  # a parent stands before its branches
        found[number] |= found[parent]
    return found


def find_visible(row: PackedRow, queries: slice, keys: slice, window: int | None = None) -> Tensor:
    """Which of the tokens `keys` each of the tokens `queries` may attend to: bool, (queries, keys).

    A token sees itself and what lies before it on its own branch, within the last `window` positions.
    """
    seen = row.ancestors[row.segments[queries]][:, row.segments[keys]]
    places = torch.arange(row.ids.shape[1], device=seen.device)
    seen &= places[queries, None] >= places[None, keys]
    if window is not None:
        seen &= row.positions[0, queries, None] - row.positions[0, None, keys] < window
    return seen
