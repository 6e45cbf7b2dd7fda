"""What a format is, and what reading one of its records gives.

A format says whether a record looks like one of its own, by its fields and never by a file's name, and makes
records of ours of it: none, one or several. A fault in a record is a refusal with a reason; it never stops
the file.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from feedback.formats.fields import FieldFault
from feedback.formats.jsonl import Body, JsonLine
from feedback.records.rejections import Refusal


@dataclass(frozen=True)
class Made:
    """One record of ours: its kind, its form on disk, and codes of what was guessed or left out."""

    kind: str
    body: Body
    notes: tuple[str, ...] = ()


Converted = Made | Refusal


@dataclass(frozen=True)
class Format:
    """One way in which tools write records. `source` is where its records come from if nobody says so; our
    own forms say it themselves. `gather` makes one entry of several, where a record has several rows.
    """

    name: str
    recognise: Callable[[Body], bool]
    read: Callable[[Body], Iterable[Converted]]
    source: str | None
    gather: Callable[[Iterator[JsonLine]], Iterator[JsonLine]] | None = None

    def convert(self, body: Body) -> Iterator[Converted]:
        """The records of ours that follow from one of this format; at least one result."""
        results = 0
        try:
            for result in self.read(body):
                results += 1
                yield result
        except FieldFault as fault:
            yield fault.refusal
            return
        if results == 0:
            yield Refusal("not_judged")
