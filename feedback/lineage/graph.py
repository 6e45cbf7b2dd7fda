"""The steps of lineage, the facts they show, and the walk over them. Reads neither store nor files."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple

from sqlalchemy import Engine

Direction = Literal["before", "after"]

# Named by a step, and left to whoever asks for them: a dataset holds tens of thousands of records, and an
# adapter's sets begin the circle anew.
UNEXPANDED = frozenset(
    {
        ("dataset", "choice"),
        ("dataset", "pair"),
        ("dataset", "thumb"),
        ("dataset", "text"),
        ("deployment", "set"),
        ("duel", "verdict"),
    }
)
EXCERPT = 200  # characters of a text that a step shows
MAX_STEPS = 400  # of one direction: a choice of a year ago is in every dataset since


@dataclass(frozen=True)
class Scope:
    """Where lineage is looked up: the rows of one desk and the files of its datasets."""

    store_engine: Engine
    data_dir: Path
    desk_id: str


class Ref(NamedTuple):
    """The address of a step, written `kind:id`."""

    kind: str
    id: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"


@dataclass
class TraceStep:
    """One step: what it was made from, what was made of it, and how many more of each are not named."""

    ref: Ref
    at: datetime | None
    facts: dict[str, Any] = field(default_factory=dict)
    before: tuple[Ref, ...] = ()
    after: tuple[Ref, ...] = ()
    more_before: int = 0
    more_after: int = 0

    def leads_to(self, kind: str) -> bool | None:
        """True if the step leads to one of this kind, else None, which is not shown."""
        return any(ref.kind == kind for ref in self.after) or None

    def towards(self, direction: Direction) -> tuple[Ref, ...]:
        return self.before if direction == "before" else self.after

    def more(self, direction: Direction) -> int:
        return self.more_before if direction == "before" else self.more_after

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.ref.kind,
            "id": self.ref.id,
            "at": self.at.isoformat() if self.at else None,
            "facts": self.facts,
            "before": [ref._asdict() for ref in self.before],
            "after": [ref._asdict() for ref in self.after],
            "more_before": self.more_before,
            "more_after": self.more_after,
        }


@dataclass(frozen=True)
class Graph:
    """Every step on the way from `start`, nearest first. `cut` means that there are more."""

    start: Ref
    steps: dict[Ref, TraceStep]
    cut: bool = False

    def to_json(self) -> dict[str, Any]:
        return {
            "start": self.start._asdict(),
            "cut": self.cut,
            "steps": [step.to_json() for step in self.steps.values()],
        }


@dataclass(frozen=True)
class PathNode:
    """A step on a path; None where the walk stopped. `again`: it is shown elsewhere."""

    ref: Ref
    step: TraceStep | None
    again: bool = False
    forks: list["list[PathNode]"] = field(default_factory=list)
    more: int = 0


def walk(
    find_step: Callable[[Ref], TraceStep], start: Ref, directions: Sequence[Direction] = ("before", "after")
) -> Graph:
    """Collects all steps that lead to `start` and all that follow from it, nearest first."""
    steps = {start: find_step(start)}
    cut = False
    for direction in directions:
        met = {start}
        waiting = deque([start])
        while waiting and not cut:
            step = steps[waiting.popleft()]
            for ref in step.towards(direction):
                if ref in met or (step.ref.kind, ref.kind) in UNEXPANDED:
                    continue
                if len(met) >= MAX_STEPS:
                    cut = True
                    break
                met.add(ref)
                if ref not in steps:
                    steps[ref] = find_step(ref)
                waiting.append(ref)
    return Graph(start, steps, cut)


def lay_path(graph: Graph, direction: Direction) -> list[PathNode]:
    """The way from the start as a path that branches only where it must. The start is its first node."""
    return _lay_from(graph, graph.start, direction, set())


def _lay_from(graph: Graph, ref: Ref, direction: Direction, seen: set[Ref]) -> list[PathNode]:
    path: list[PathNode] = []
    while True:
        step = graph.steps.get(ref)
        again = ref in seen
        seen.add(ref)
        nexts = step.towards(direction) if step and not again else ()
        more = step.more(direction) if step and not again else 0
        if len(nexts) == 1 and not more and (ref.kind, nexts[0].kind) not in UNEXPANDED:
            path.append(PathNode(ref, step, again))
            ref = nexts[0]
            continue
        forks = [
            [PathNode(to, None)]
            if (ref.kind, to.kind) in UNEXPANDED
            else _lay_from(graph, to, direction, seen)
            for to in nexts
        ]
        path.append(PathNode(ref, step, again, forks, more))
        return path


def known(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts that are set: empty ones are left out, times are written as text."""
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in facts.items()
        if value is not None and value not in ("", [], {})
    }


def excerpt(text: str | None) -> str | None:
    return text if text is None or len(text) <= EXCERPT else f"{text[:EXCERPT]} …"
