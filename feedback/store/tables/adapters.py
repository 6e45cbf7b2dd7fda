"""Tables of adapters and of what serves, with the reasons."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint, false
from sqlmodel import Field, SQLModel

from feedback.store.tables.columns import declare, json_column, time_column


class Adapter(SQLModel, table=True):
    """A version, a LoRA adapter or a checkpoint.

    trained -> refused | passed -> canary -> live -> retired | rolled_back.
    """

    __table_args__ = (declare("state base_id manifest_sha256 report"),)

    name: str = Field(primary_key=True)  # tuned-YYYYMMDD-n
    desk_id: str = Field(foreign_key="desk.id")
    state: str = "trained"
    run_id: str | None = Field(default=None, foreign_key="run.id")
    dataset_id: str | None = Field(default=None, foreign_key="dataset.id")
    base_id: str
    manifest_sha256: str
    report: dict[str, Any] | None = Field(default=None, sa_column=json_column(nullable=True))
    is_checkpoint: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    created_at: datetime = Field(sa_column=time_column())


class AdapterEvent(SQLModel, table=True):
    """A change of an adapter's state and its reason."""

    __tablename__ = "adapter_event"
    __table_args__ = (declare("from_state to_state reason actor"),)

    id: int | None = Field(default=None, primary_key=True)
    adapter: str = Field(foreign_key="adapter.name", index=True)
    from_state: str
    to_state: str
    reason: str
    actor: str
    at: datetime = Field(sa_column=time_column())


class Fit(SQLModel, table=True):
    """The statistics fitted to an adapter's picks, and the counts that they were fitted to.

    The trainer renews it; a page shows it with its time.
    """

    __table_args__ = (UniqueConstraint("desk_id", "adapter"), declare(value={}))

    id: int | None = Field(default=None, primary_key=True)
    desk_id: str = Field(foreign_key="desk.id")
    adapter: str = Field(foreign_key="adapter.name")
    judgements: int  # number of judgements on the adapter's sets
    value: dict[str, Any] = Field(sa_column=json_column())  # empty after an erasure that concerns it
    at: datetime = Field(sa_column=time_column())


class Deployment(SQLModel, table=True):
    """The record of what serves: the latest row of each role names an adapter or none (base). Append-only."""

    __table_args__ = (UniqueConstraint("desk_id", "fencing_token"), declare("role actor reason"))

    id: int | None = Field(default=None, primary_key=True)
    desk_id: str = Field(foreign_key="desk.id")
    role: str  # canary | live
    adapter: str | None = Field(default=None, foreign_key="adapter.name")
    share: float = 1.0
    fencing_token: int
    run_id: str | None = Field(default=None, foreign_key="run.id")
    actor: str
    reason: str
    at: datetime = Field(sa_column=time_column())


class RolloutDecision(SQLModel, table=True):
    """What the picks said about an adapter in service at one interim analysis, and under which policy.
    Append-only.
    """

    __tablename__ = "rollout_decision"
    __table_args__ = (
        Index("ix_rollout_decision_adapter", "adapter", "id"),
        declare("verdict reasons evidence policy policy_sha256 actor"),
    )

    id: int | None = Field(default=None, primary_key=True)
    desk_id: str = Field(foreign_key="desk.id")
    adapter: str = Field(foreign_key="adapter.name")
    verdict: str  # hold | go_live | roll_back | retire
    reasons: list[dict[str, Any]] = Field(default_factory=list, sa_column=json_column())
    evidence: dict[str, Any] = Field(default_factory=dict, sa_column=json_column())
    picks_needed: int | None = None  # null: not reached before the adapter retires
    policy: str
    policy_sha256: str
    actor: str
    at: datetime = Field(sa_column=time_column())


class PolicyChange(SQLModel, table=True):
    """A start at which the gate's policy had other values than before. A reason may be added once."""

    __tablename__ = "policy_change"
    __table_args__ = (declare("name sha256 limits reason actor"),)

    id: int | None = Field(default=None, primary_key=True)
    desk_id: str = Field(foreign_key="desk.id")
    name: str
    sha256: str  # over all values
    limits: dict[str, str] = Field(sa_column=json_column())  # each value by its table and key
    reason: str | None = None  # null: nobody has given a reason
    actor: str | None = None  # who gave the reason
    at: datetime = Field(sa_column=time_column())


class Approval(SQLModel, table=True):
    """What a person said about an adapter; the last word of each person counts. Append-only."""

    __table_args__ = (declare("actor kind reason"),)

    id: int | None = Field(default=None, primary_key=True)
    desk_id: str = Field(foreign_key="desk.id")
    adapter: str = Field(foreign_key="adapter.name", index=True)
    actor: str
    kind: str  # approve | veto
    reason: str
    at: datetime = Field(sa_column=time_column())
