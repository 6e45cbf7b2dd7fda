"""The gate's policy: every limit that decides about an adapter, read from one commented TOML file.

    [offline]   what an adapter must show before anybody sees it
    [exposure]  what the picks of people must show before it goes live, and when it is taken back
    [canary]    who sees it until then, and whether it may go live by itself
    [approval]  what people have to say

A file may extend another (`serving/value_files.py`). What neither names has the value of the code, which is
the strictest: no rollout, no promotion. `feedback/deployment/policies/default.toml` names every key.
"""

import math
import tomllib
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError, model_validator

from feedback.canonical import canonical_hash
from feedback.experiments.rollout_rule import RolloutPolicy
from serving.errors import Fault, ValuesUnreadable
from serving.faults import list_faults
from serving.value_files import ValueFiles


class PolicyRefused(Exception):
    """The policy file is invalid; the error lists every fault."""

    def __init__(self, source: Path | str, faults: list[Fault]) -> None:
        self.faults = faults
        listed = "\n".join(f"  - {fault}" for fault in faults)
        super().__init__(f"policy {source} was refused:\n{listed}")


class OfflineLimits(BaseModel):
    """Limits of the offline gate, each of which can refuse an adapter. Shares lie between 0 and 1."""

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
    """Who sees an adapter that passed the offline gate and has not been proven in service yet."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    share: FiniteFloat = Field(default=0.0, ge=0, le=1)
    """Of conversations, each for good; 0 leaves a passed adapter out of service till a person promotes it."""
    compare_share: FiniteFloat = Field(default=0.0, ge=0, le=1)
    """Of the canary's conversations: sets of four that hold both versions, old and new, beside base."""
    go_live: bool = False
    """Whether evidence alone may take it from the canary's share to all conversations."""


class ApprovalPolicy(BaseModel):
    """Which approvals an adapter needs before it serves everybody."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    second_person: bool = True
    """Going live needs an approval first: by somebody other than who promotes it, by anybody if the evidence
    does.
    """
    expert_veto: bool = True
    """An expert may veto, too; an admin always may."""
    min_expert_score: float = Field(default=-math.inf, le=4)
    """Going live needs an expert score whose interval lies at or above this; -inf asks for none."""


class Policy(BaseModel):
    """One policy, with the name that decisions refer to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = "strictest"
    offline: OfflineLimits = OfflineLimits()
    exposure: RolloutPolicy = RolloutPolicy()
    canary: CanaryPolicy = CanaryPolicy()
    approval: ApprovalPolicy = ApprovalPolicy()

    @property
    def sha256(self) -> str:
        """The hash over all values, independent of the file's name and comments. A limit that came later is
        left out where it asks for nothing, so that earlier hashes hold.
        """
        values = self.model_dump(mode="json", exclude={"name"})
        if self.approval.min_expert_score == -math.inf:
            del values["approval"]["min_expert_score"]
        return canonical_hash(values, allow_nan=True)

    @property
    def label(self) -> dict[str, str]:
        """The policy's name and hash, as they are stored with a decision."""
        return {"policy": self.name, "policy_sha256": self.sha256}


def load_policy(source: Path | str) -> Policy:
    """Reads a policy: a path, or the bare name of a shipped one. Raises PolicyRefused with every fault."""
    try:
        path, values = POLICY_FILES.read(source)
    except ValuesUnreadable as unreadable:
        raise PolicyRefused(unreadable.path, [unreadable.fault]) from unreadable
    return build_policy(values, path)


def build_policy(values: dict[str, Any], source: Path | str) -> Policy:
    """Makes a policy from plain values, with one table for each of its parts."""
    try:
        return Policy.model_validate(values)
    except ValidationError as refused:
        raise PolicyRefused(source, list_faults(refused, Policy, lambda key: str(source))) from refused


POLICY_FILES = ValueFiles("policy", Path(__file__).parent / "policies", ".toml", tomllib.loads, build_policy)
