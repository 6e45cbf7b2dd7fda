"""Ten replies of base and adapter to the same prompts, as a run's evaluation drew them: for people to read.

Which ten is decided by a hash of the prompt, so that nobody picks the prettiest. They stand in a file of the
run, not in its report, which holds no text: erasure removes it with the dataset whose prompts it has. Those
prompts are without personal data, as all of a dataset.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from serving.files import write_atomically

SHOWN = 10
FILE = "replies.jsonl"


@dataclass(frozen=True)
class SideBySide:
    """What the customer asked last, and a reply of each side."""

    asked: str
    left: str
    right: str


def order_prompt(messages: Iterable[Mapping[str, str]]) -> str:
    """The key by which prompts are taken."""
    return hashlib.sha256(json.dumps(list(messages), sort_keys=True).encode()).hexdigest()


def find_asked(messages: Sequence[Mapping[str, str]]) -> str:
    return next((message["content"] for message in reversed(messages) if message["role"] == "user"), "")


def write_side_by_side(run_dir: Path, drawn: Iterable[tuple[Sequence[Mapping[str, str]], str, str]]) -> None:
    """`drawn`: prompt, reply of base, reply of the adapter."""
    first = sorted(drawn, key=lambda row: order_prompt(row[0]))[:SHOWN]
    rows = [asdict(SideBySide(find_asked(messages), base, tuned)) for messages, base, tuned in first]
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    write_atomically(run_dir / FILE, lines.encode(), mode=0o600)


def read_side_by_side(data_dir: Path, run_id: str) -> list[SideBySide]:
    """Empty where the run drew none, they were erased, or the run's files lie on another machine."""
    try:
        text = (data_dir / "runs" / run_id / FILE).read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    # Lines end with a line feed alone: a reply may hold U+2028, at which `splitlines` would break it.
    return [SideBySide(**json.loads(line)) for line in text.split("\n") if line]
