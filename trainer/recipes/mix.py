"""A general set that a recipe mixes in: which file, and how many own examples of a run to one of it."""

from pydantic import BaseModel, ConfigDict, Field


class Mix(BaseModel):
    """`general`: path of a JSONL file (`trainer/mix/general_set.py`). `ratio`: own examples to one general
    reply. `sha256`: of the file; a run writes it down when it begins.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    general: str
    ratio: float = Field(default=10.0, ge=5, le=10)
    sha256: str | None = None
