"""What the lines of one export have in common: their columns, and the lines that show the type of each.

`datasets.load_dataset` fixes names and types of the columns by the first ten megabytes of a file, and fails
where a later line has more. So every line names every column, and lines that show a type come first.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from feedback.formats.jsonl import Body

ARGUMENTS = "chat_template_kwargs"
EMPTY: dict[str, Any] = {"tags": []}  # where null is no value of a column


@dataclass
class Columns:
    """The columns that any line fills, in the order of their first use, gathered line by line."""

    names: dict[str, None] = field(default_factory=dict)
    arguments: dict[str, set[type]] = field(default_factory=dict)  # of the chat template, with their types
    showing: dict[int, Body] = field(default_factory=dict)  # by line: those that first fill a field
    lines: int = 0
    _filled: set[str] = field(default_factory=set)

    def note(self, body: Body) -> None:
        """Takes notice of the next line."""
        filled = list_filled(body)
        if not self._filled.issuperset(filled):
            self._filled.update(filled)
            self.showing[self.lines] = body
        self.lines += 1
        self.names.update(dict.fromkeys(name for name in filled if "." not in name))
        for name, value in (body.get(ARGUMENTS) or {}).items():
            types = self.arguments.setdefault(name, set())
            types |= set() if value is None else {type(value)}

    def even(self, bodies: Iterator[Body]) -> Iterator[Body]:
        """The lines again, each with every column."""
        for body in self.showing.values():
            yield self.fill(body)
        for number, body in enumerate(bodies):
            if number not in self.showing:
                yield self.fill(body)

    def fill(self, body: Body) -> Body:
        """A line with every column, and with none that is empty in all lines."""
        filled = {name: body.get(name, EMPTY.get(name)) for name in self.names}
        if ARGUMENTS in filled:
            filled[ARGUMENTS] = dict.fromkeys(self.arguments) | (body.get(ARGUMENTS) or {})
        return filled


def list_filled(body: Body) -> list[str]:
    """The names of the fields that say something, those inside an object or a list of objects after a dot."""
    filled = []
    for name, value in body.items():
        if value is None or value == [] or value == {}:
            continue
        filled.append(name)
        within = value if isinstance(value, list) and isinstance(value[0], dict) else [value]
        inner: set[str] = set()
        for each in within if isinstance(within[0], dict) else ():
            for key, told in each.items():
                if told is not None:
                    inner.add(key)
        filled += [f"{name}.{key}" for key in inner]
    return filled
