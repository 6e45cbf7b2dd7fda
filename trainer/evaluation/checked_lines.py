"""Reads a JSONL file and checks each line, for guard prompts and replay sets."""

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from serving.faults import say_faults

Line = TypeVar("Line", bound=BaseModel)


def check_lines(shape: type[Line], data: bytes, source: Path) -> tuple[list[Line], list[str]]:
    """The lines that are valid, and the faults of the others in words. Empty lines are skipped."""
    lines: list[Line] = []
    faults: list[str] = []
    # A line ends with a line feed alone: a text may hold U+2028, at which `splitlines` would break it.
    for number, line in enumerate(data.decode(errors="replace").split("\n"), 1):
        if line.strip():
            try:
                lines.append(shape.model_validate_json(line))
            except ValidationError as wrong:
                faults.append(f"{source} line {number}: {'; '.join(say_faults(wrong))}")
    return lines, faults
