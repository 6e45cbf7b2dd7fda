"""Ten replies of base and adapter to the same prompts, generated in a run's evaluation, for people to read.

A hash of the prompt chooses the ten, so that nobody can pick the best ones. They are kept in a file of the
run, not in its report, which holds no text; erasure removes the file together with the dataset of its
prompts. Those prompts hold no personal data, like everything in a dataset.
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
    """The customer's last message, and the reply of each side."""

    asked: str
    left: str
    right: str


def order_prompt(messages: Iterable[Mapping[str, str]]) -> str:
    """The hash by which prompts are sorted and then chosen."""
    return hashlib.sha256(json.dumps(list(messages), sort_keys=True).encode()).hexdigest()


def find_asked(messages: Sequence[Mapping[str, str]]) -> str:
    return next((message["content"] for message in reversed(messages) if message["role"] == "user"), "")


def write_side_by_side(
    run_dir: Path, generated: Iterable[tuple[Sequence[Mapping[str, str]], str, str]]
) -> None:
    """Writes the file. Each item of `generated` is a prompt, a reply of the base and a reply of the
    adapter.
    """
    first = sorted(generated, key=lambda row: order_prompt(row[0]))[:SHOWN]
    rows = [asdict(SideBySide(find_asked(messages), base, tuned)) for messages, base, tuned in first]
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    write_atomically(run_dir / FILE, lines.encode(), mode=0o600)


def read_side_by_side(data_dir: Path, run_id: str) -> list[SideBySide]:
    """The replies. Empty if the run generated none, they were erased, or the run's files are on another
    machine.
    """
    try:
        text = (data_dir / "runs" / run_id / FILE).read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    # Lines end with a line feed alone: a reply may hold U+2028, at which `splitlines` would break it.
    return [SideBySide(**json.loads(line)) for line in text.split("\n") if line]
