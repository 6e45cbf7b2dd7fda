"""The gate's policy: every limit that decides about an adapter, read from one commented TOML file.

    [offline]   what an adapter must show before anybody sees it
    [exposure]  what the picks of people must show before it goes live, and when it is taken back
    [canary]    who sees it until then, and whether it may go live by itself
    [approval]  what people have to say

What a file leaves out has the value of the code, which is the strictest: no exposure, no promotion. Opens
nothing but the file it is given; `feedback/deployment/policies/default.toml` names every key.
"""

import difflib
import hashlib
import json
import math
import tomllib
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError, model_validator
from pydantic_core import ErrorDetails

from feedback.experiments.rollout_rule import ExposurePolicy
from serving.errors import Fault

POLICIES = Path(__file__).parent / "policies"


class PolicyRefused(Exception):
    """A policy file does not hold together; every fault of it is listed."""

    def __init__(self, source: Path | str, faults: list[Fault]) -> None:
        self.faults = faults
        listed = "\n".join(f"  - {fault}" for fault in faults)
        super().__init__(f"policy {source} was refused:\n{listed}")


class OfflineLimits(BaseModel):
    """Limits of the offline gate; each one a reason to refuse. Shares lie between 0 and 1."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_choices: int = Field(default=20, ge=1)
    max_log_loss_over_uniform: FiniteFloat = 0.0
    max_log_loss_over_slot: float = Field(default=math.inf, ge=-100)  # inf: not asked
    max_log_loss_over_length: float = Field(default=math.inf, ge=-100)
    max_log_loss_over_serving: FiniteFloat = 0.005
    min_train_accuracy_over_uniform: FiniteFloat = Field(default=0.05, ge=-1, le=1)
    min_kl_to_base: FiniteFloat = Field(default=1e-5, ge=0)
    max_kl_to_base: FiniteFloat = Field(default=0.5, ge=0)
    max_replay_kl: FiniteFloat = Field(default=0.2, ge=0)
    max_perplexity_ratio: FiniteFloat = Field(default=1.25, gt=0)
    min_length_ratio: FiniteFloat = Field(default=0.7, ge=0)
    max_length_ratio: FiniteFloat = Field(default=1.5, gt=0)
    max_broken_greedy: FiniteFloat = Field(default=0.0, ge=0, le=1)
    max_broken_sampled_over_base: FiniteFloat = Field(default=0.01, ge=0, le=1)
    max_repeated_over_base: FiniteFloat = Field(default=0.15, ge=0, le=1)
    max_surprise: FiniteFloat = Field(default=1.0, ge=0)
    max_copied_over_base: FiniteFloat = Field(default=0.15, ge=0, le=1)
    max_wrong_language_over_base: FiniteFloat = Field(default=0.02, ge=0, le=1)
    max_refusal_over_base: FiniteFloat = Field(default=0.15, ge=0, le=1)
    max_personal_data_over_base: FiniteFloat = Field(default=0.1, ge=0, le=1)
    max_flattery_over_base: FiniteFloat = Field(default=0.15, ge=0, le=1)
    max_made_up_links_over_base: FiniteFloat = Field(default=0.1, ge=0, le=1)

    @model_validator(mode="after")
    def _cross_check(self) -> Self:
        if self.min_length_ratio > self.max_length_ratio:
            raise ValueError(
                f"no length fits: min_length_ratio {self.min_length_ratio} lies above max_length_ratio "
                f"{self.max_length_ratio}"
            )
        return self


class CanaryPolicy(BaseModel):
    """Who sees an adapter that passed offline and is not proven yet."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    share: FiniteFloat = Field(default=0.0, ge=0, le=1)
    """Of conversations, each for good; 0 leaves a passed adapter out of service till a person promotes it."""
    compare_share: FiniteFloat = Field(default=0.0, ge=0, le=1)
    """Of the canary's conversations: sets of four that hold both versions, old and new, beside base."""
    go_live: bool = False
    """Whether evidence alone may take it from the canary's share to all conversations."""


class ApprovalPolicy(BaseModel):
    """What people have to say about an adapter before it serves everybody."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    second_person: bool = True
    """Going live needs an approval first: by somebody other than who promotes it, by anybody if the evidence
    does.
    """
    expert_veto: bool = True
    """An expert may veto, too; an admin always may."""


class Policy(BaseModel):
    """One policy, under the name by which decisions refer to it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = "strictest"
    offline: OfflineLimits = OfflineLimits()
    exposure: ExposurePolicy = ExposurePolicy()
    canary: CanaryPolicy = CanaryPolicy()
    approval: ApprovalPolicy = ApprovalPolicy()

    @property
    def sha256(self) -> str:
        """Over all values, whatever the file is called and says beside them."""
        values = self.model_dump(mode="json", exclude={"name"})
        canonical = json.dumps(values, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()

    @property
    def label(self) -> dict[str, str]:
        """Which policy decided, as it is stored with a decision."""
        return {"policy": self.name, "policy_sha256": self.sha256}


def load_policy(source: Path | str) -> Policy:
    """Reads a policy: a path, or the bare name of a shipped one. Raises PolicyRefused with every fault."""
    path = Path(source)
    if not path.suffix:  # a bare name; a folder of that name in the way is none of our business
        path = POLICIES / f"{path.name}.toml"
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as fault:
        shipped = ", ".join(sorted(found.stem for found in POLICIES.glob("*.toml")))
        remedy = f"Name a file, or one of {shipped}, in [feedback] policy."
        raise PolicyRefused(path, [Fault("policy", str(source), fault.strerror or "", remedy)]) from fault
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        wrong = Fault("policy", str(source), f"not TOML ({fault})", "Correct the named line.")
        raise PolicyRefused(path, [wrong]) from fault
    return build_policy(values, name=path.stem, source=path)


def build_policy(values: dict[str, Any], *, name: str, source: Path | str) -> Policy:
    """A policy from plain values, a table for each of its parts."""
    try:
        return Policy.model_validate({"name": name, **values})
    except ValidationError as refused:
        raise PolicyRefused(source, [read_fault(error, source) for error in refused.errors()]) from refused


def read_fault(error: ErrorDetails, source: Path | str) -> Fault:
    key = ".".join(str(part) for part in error["loc"])
    value = json.dumps(error["input"], default=str, ensure_ascii=False)
    limit = error["msg"].removeprefix("Value error, ")
    if error["type"] != "extra_forbidden":
        return Fault(key, value, limit, f"Change it in {source}.")
    last, tables = str(error["loc"][-1]), Policy.model_fields
    if len(error["loc"]) == 1:
        known = [table for table in tables if table != "name"]
        what = "there is no such table"
    else:
        annotation = tables[str(error["loc"][0])].annotation
        assert isinstance(annotation, type) and issubclass(annotation, BaseModel)
        known, what = list(annotation.model_fields), "there is no such limit"
    near = difflib.get_close_matches(last, known, n=1)
    remedy = f"Did you mean {near[0]}?" if near else f"Remove it; known are {', '.join(known)}."
    return Fault(key, value, what, remedy)
