"""What a new base would mean for a desk: what is kept, recomputed and refused. Changes nothing and loads no
weights.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from feedback.errors import ApiError, Conflict
from feedback.store.deployments import CANARY, LIVE, ServingState, serving_state
from feedback.store.engine import read
from feedback.store.rebases import Holdings, count_holdings
from serving.backend import resolve_backend
from serving.base import compute_base_id, resolve_base
from serving.engine.preflight import needed_gib
from serving.errors import BaseUnfit
from serving.facts.describe import describe_layers, describe_size, describe_turns
from serving.facts.profile import read_profile
from serving.facts.verdict import judge_base
from serving.settings import ServingSettings


class SameBase(Conflict):
    def __init__(self, base_model: str, base_id: str) -> None:
        super().__init__(
            "same_base",
            f"{base_model} is the base that serves already (id {base_id[:16]}).",
            "Name another one: a base is known by its weights, tokenizer and template, not by its name.",
        )


class EnginesElsewhere(Conflict):
    def __init__(self, replicas: Iterable[str]) -> None:
        super().__init__(
            "engines_elsewhere",
            f"[serving] replicas name engines that run elsewhere ({', '.join(replicas)}): nothing here can "
            "start one with another base, or restart them.",
            "Run a second data directory against engines of the new base: import what `rejoinder export` "
            "wrote, train there, and compare by duels.",
        )


class NothingLearnt(ApiError):
    def __init__(self) -> None:
        super().__init__(
            409,
            "nothing_learnt",
            "This desk has no choice to train from, so nothing would be lost with the old base.",
            "Set [serving] base_model to the new one and start `rejoinder up` again.",
        )


@dataclass(frozen=True)
class BasePair:
    """The settings of the engine as it serves, and as it would serve the new base."""

    old: ServingSettings
    new: ServingSettings

    @property
    def old_id(self) -> str:
        return compute_base_id(self.old.base_model)

    @property
    def new_id(self) -> str:
        return compute_base_id(self.new.base_model)


@dataclass(frozen=True)
class RebasePlan:
    """What is known before a rebase. `old_adapter` with its role is what serves now, None the base alone."""

    old_base_model: str
    old_base_id: str
    old_adapter: str | None
    old_role: str | None
    base_model: str
    base_id: str
    facts: tuple[str, ...]
    gib: float  # of memory that an engine of the new base needs on a CPU
    holdings: Holdings

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def make_rebase_plan(store_engine: Engine, pair: BasePair, *, desk_id: str) -> RebasePlan:
    """Raises EnginesElsewhere, BaseModelUnknown, SameBase, BaseUnfit or NothingLearnt."""
    if pair.old.replicas:
        raise EnginesElsewhere(pair.old.replicas)
    base = resolve_base(pair.new.base_model)
    if pair.new_id == pair.old_id:
        raise SameBase(pair.new.base_model, pair.new_id)
    facts = describe_fit(base, pair.new)
    with read(store_engine) as session:
        state = serving_state(session, desk_id=desk_id)
        holdings = count_holdings(session, desk_id=desk_id, base_id=pair.old_id)
    if not holdings.choices:
        raise NothingLearnt
    adapter, role = find_old_adapter(state)
    return RebasePlan(
        old_base_model=pair.old.base_model,
        old_base_id=pair.old_id,
        old_adapter=adapter,
        old_role=role,
        base_model=pair.new.base_model,
        base_id=pair.new_id,
        facts=facts,
        gib=needed_gib(pair.new, base),
        holdings=holdings,
    )


def describe_fit(base: Path, settings: ServingSettings) -> tuple[str, ...]:
    """What is known of a base that trains and serves here. Raises BaseUnfit for any other."""
    profile = read_profile(base)
    verdict = judge_base(profile, backend=resolve_backend(settings))
    if verdict.obstacles:
        raise BaseUnfit(settings.base_model, "trained and served", verdict.obstacles)
    return describe_size(profile), describe_layers(profile), describe_turns(profile)


def find_old_adapter(state: ServingState) -> tuple[str | None, str | None]:
    """What the new base has to beat: the live adapter, which most see, else the canary, else the base."""
    for role in (LIVE, CANARY):
        name = state.pointer(role)
        if name is not None:
            return name, role
    return None, None
