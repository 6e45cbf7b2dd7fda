"""What an import came to: what was seen, and every record counted as accepted, duplicate or refused."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from feedback.records.rejections import Refusal
from feedback.records.split import SHARES
from feedback.store.tables import ImportTally

EXAMPLES = 20
SHOWN = 3  # records of a dry run
CLOSED = ("source_paused", "source_withdrawn")
# What is said of accepted records in which something was guessed or left out, by its code, after their count.
NOTES = {
    "guessed_conversation": "name no conversation: it is guessed as the id up to its last -",
    "guessed_customer": "do not say who the customer is: it is guessed as whoever wrote first",
    "system_left_out": "had system messages, which are left out",
    "tool_left_out": "had calls or results of tools, which are left out",
    "blank_left_out": "had messages without a text, which are left out",
    "internal_left_out": "had internal notes, which are left out",
    "first_message_only": "came without their comments: only the first message is there",
    "event_left_out": "had events that are no messages, which are left out",
}


@dataclass(frozen=True)
class RefusedLine:
    """One refused record, shown to people as an example."""

    line: int
    reason: str
    detail: str
    part: str


@dataclass
class SeenPart:
    """One part of what was brought, and what it looked like. `format` is None where it was not recognised."""

    name: str
    form: str
    encoding: str | None
    format: str | None
    lines: int = 0


@dataclass
class SourceTally:
    """What an import brought of one source. `usable` counts accepted records that something can be learned
    from.
    """

    accepted: int = 0
    usable: int = 0
    duplicates: int = 0
    refused: Counter[str] = field(default_factory=Counter)


@dataclass
class ImportReport:
    """What an import came to. A line that is not blank comes to one record or to several, so
    accepted + duplicates + refused is at least `lines`; of our own forms it is equal.
    """

    parts: list[SeenPart] = field(default_factory=list)
    lines: int = 0
    accepted: int = 0
    duplicates: int = 0
    messages: int = 0  # of accepted conversations
    kinds: Counter[str] = field(default_factory=Counter)  # of what was accepted
    refused: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)  # what was guessed or left out in accepted records
    splits: Counter[str] = field(default_factory=Counter)  # of accepted choices, pairs and thumbs
    examples: list[RefusedLine] = field(default_factory=list)
    shown: list[dict[str, Any]] = field(default_factory=list)  # the first records of a dry run
    import_id: str | None = None
    tallies: defaultdict[str, SourceTally] = field(default_factory=lambda: defaultdict(SourceTally))
    bytes_read: int = 0

    def refuse(self, line: int, refusal: Refusal, part: str, source: str) -> None:
        """Counts a refusal; the first of each reason is an example, others as long as there is room. That a
        source takes nothing at present says nothing of what it brings.
        """
        self.refused[refusal.reason] += 1
        if refusal.reason not in CLOSED:
            self.tallies[source].refused[refusal.reason] += 1
        if self.refused[refusal.reason] == 1 or len(self.examples) < EXAMPLES:
            self.examples.append(RefusedLine(line, refusal.reason, refusal.detail, part))

    @property
    def empty_splits(self) -> list[str]:
        """The splits that nothing of this import is in, though some of it is in another."""
        return [name for name, _ in SHARES if self.splits and not self.splits[name]]

    def count(self) -> dict[str, Any]:
        """What is kept of it in the store: what it looked like and the counts, but no text of a record."""
        return {
            "parts": [vars(part) for part in self.parts],
            "kinds": dict(sorted(self.kinds.items())),
            "lines": self.lines,
            "accepted": self.accepted,
            "duplicates": self.duplicates,
            "refused": dict(sorted(self.refused.items())),
            "messages": self.messages,
            "notes": dict(sorted(self.notes.items())),
            "splits": dict(self.splits),
            "examples": self.point_at_refused(),
        }

    def point_at_refused(self) -> list[dict[str, Any]]:
        """Where the first refused record of each reason stands."""
        first = {example.reason: example for example in reversed(self.examples)}
        return [
            {"reason": reason, "part": first[reason].part, "line": first[reason].line}
            for reason in sorted(first)
        ]

    def to_json(self) -> dict[str, Any]:
        return {
            "import": self.import_id,
            **self.count(),
            "empty_splits": self.empty_splits,
            "examples": [vars(example) for example in self.examples],
            **({"shown": self.shown} if self.shown else {}),
        }


def make_tallies(report: ImportReport, desk_id: str, import_id: str) -> Iterator[ImportTally]:
    """The rows that keep what an import brought of each source."""
    for source, tally in report.tallies.items():
        yield ImportTally(
            desk_id=desk_id,
            import_id=import_id,
            source=source,
            accepted=tally.accepted,
            usable=tally.usable,
            duplicates=tally.duplicates,
            refused=tally.refused.total(),
            refusals=dict(sorted(tally.refused.items())),
        )
