"""A general set that a recipe mixes in: a file or a stored source, and how many own examples of a run to one
reply of it.
"""

from typing import Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)


class Mix(BaseModel):
    """`general`: path of a JSONL file (`trainer/mix/general_set.py`). `source`: name of a stored source
    (`trainer/mix/source_set.py`). `ratio`: own examples to one general reply. `sha256`: of the file, or of
    the dataset of the source; a run writes it down when it begins.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    general: str | None = None
    source: str | None = None
    ratio: float = Field(default=10.0, ge=5, le=10)
    sha256: str | None = None

    @model_validator(mode="after")
    def check_one(self) -> Self:
        if (self.general is None) == (self.source is None):
            raise ValueError("name one of general (a file) and source (a stored source)")
        return self

    @model_serializer(mode="wrap")
    def write_named(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without the other kind of set: a recipe with a file keeps its digest from before there were two."""
        values: dict[str, Any] = write(self)
        del values["source" if self.source is None else "general"]
        return values
