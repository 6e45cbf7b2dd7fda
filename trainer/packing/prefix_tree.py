"""The examples of one conversation as a tree of tokens in which every prefix stands once.

The reply that was sent is part of the next turn's prompt, so a conversation's history is one path from the
root, and all else hangs on it. Built from token ids alone: where a history was cut, a reply was edited or a
template renders an old turn anew, what differs branches off at the first token that differs, and a prompt
that shares too little begins a tree of its own. Pure; `rows.py` lays it out.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from trainer.data.example import Example

Ids = tuple[int, ...]
JOIN_SHARE = 0.5  # of the shorter prompt; below it attention under a mask costs more than the prefix saves


class Node:
    """Tokens that the same sequences run through. `turn`: which example of the tree brought them first."""

    def __init__(self, ids: Ids, turn: int) -> None:
        self.ids = ids
        self.turn = turn
        self.children: dict[int, Node] = {}

    def split(self, at: int) -> None:
        lower = Node(self.ids[at:], self.turn)
        lower.children, self.children = self.children, {self.ids[at]: lower}
        self.ids = self.ids[:at]


class Branches(NamedTuple):
    """Nodes with their parents, parents first, that hang on the first `stem` tokens of a trunk."""

    stem: int
    nodes: list[tuple[Node, Node]]


class Tree:
    """Prompts that begin alike, with their replies. `size`: tokens; `trunk`: the longest prompt."""

    def __init__(self) -> None:
        self.size = 0
        self.trunk: Ids = ()
        self._top = Node((), 0)
        self._shortest: int | None = None
        self._turns = 0

    def fits(self, prompt: Ids) -> int:
        """Tokens of the prompt that stand here already; 0 if they are too few to share."""
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
        if len(prompt) > len(self.trunk):
            self.trunk = prompt

    def walk(self, ids: Ids) -> list[Node]:
        """The nodes of a prompt, or of a prompt and a reply, that were added."""
        found, node, place = [], self._top, 0
        while place < len(ids):
            node = node.children[ids[place]]
            found.append(node)
            place += len(node.ids)
        return found

    def find_branches(self) -> list[Branches]:
        """All nodes off the trunk, those that one example brought together: its replies mostly."""
        found: dict[int, Branches] = {}
        trunk = self.walk(self.trunk)
        depth = 0
        for node in trunk:
            depth += len(node.ids)
            for child in node.children.values():
                if child not in trunk:
                    _, nodes = found.get(child.turn, (0, []))
                    found[child.turn] = Branches(depth, [*nodes, *descend(child, node)])
        return list(found.values())

    def _grow(self, node: Node, ids: Ids) -> Node:
        """The node at whose end `ids` end, below `node`; there is one after this."""
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


class Forest:
    """Trees of one conversation. Add examples from the shortest prompt to the longest."""

    def __init__(self) -> None:
        self.trees: list[Tree] = []

    @property
    def size(self) -> int:
        return sum(tree.size for tree in self.trees)

    def add(self, example: Example) -> Tree:
        """The tree that holds the example now."""
        tree = max(self.trees, key=lambda tree: tree.fits(example.prompt_ids), default=None)
        if tree is None or not tree.fits(example.prompt_ids):
            tree = Tree()
            self.trees.append(tree)
        tree.add(example)
        return tree


def descend(node: Node, parent: Node) -> Iterator[tuple[Node, Node]]:
    yield node, parent
    for child in node.children.values():
        yield from descend(child, node)


def count_shared(one: Sequence[int], other: Sequence[int]) -> int:
    """Tokens by which both begin."""
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
    """Tokens that the trees of these examples take in one row."""
    total = 0
    for turns in group_conversations(examples):
        forest = Forest()
        for example in turns:
            forest.add(example)
        total += forest.size
    return total
