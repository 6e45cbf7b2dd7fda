"""A recipe: every number that decides what a training run does, read from a commented YAML file and saved
with the run.

A file may extend another (`serving/value_files.py`). No data path and no store is known here. `python -c
"from trainer.recipes.recipe import load_recipe; print(load_recipe(None))"` shows the default recipe.
"""

from collections.abc import Mapping
from math import ceil
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    field_validator,
    model_serializer,
)

from feedback.canonical import canonical_hash
from feedback.store.new_records import Counted
from serving.errors import ValuesUnreadable
from serving.faults import list_faults
from serving.value_files import ValueFiles
from trainer.errors import RecipeRefused
from trainer.recipes.methods import VIRTUAL, WHOLE, Method, list_method_faults
from trainer.recipes.mix import Mix
from trainer.recipes.tag_weights import TagWeight
from trainer.recipes.unused import change_objective, list_unused

DEFAULT_RECIPE = "lora_choice"
GATE_MOVED = (
    "gate: its limits are no part of a recipe; move them to the table [offline] of a policy file and "
    "name that file in [feedback] policy (docs/policy.md)"
)
# Keys that came later: a recipe that leaves them alone keeps the digest that it had before.
LATER = {
    "min_texts": 30,
    "method": "lora",
    "virtual_tokens": 20,
    "frozen_layers": "half",
    "earlier": None,
}
LEARNT: Mapping[str, Counted] = {"choice": "choices", "dpo": "choices", "sft": "texts", "kto": "thumbs"}
MOST_TIMES = 3  # `min_steps` may raise `epochs` up to this factor
# Not written while they say nothing: a recipe without them keeps its digest from before there were any.
SILENT = ("tag_weights", "mix", "stages")


class Measurement(BaseModel):
    """How much an evaluation looks at. More rows give narrower intervals and longer nights."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_choices: int = Field(default=600, ge=1)
    max_fit_choices: int = Field(default=300, ge=1)
    fixed_prompts: str | None = None
    checker: str | None = None
    max_prompts: int = Field(default=50, ge=1)
    samples_per_prompt: int = Field(default=8, ge=2)
    guards: tuple[str, ...] = ("support-1",)
    samples_per_guard: int = Field(default=2, ge=1)
    replay: str | None = None
    max_replay: int = Field(default=64, ge=1)
    temperature: float = Field(default=0.8, gt=0)
    top_p: float = Field(default=0.95, gt=0, le=1)
    max_new_tokens: int = Field(default=96, ge=1)
    probe_prompts: int = Field(default=4, ge=1)


class RecipeStage(BaseModel):
    """One stage of a run. What it leaves out is the recipe's own; `grades` and `difficulty` choose from what
    the run learns from, and nothing from held-out checks.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    objective: str | None = None
    learning_rate: float | None = Field(default=None, gt=0)
    epochs: float | None = Field(default=None, gt=0)
    min_steps: int | None = Field(default=None, ge=0)
    grades: tuple[Literal["A", "B", "C", "D"], ...] = ()
    difficulty: tuple[Literal[1, 2, 3, 4], ...] = ()

    @field_validator("objective")
    @classmethod
    def check_objective(cls, value: str | None) -> str | None:
        known = get_args(Recipe.model_fields["objective"].annotation)
        if value is not None and value not in known:
            raise ValueError(f"must be one of {', '.join(known)}")
        return value

    @property
    def changes(self) -> dict[str, Any]:
        """What the stage says otherwise than its recipe."""
        return self.model_dump(exclude_none=True, exclude={"grades", "difficulty"})


class Recipe(BaseModel):
    """All values that change the bytes of an adapter, and how the adapter is measured afterwards."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    objective: Literal["choice", "dpo", "sft", "kto"] = "choice"
    reference: Literal["stored", "run"] = "stored"
    beta: float = Field(default=0.1, gt=0)
    nll_weight: float = Field(default=0.1, ge=0)
    anchor_weight: float = Field(default=0.0, ge=0)
    habits: bool = True
    learning_rate: float = Field(default=1e-5, gt=0)
    schedule: Literal["linear", "cosine", "constant_with_warmup"] = "linear"
    warmup_share: float = Field(default=0.1, ge=0, lt=1)
    max_grad_norm: float = Field(default=1.0, gt=0)
    epochs: float = Field(default=1.0, gt=0)
    min_steps: int = Field(default=0, ge=0)
    batch_size: int = Field(default=16, ge=1)
    accumulation: int = Field(default=1, ge=1)
    method: Method = "lora"
    rank: int = Field(default=16, ge=1, le=256)
    alpha: Annotated[int, Field(ge=1)] | Literal["half"] = 32
    virtual_tokens: int = Field(default=20, ge=1, le=1024)
    frozen_layers: Annotated[int, Field(ge=1)] | Literal["half"] = "half"
    earlier: str | None = None
    target_modules: str | tuple[str, ...] = "all-linear"
    max_length: int = Field(default=1024, ge=8)
    max_pairs: int | None = Field(default=None, ge=1)
    max_examples: int | None = Field(default=None, ge=1)
    min_thumbs: int = Field(default=50, ge=1)
    min_texts: int = Field(default=30, ge=1)
    tag_weights: dict[str, TagWeight] = {}
    mix: Mix | None = None
    patience: int = Field(default=0, ge=0)
    max_held_out_pairs: int = Field(default=200, ge=1)
    checkpoint_steps: int = Field(default=50, ge=1)
    stages: tuple[RecipeStage, ...] = ()
    dtype: Literal["float32", "bfloat16"] = "float32"
    bf16: bool = False
    row_tokens: int = Field(default=4096, ge=1)
    gradient_checkpointing: bool = False
    seed: int = 17
    threads: int = Field(default=2, ge=1)
    measurement: Measurement = Measurement()

    @model_serializer(mode="wrap")
    def write_told(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        values: dict[str, Any] = write(self)
        return {key: value for key, value in values.items() if value or key not in SILENT}

    def list_stages(self) -> list["Recipe"]:
        """A recipe for each stage, in their order; none for a recipe that trains in one go."""
        return [self.model_copy(update={"stages": (), **stage.changes}) for stage in self.stages]

    def settle_epochs(self, examples: int) -> "Recipe":
        """The recipe with the `epochs` that `min_steps` needs, at most three times its own."""
        needed = self.min_steps / self.count_epoch_steps(examples)
        epochs = min(max(self.epochs, needed), MOST_TIMES * self.epochs)
        return self.model_copy(update={"epochs": epochs})

    def count_epoch_steps(self, examples: int) -> int:
        """Optimizer steps of one epoch. Its last batch and its last step may be smaller."""
        return ceil(ceil(examples / self.batch_size) / self.accumulation)

    @property
    def digest(self) -> str:
        """sha256 over all values: two runs with the same digest and dataset give the same adapter."""
        values = self.model_dump(mode="json")
        return canonical_hash({key: value for key, value in values.items() if LATER.get(key, ...) != value})

    @property
    def scale_alpha(self) -> float:
        """LoRA's alpha as a number."""
        return self.rank / 2 if self.alpha == "half" else self.alpha

    @property
    def is_whole(self) -> bool:
        """Whether the method ends in a checkpoint and not in an adapter."""
        return self.method in WHOLE

    @property
    def is_served(self) -> bool:
        """Whether the engine can serve what the method trains."""
        return self.method not in VIRTUAL

    @property
    def learns_from(self) -> Counted:
        """What has to come in for a run to be worth while; of several stages the last one decides."""
        return LEARNT[(self.list_stages() or [self])[-1].objective]

    def to_yaml(self) -> str:
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def load_recipe(path: Path | str | None, **changes: object) -> Recipe:
    """Reads a recipe: a path, the bare name of a shipped one, or None for the default.

    `changes` win over the file; another objective leaves out what it does not use. Raises RecipeRefused with
    every fault.
    """
    try:
        source, values = RECIPE_FILES.read(path or DEFAULT_RECIPE)
    except ValuesUnreadable as unreadable:
        raise RecipeRefused(unreadable.path, [str(unreadable.fault)]) from unreadable
    return build_recipe(lay_changes(values, changes), source)


def lay_changes(values: Mapping[str, object], changes: Mapping[str, object]) -> dict[str, object]:
    """The values with those of the `changes` that are not None. A recipe with another objective than its own
    keeps nothing that this one does not use.
    """
    given = {key: value for key, value in changes.items() if value is not None}
    objective = given.get("objective", values.get("objective"))
    if objective != values.get("objective"):
        values = change_objective(values, str(objective))
    return {**values, **given}


def build_recipe(values: dict[str, object], source: Path | str = "of the run") -> Recipe:
    """Builds and checks a recipe from plain values. Raises RecipeRefused with every fault."""
    recipe = read_recipe(values, source)
    defaults = {key: field.default for key, field in Recipe.model_fields.items()}
    objectives = list(dict.fromkeys(stage.objective for stage in recipe.list_stages() or [recipe]))
    faults = [
        *list_unused(recipe.model_dump(), defaults, objectives),
        *list_method_faults(recipe),
    ]
    if "kto" in objectives and recipe.batch_size < 2:
        faults.append("batch_size = 1: objective kto compares the replies of a batch; set 2 or more")
    if faults:
        raise RecipeRefused(source, faults)
    return recipe


def read_recipe(values: dict[str, object], source: Path | str) -> Recipe:
    """The recipe of plain values that have the right types. Raises RecipeRefused with every fault."""
    try:
        return Recipe.model_validate(values)
    except ValidationError as refused:
        faults = list_faults(refused, Recipe, lambda key: str(source))
        told = [GATE_MOVED if fault.setting == "gate" else str(fault) for fault in faults]
        raise RecipeRefused(source, told) from refused


def recall_recipe(values: dict[str, object], run_id: str) -> Recipe:
    """The recipe that was saved with a run. Keys of an older version that no longer exist are left out."""
    kept = {key: value for key, value in values.items() if key in Recipe.model_fields}
    return read_recipe(kept, f"of run {run_id}")


def parse_yaml(text: str) -> object:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as fault:
        raise ValueError(str(fault)) from fault


RECIPE_FILES = ValueFiles("recipe", Path(__file__).parent, ".yaml", parse_yaml, build_recipe)
