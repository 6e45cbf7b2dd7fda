"""What an export came to: its files, and everything that its form could not hold, counted by name."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

REPORT_FILE = "rejoinder_export.json"
LOSSES = {  # codes, beside the names of fields
    "whole": "the form has no place for them",
    "no_pair": "no pair follows from them: every other reply is too close to the one that was preferred",
    "no_reply": "there is no reply of an agent after a customer's message, so the tool would skip them",
    "by_whom": "the form does not say which replies a person wrote",
    "joined": "messages of one side in a row became one",
    "system_moved": "messages of the system inside the chat stand at its beginning",
    "start_cut": "what the assistant said before the user's first message is left out",
    "end_cut": "what the user said after the last reply is left out",
}


@dataclass
class ExportReport:
    """Counts of one export. `lines`: by file. `lost`: by kind and by the field, or a code of LOSSES.
    `left_out`: records that no dataset would take either, by reason.
    """

    lines: dict[str, int] = field(default_factory=dict)
    lost: dict[str, Counter[str]] = field(default_factory=dict)
    left_out: Counter[str] = field(default_factory=Counter)

    def lose(self, kind: str, what: str, count: int = 1) -> None:
        self.lost.setdefault(kind, Counter())[what] += count

    def tell_losses(self) -> Iterator[str]:
        """One sentence for each loss, such as `412 choices: dwell_ms is not held`. Fields that are lost in
        equal numbers stand in one.
        """
        for kind, counter in self.lost.items():
            fields: dict[int, list[str]] = {}
            for what, count in sorted(counter.items(), key=lambda loss: (-loss[1], loss[0])):
                if what in LOSSES:
                    yield f"{count} {kind}: {LOSSES[what]}"
                else:
                    fields.setdefault(count, []).append(what)
            for count, names in fields.items():
                yield f"{count} {kind}: {', '.join(names)} {'is' if len(names) == 1 else 'are'} not held"

    def to_json(self) -> dict[str, Any]:
        return {
            "lines": self.lines,
            "lost": {kind: dict(sorted(counter.items())) for kind, counter in self.lost.items()},
            "left_out": dict(sorted(self.left_out.items())),
        }
