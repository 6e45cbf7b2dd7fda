"""The file of a general set (JSONL, one object a line), read and checked. Knows no model.

{"messages": [{"role": "user", "content": "..."}, {"role": "assistant", "content": "..."}]}
{"messages": [{"role": "user", "content": "..."}], "reply": "..."}      as in a replay set
{"turns": [{"role": "customer", "text": "..."}, {"role": "agent", "text": "..."}]}   as they come in

The last reply of each is learnt.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from feedback.records.schemas import ChatMessage
from trainer.errors import RecipeRefused
from trainer.evaluation.checked_lines import check_lines
from trainer.recipes.recipe import Recipe

ROLES = {"customer": "user", "agent": "assistant", "bot": "assistant"}


class GeneralLine(BaseModel):
    """One conversation of a general set; it ends with the reply that is learnt."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    messages: tuple[ChatMessage, ...] = Field(min_length=2)

    @model_validator(mode="before")
    @classmethod
    def read_forms(cls, told: Any) -> Any:
        if not isinstance(told, dict):
            return told
        if isinstance(told.get("turns"), list):
            turns = [turn for turn in told["turns"] if isinstance(turn, dict)]
            messages = [
                {"role": ROLES.get(str(turn.get("role"))), "content": turn.get("text")} for turn in turns
            ]
            return {"messages": messages}
        if isinstance(told.get("messages"), list) and told.get("reply") is not None:
            reply = {"role": "assistant", "content": told["reply"]}
            return {"messages": [*told["messages"], reply]}
        return told

    @model_validator(mode="after")
    def check_reply(self) -> Self:
        if self.messages[-1].role != "assistant" or not self.messages[-1].content.strip():
            raise ValueError("the last message must be the reply of an assistant, or an agent")
        return self


@dataclass(frozen=True)
class GeneralSet:
    name: str
    sha256: str
    lines: tuple[GeneralLine, ...]


def read_general(path: Path, sha256: str | None = None) -> GeneralSet:
    """Reads a general set. `sha256`: what the file was when the run began. Raises RecipeRefused with every
    fault of the file, or if it is another one.
    """
    try:
        data = path.read_bytes()
    except OSError as why:
        raise RecipeRefused(path, [f"mix.general: {why.strerror}"]) from why
    digest = hashlib.sha256(data).hexdigest()
    lines, faults = check_lines(GeneralLine, data, path)
    if sha256 is not None and digest != sha256:
        faults = ["the file has changed since the run began; ask for a new run"]
    elif not lines and not faults:
        faults = ["the file holds no line"]
    if faults:
        raise RecipeRefused(path, [f"mix.general: {fault}" for fault in faults])
    return GeneralSet(path.name, digest, tuple(lines))


def note_general(recipe: Recipe) -> Recipe:
    """The recipe with the hash of the general set that it mixes in. Raises RecipeRefused."""
    if recipe.mix is None or recipe.mix.general is None:
        return recipe
    general = read_general(Path(recipe.mix.general), recipe.mix.sha256)
    return recipe.model_copy(update={"mix": recipe.mix.model_copy(update={"sha256": general.sha256})})
