"""The examples of one conversation as a tree of tokens (a trie) that holds every shared prefix once.

The reply that was sent is part of the next turn's prompt, so a conversation's history is one path from the
root, and all other replies branch off it. The tree is built from token ids alone: where a history was cut, a
reply was edited or a template renders an old turn differently, a branch begins at the first token that
differs. A prompt that shares too little begins another tree. Pure; `rows.py` lays the tree out in a row.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from trainer.data.example import Example

Ids = tuple[int, ...]
# Share of the shorter prompt that must be common: with less, attention under a mask costs more than is saved.
JOIN_SHARE = 0.5


class Node:
    """A run of tokens that the same sequences share. `turn`: number of the example that added them first."""

    def __init__(self, ids: Ids, turn: int) -> None:
        self.ids = ids
        self.turn = turn
        self.children: dict[int, Node] = {}

    def split(self, at: int) -> None:
        lower = Node(self.ids[at:], self.turn)
        lower.children, self.children = self.children, {self.ids[at]: lower}
        self.ids = self.ids[:at]


class Branches(NamedTuple):
    """The nodes off the longest prompt that one example added, each with its parent, parents first.

    All of them branch off within the first `prefix_length` tokens of the longest prompt.
    """

    prefix_length: int
    nodes: list[tuple[Node, Node]]


class PrefixTree:
    """Prompts that begin alike, with their replies. `size`: its tokens."""

    def __init__(self) -> None:
        self.size = 0
        self.longest_prompt: Ids = ()
        self._top = Node((), 0)
        self._shortest: int | None = None
        self._turns = 0

    def fits(self, prompt: Ids) -> int:
        """How many of the prompt's first tokens the tree holds already; 0 if they are too few to share."""
        shared, node = 0, self._top
        while shared < len(prompt) and (child := node.children.get(prompt[shared])):
            same = count_shared(child.ids, prompt[shared:])
            shared += same
            if same < len(child.ids):
                break
            node = child
        shorter = len(prompt) if self._shortest is None else min(self._shortest, len(prompt))
        return shared if shared >= JOIN_SHARE * shorter else 0

    def add(self, example: Example) -> None:
        prompt = example.prompt_ids
        end = self._grow(self._top, prompt)
        for reply in example.replies:
            self._grow(end, reply)
        self._turns += 1
        self._shortest = len(prompt) if self._shortest is None else min(self._shortest, len(prompt))
        if len(prompt) > len(self.longest_prompt):
            self.longest_prompt = prompt

    def walk(self, ids: Ids) -> list[Node]:
        """The nodes along a prompt, or along a prompt and a reply, that was added before."""
        found, node, place = [], self._top, 0
        while place < len(ids):
            node = node.children[ids[place]]
            found.append(node)
            place += len(node.ids)
        return found

    def find_branches(self) -> list[Branches]:
        """All nodes that are not on the longest prompt, grouped by the example that added them: mostly its
        replies.
        """
        found: dict[int, Branches] = {}
        longest = self.walk(self.longest_prompt)
        depth = 0
        for node in longest:
            depth += len(node.ids)
            for child in node.children.values():
                if child not in longest:
                    _, nodes = found.get(child.turn, (0, []))
                    found[child.turn] = Branches(depth, [*nodes, *descend(child, node)])
        return list(found.values())

    def _grow(self, node: Node, ids: Ids) -> Node:
        """Adds `ids` below `node`, as far as they are new, and returns the node in which they end."""
        while ids:
            child = node.children.get(ids[0])
            if child is None:
                child = node.children[ids[0]] = Node(ids, self._turns)
                self.size += len(ids)
                return child
            same = count_shared(child.ids, ids)
            if same < len(child.ids):
                child.split(same)
            node, ids = child, ids[same:]
        return node


class PrefixTrees:
    """The trees of one conversation. Add its examples from the shortest prompt to the longest."""

    def __init__(self) -> None:
        self.trees: list[PrefixTree] = []

    @property
    def size(self) -> int:
        return sum(tree.size for tree in self.trees)

    def add(self, example: Example) -> PrefixTree:
        """Adds an example to the tree that shares most with it, or to a new one; returns that tree."""
        tree = max(self.trees, key=lambda tree: tree.fits(example.prompt_ids), default=None)
        if tree is None or not tree.fits(example.prompt_ids):
            tree = PrefixTree()
            self.trees.append(tree)
        tree.add(example)
        return tree


def descend(node: Node, parent: Node) -> Iterator[tuple[Node, Node]]:
    yield node, parent
    for child in node.children.values():
        yield from descend(child, node)


def count_shared(one: Sequence[int], other: Sequence[int]) -> int:
    """The length of the common prefix of two sequences."""
    length = min(len(one), len(other))
    if one[:length] == other[:length]:
        return length
    return next(place for place in range(length) if one[place] != other[place])


def group_conversations(examples: Sequence[Example]) -> list[list[Example]]:
    """Conversations in the order in which they appear, each from its shortest prompt to its longest."""
    found: dict[str, list[Example]] = {}
    for example in examples:
        found.setdefault(example.conversation, []).append(example)
    return [sorted(turns, key=lambda example: len(example.prompt_ids)) for turns in found.values()]


def count_shared_tokens(examples: Sequence[Example]) -> int:
    """Tokens that these examples take in one row, shared prefixes counted once."""
    total = 0
    for turns in group_conversations(examples):
        prefix_trees = PrefixTrees()
        for example in turns:
            prefix_trees.add(example)
        total += prefix_trees.size
    return total
