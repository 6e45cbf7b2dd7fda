"""How a tree changes: each plan gives an edit, which says of every tag and alias what it was and what it is.

A plan refuses what would leave a string with two meanings. Whatever string had a meaning before keeps it: the
paths that a change takes away become aliases. So an edit can be taken back while nothing was built on it.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any
from uuid import uuid4

from feedback.tags.errors import AliasTaken, TagChanged, TagCycle, TagHasChildren, TagState, TagTaken
from feedback.tags.names import check_name, split_path
from feedback.tags.tree import ACTIVE, BETWEEN, MERGED, RETIRED, TagNode, TagTree

NewId = Callable[[], str]


def make_id() -> str:
    return str(uuid4())


@dataclass(frozen=True)
class TagEdit:
    """Tags by id and the meanings of aliases by name, each before and after; None where there is none."""

    nodes: Mapping[str, tuple[TagNode | None, TagNode | None]] = field(default_factory=dict)
    aliases: Mapping[str, tuple[str | None, str | None]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {
            "nodes": {
                id: [None if node is None else asdict(node) for node in sides]
                for id, sides in self.nodes.items()
            },
            "aliases": {name: list(sides) for name, sides in self.aliases.items()},
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> "TagEdit":
        return cls(
            {
                id: (before and TagNode(**before), after and TagNode(**after))
                for id, (before, after) in told["nodes"].items()
            },
            {name: (before, after) for name, (before, after) in told["aliases"].items()},
        )


class Growth:
    """A tree to which paths are added, and what that makes of its tags."""

    def __init__(self, tree: TagTree, new_id: NewId) -> None:
        self.tree, self.new_id = tree, new_id
        self.nodes = dict(tree.nodes)
        self._ids = {(tree.nodes[id].parent, tree.nodes[id].name): id for id in tree.paths}

    def add_path(self, names: list[str]) -> str:
        """The id of the last tag of a path; adds it and those above it where they are not there."""
        parent: str | None = None
        for depth, name in enumerate(names, start=1):
            id = self.tree.find(BETWEEN.join(names[:depth])) or self._ids.get((parent, name))
            if id is None:
                id = self._ids[parent, name] = self.new_id()
                self.nodes[id] = TagNode(id, name, parent)
            parent = id
        return parent or ""


def plan_addition(tree: TagTree, path: str, *, new_id: NewId = make_id) -> TagEdit:
    """Adds a tag, and those above it that are not there."""
    names = split_path(path)
    known = tree.find(path)
    if known is not None:
        found = tree.paths[known]
        raise TagTaken(found) if found == path else AliasTaken(path, found)
    growth = Growth(tree, new_id)
    growth.add_path(names)
    return settle(tree, growth.nodes, tree.aliases)


def plan_rename(tree: TagTree, id: str, name: str) -> TagEdit:
    check_name(name)
    return change_node(tree, id, name=name)


def plan_move(tree: TagTree, id: str, parent: str | None) -> TagEdit:
    """Moves a tag with all below it under another one, or to the top."""
    if parent is not None:
        require_outside(tree, id, parent)
        require_tag_state(tree, parent, ACTIVE)
    return change_node(tree, id, parent=parent)


def plan_merge(tree: TagTree, id: str, into: str) -> TagEdit:
    """Makes a tag another name of `into`, which takes over what lies below it."""
    require_tag_state(tree, id, ACTIVE, RETIRED)
    require_outside(tree, id, into)
    require_tag_state(tree, into, ACTIVE)
    nodes = dict(tree.nodes)
    nodes[id] = replace(nodes[id], state=MERGED, merged_into=into)
    for child in tree.children.get(id, ()):
        nodes[child] = replace(nodes[child], parent=into)
    return settle(tree, nodes, tree.aliases)


def plan_retirement(tree: TagTree, id: str) -> TagEdit:
    require_tag_state(tree, id, ACTIVE)
    for child in tree.children.get(id, ()):
        if tree.nodes[child].state == ACTIVE:
            raise TagHasChildren(tree.paths[id], tree.paths[child])
    return change_node(tree, id, state=RETIRED)


def plan_restoration(tree: TagTree, id: str) -> TagEdit:
    """Makes a retired or merged tag active again, below the tag that it was below; with all above it."""
    node = tree.nodes[id]
    if node.state == ACTIVE:
        raise TagState(tree.paths[id], node.state)
    parent = None if node.parent is None else tree.follow(node.parent)
    nodes = dict(tree.nodes)
    nodes[id] = replace(node, state=ACTIVE, merged_into=None, parent=parent)
    for above in () if parent is None else tree.list_above(parent):
        nodes[above] = replace(nodes[above], state=ACTIVE)
    return settle(tree, nodes, tree.aliases)


def plan_undo(tree: TagTree, edit: TagEdit) -> TagEdit:
    """Takes an edit back: its tags become what they were. Strings that got a meaning by it keep it, unless
    it did nothing but add: then they are strings again.
    """
    nodes = dict(tree.nodes)
    for id, (before, after) in edit.nodes.items():
        if tree.nodes.get(id) != after:
            raise TagChanged(name_tag(tree, id, before or after))
        nodes.pop(id, None)
        if before is not None:
            nodes[id] = before
    if (broken := find_broken_tag(nodes)) is not None:
        raise TagChanged(name_tag(tree, broken, nodes[broken]))
    only_adds = all(before is None for before, _ in edit.nodes.values())
    dropped = {name for name in edit.aliases if only_adds and tree.aliases.get(name) == edit.aliases[name][1]}
    kept = {name: id for name, id in tree.aliases.items() if id in nodes and name not in dropped}
    lost = {name: was for name, (was, now) in edit.aliases.items() if now is None and was in nodes}
    again = {name: was for name, was in lost.items() if was is not None and name not in tree.meanings}
    return settle(tree, nodes, kept | again)


def find_broken_tag(nodes: Mapping[str, TagNode]) -> str | None:
    """A tag below one that is not there or was merged, below itself, or merged into nothing."""
    for id, node in nodes.items():
        seen, at = {id}, node.parent
        while at is not None and node.state != MERGED:
            if at not in nodes or nodes[at].state == MERGED or at in seen:
                return id
            seen.add(at)
            at = nodes[at].parent
        seen, at = {id}, node.merged_into
        while at is not None:
            if at not in nodes or at in seen:
                return id
            seen.add(at)
            at = nodes[at].merged_into
    return None


def name_tag(tree: TagTree, id: str, node: TagNode | None) -> str:
    return tree.path_of(id) if id in tree.nodes else node.name if node else id


def change_node(tree: TagTree, id: str, **fields: Any) -> TagEdit:
    require_tag_state(tree, id, ACTIVE, RETIRED)
    return settle(tree, {**tree.nodes, id: replace(tree.nodes[id], **fields)}, tree.aliases)


def require_tag_state(tree: TagTree, id: str, *states: str) -> None:
    state = tree.nodes[id].state
    if state not in states:
        raise TagState(tree.path_of(id) if state != MERGED else tree.nodes[id].name, state)


def require_outside(tree: TagTree, id: str, other: str) -> None:
    """Refuses another tag that is this one or lies below it."""
    if id in tree.list_above(tree.follow(other)):
        raise TagCycle(tree.paths[id], tree.path_of(other))


def settle(tree: TagTree, nodes: Mapping[str, TagNode], aliases: Mapping[str, str]) -> TagEdit:
    """The edit from a tree to these tags and aliases: paths that go become aliases, an alias that became the
    path of its own tag goes. Raises TagTaken or AliasTaken where a string would mean two tags.
    """
    changed = TagTree(nodes, aliases)
    taken: dict[str, str] = {}
    for id, path in changed.paths.items():
        if taken.setdefault(path, id) != id:
            raise TagTaken(path)
    meant = dict(aliases)
    for id, path in tree.paths.items():
        if id in nodes and path not in taken:
            meant.setdefault(path, id)
    for name in [name for name in meant if name in taken]:
        owner = meant.pop(name)
        if changed.follow(owner) != taken[name]:
            raise AliasTaken(name, tree.path_of(owner))
    for id, path in tree.paths.items():  # a path that another tag takes over while its own tag goes on
        if id in nodes and path in taken and changed.follow(id) != taken[path]:
            raise TagTaken(path)
    return TagEdit(
        {
            id: (tree.nodes.get(id), nodes.get(id))
            for id in {**tree.nodes, **nodes}
            if tree.nodes.get(id) != nodes.get(id)
        },
        {
            name: (tree.aliases.get(name), meant.get(name))
            for name in {**tree.aliases, **meant}
            if tree.aliases.get(name) != meant.get(name)
        },
    )
