"""The tree of tags: which tag a stored string means, and which strings a tag and all below it take in.

    billing                  a tag, which a path names
    billing/refund           one below it
    topic:refund             an alias: a string that means billing/refund; older paths become aliases, too

A tag that was merged is another name of the tag that it went into. A retired one is proposed no more and
keeps its meaning. A string that no tag and no alias is named like means itself, as before there was a tree.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

ACTIVE, MERGED, RETIRED = "active", "merged", "retired"
BETWEEN = "/"


@dataclass(frozen=True)
class TagNode:
    """One tag. `parent` is null at the top; `merged_into` is set exactly in the state `merged`."""

    id: str
    name: str
    parent: str | None = None
    state: str = ACTIVE
    merged_into: str | None = None


@dataclass(frozen=True)
class TagTree:
    """All tags of a desk by id, and the id that each alias means. Never changed: an edit makes a new one."""

    nodes: Mapping[str, TagNode] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)

    def follow(self, id: str) -> str:
        """The tag that this one was merged into, or itself."""
        while (into := self.nodes[id].merged_into) is not None:
            id = into
        return id

    def list_above(self, id: str) -> list[str]:
        """The ids from the top down to this tag, itself included."""
        found = [id]
        while (parent := self.nodes[found[0]].parent) is not None:
            found.insert(0, parent)
        return found

    def path_of(self, id: str) -> str:
        return self.paths[self.follow(id)]

    @cached_property
    def paths(self) -> dict[str, str]:
        """The path of every tag that was not merged, in the order of the paths."""
        found = {
            id: BETWEEN.join(self.nodes[each].name for each in self.list_above(id))
            for id, node in self.nodes.items()
            if node.state != MERGED
        }
        return dict(sorted(found.items(), key=lambda item: item[1].split(BETWEEN)))

    @cached_property
    def meanings(self) -> dict[str, str]:
        """The id of the tag that each known string means."""
        found = {name: self.follow(id) for name, id in self.aliases.items()}
        return found | {path: id for id, path in self.paths.items()}

    def find(self, name: str) -> str | None:
        """The id of the tag that a string means; None if it means itself."""
        return self.meanings.get(name)

    def resolve(self, name: str) -> str:
        """The path of the tag that a string means; the string itself if no tag is named so."""
        id = self.find(name)
        return name if id is None else self.paths[id]

    @cached_property
    def children(self) -> dict[str | None, list[str]]:
        """The ids of the tags below each tag, in the order of their names; those at the top under None."""
        found: dict[str | None, list[str]] = {}
        for id in self.paths:
            found.setdefault(self.nodes[id].parent, []).append(id)
        return found

    def list_below(self, id: str) -> list[str]:
        """The ids of this tag and of all below it, each after its parent."""
        found = [id]
        for each in found:
            found += self.children.get(each, ())
        return found

    @cached_property
    def _strings(self) -> dict[str, set[str]]:
        """The strings that mean each tag."""
        found: dict[str, set[str]] = {id: set() for id in self.paths}
        for name, id in self.meanings.items():
            found[id].add(name)
        return found

    def expand(self, names: Iterable[str]) -> frozenset[str]:
        """All stored strings that mean one of these tags or a tag below it."""
        found: set[str] = set()
        for name in names:
            id = self.find(name)
            found |= (
                {name} if id is None else set().union(*map(self._strings.__getitem__, self.list_below(id)))
            )
        return frozenset(found)

    def lift(self, names: Iterable[str]) -> frozenset[str]:
        """The paths of the tags that these strings mean, with the paths of all tags above them: under which a
        row with these strings counts, once each.
        """
        found: set[str] = set()
        for name in names:
            id = self.find(name)
            found |= {name} if id is None else {self.paths[each] for each in self.list_above(id)}
        return frozenset(found)
