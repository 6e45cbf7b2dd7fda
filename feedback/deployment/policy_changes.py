"""Notices that another policy is in force than before: what changed, and whether a reason was given.

A policy is a file that people edit, so each start compares the policy it finds with that of the start before.
Decides nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine
from sqlmodel import Session

from feedback.deployment.policy import Policy
from feedback.store import policy_changes
from feedback.store.engine import unit_of_work
from feedback.store.tables import DEFAULT_DESK, PolicyChange


@dataclass(frozen=True)
class Difference:
    """A value that changed, with its table and key. A side is None where that policy has no such key."""

    key: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Unexplained:
    """The latest policy change, if nobody has given a reason for it yet."""

    change: PolicyChange
    before: PolicyChange
    differences: tuple[Difference, ...]


def note_policy_change(
    store_engine: Engine,
    policy: Policy,
    *,
    now: datetime,
    reason: str | None = None,
    actor: str | None = None,
    desk_id: str = DEFAULT_DESK,
) -> bool:
    """Records which policy is in force; returns whether it differs from the one before."""
    change = PolicyChange(
        desk_id=desk_id,
        name=policy.name,
        sha256=policy.sha256,
        limits=list_values(policy),
        reason=reason,
        actor=actor,
        at=now,
    )
    with unit_of_work(store_engine) as session:
        return policy_changes.note_policy(session, change=change)


def find_unexplained(session: Session, *, desk_id: str) -> Unexplained | None:
    """The latest change, if nobody has given its reason. A first policy is no change."""
    latest = policy_changes.list_changes(session, desk_id=desk_id, limit=2)
    if len(latest) < 2 or latest[0].reason is not None:
        return None
    change, before = latest
    return Unexplained(change, before, find_differences(before.limits, change.limits))


def list_values(policy: Policy) -> dict[str, str]:
    """Every value of the policy by table and key, in the spelling of the file."""
    tables = policy.model_dump(mode="python", exclude={"name"})
    return {
        f"{table}.{key}": format_value(value)
        for table, values in tables.items()
        for key, value in values.items()
    }


def format_value(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def find_differences(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[Difference, ...]:
    """The values that differ, in the order of the later policy's keys, those that it lacks last. Pure."""
    keys = [*after, *(key for key in before if key not in after)]
    pairs = (Difference(key, before.get(key), after.get(key)) for key in keys)
    return tuple(pair for pair in pairs if pair.before != pair.after)
