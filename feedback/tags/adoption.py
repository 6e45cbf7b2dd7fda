"""The strings that are there become a tree: which string becomes which tag. Nothing is merged by guess."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from feedback.tags.edits import Growth, NewId, TagEdit, make_id, settle
from feedback.tags.names import spell_path
from feedback.tags.tree import TagTree


@dataclass(frozen=True)
class AdoptedString:
    """A stored string, how many rows have it, and the path of the tag that it will mean."""

    string: str
    rows: int
    path: str


@dataclass(frozen=True)
class Adoption:
    """What would become of the strings. `known` mean a tag already, `left` give no path and stay strings;
    `shared` are the paths that two or more of the strings become.
    """

    edit: TagEdit
    adopted: list[AdoptedString] = field(default_factory=list)
    known: int = 0
    left: list[str] = field(default_factory=list)

    @property
    def new_tags(self) -> int:
        return sum(before is None for before, _ in self.edit.nodes.values())

    @property
    def shared(self) -> list[str]:
        counts = Counter(each.path for each in self.adopted)
        return sorted(path for path, count in counts.items() if count > 1)


def plan_adoption(tree: TagTree, counts: Mapping[str, int], *, new_id: NewId = make_id) -> Adoption:
    """Plans the tags and aliases for strings, which come with the number of rows that have each."""
    growth, meant = Growth(tree, new_id), dict(tree.aliases)
    left: list[str] = []
    known = 0
    ids: dict[str, str] = {}
    for string in sorted(counts):
        names = spell_path(string)
        if tree.find(string) is not None:
            known += 1
        elif names is None:
            left.append(string)
        else:
            ids[string] = growth.add_path(names)
    grown = TagTree(growth.nodes, meant)
    for string, id in ids.items():
        if grown.paths[id] != string:
            meant[string] = id
    adopted = [AdoptedString(string, counts[string], grown.paths[id]) for string, id in ids.items()]
    return Adoption(settle(tree, growth.nodes, meant), adopted, known, left)
