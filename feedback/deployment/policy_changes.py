"""Notices that another policy is in force than before, and tells what changed and whether somebody said why.

A policy is a file, which people change with an editor: what a start finds is compared with what the one
before it found. Decides nothing.
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
    """A value that moved, by its table and key; None where the policy before had no such key."""

    key: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Unexplained:
    """The latest change, for which nobody has given a reason yet."""

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
    """Writes down which policy is in force; whether it is another one than before."""
    with unit_of_work(store_engine) as session:
        return policy_changes.note_policy(
            session,
            desk_id=desk_id,
            name=policy.name,
            sha256=policy.sha256,
            limits=list_values(policy),
            now=now,
            reason=reason,
            actor=actor,
        )


def find_unexplained(session: Session, *, desk_id: str) -> Unexplained | None:
    """None where somebody said why, and where there was no policy before: the first one is no change."""
    latest = policy_changes.list_changes(session, desk_id=desk_id, limit=2)
    if len(latest) < 2 or latest[0].reason is not None:
        return None
    change, before = latest
    return Unexplained(change, before, find_differences(before.limits, change.limits))


def list_values(policy: Policy) -> dict[str, str]:
    """Every value by its table and key, as the file has it."""
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
    """In the order of the later policy's keys, then those that it has no more. Pure."""
    keys = [*after, *(key for key in before if key not in after)]
    pairs = (Difference(key, before.get(key), after.get(key)) for key in keys)
    return tuple(pair for pair in pairs if pair.before != pair.after)
