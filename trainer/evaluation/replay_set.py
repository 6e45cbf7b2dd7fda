"""The file of a general replay set (JSONL, one object a line), read and checked. Knows no model.

{"messages": [{"role": "user", "content": "..."}], "reply": "..."}   without `reply`: base answers
{"text": "..."}                                                      any text, from its second token on
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from feedback.records.schemas import ChatMessage
from trainer.errors import RecipeRefused
from trainer.evaluation.checked_lines import check_lines


class ReplayLine(BaseModel):
    """One line of a replay file: a prompt with or without its reply, or a plain text."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    messages: tuple[ChatMessage, ...] | None = Field(default=None, min_length=1)
    reply: str | None = Field(default=None, min_length=1)
    text: str | None = Field(default=None, min_length=2)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.messages is None) == (self.text is None):
            raise ValueError("give either messages or text")
        return self


@dataclass(frozen=True)
class ReplaySet:
    """A replay set. `sha256` is that of the file; None if the lines are prompts of this dataset."""

    name: str
    lines: tuple[ReplayLine, ...]
    sha256: str | None


def read_replay(path: Path) -> ReplaySet:
    """Reads a replay file. Raises RecipeRefused with every fault of the file."""
    try:
        data = path.read_bytes()
    except OSError as why:
        raise RecipeRefused(path, [f"measurement.replay: {why.strerror}"]) from why
    lines, faults = check_lines(ReplayLine, data, path)
    if not lines and not faults:
        faults = ["the file holds no line"]
    if faults:
        raise RecipeRefused(path, [f"measurement.replay: {fault}" for fault in faults])
    return ReplaySet(path.name, tuple(lines), hashlib.sha256(data).hexdigest())
