"""Tables of the helper: requests to it and whose texts they hold, what it said of items, and where it is
trusted.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field

from feedback.store.tables.columns import DeskRow, declare, json_column, text_column, time_column


class HelperCall(DeskRow, table=True):
    """One request to the helper, written with what it may cost before it is sent: asked -> another state."""

    __tablename__ = "helper_call"
    __table_args__ = (
        Index("ix_helper_call_key", "desk_id", "key"),
        Index("ix_helper_call_day", "desk_id", "day"),
        Index("ix_helper_call_created_at", "desk_id", "created_at"),
        declare("use host model answered_by state error day lease_owner", key="", request=None, answer=None),
    )

    use: str  # tag | compare | rate | filter | write | similar | check
    version: int  # of how it is asked
    host: str
    model: str  # that was asked for
    answered_by: str | None = None  # the name that the address gave
    key: str  # sha256 of all that decides the answer; repeated requests have the same
    item_id: str | None = Field(default=None, foreign_key="item.id", index=True)
    state: str = "asked"  # asked | ok | invalid | refused | unknown | unreachable | failed
    error: str | None = None  # a code, never the address's words: they may quote what was sent
    request: list[dict[str, str]] | None = Field(default=None, sa_column=json_column(nullable=True))
    answer: str | None = Field(default=None, sa_column=text_column(nullable=True))
    day: str  # in UTC, that pays for it
    reserved: int  # tokens that it takes at most
    tokens_in: int | None = None
    tokens_out: int | None = None
    tokens: int  # that count for the day: reserved, then taken
    cost: float = 0.0
    ms: int | None = None
    lease_owner: str | None = None
    lease_until: datetime | None = Field(default=None, sa_column=time_column(nullable=True))
    created_at: datetime = Field(sa_column=time_column())
    finished_at: datetime | None = Field(default=None, sa_column=time_column(nullable=True))


class HelperSubject(DeskRow, table=True):
    """A training record whose texts a call holds that is about no item, and by what erasure finds them."""

    __tablename__ = "helper_subject"
    __table_args__ = (
        Index("ix_helper_subject_subject", "subject_kind", "subject_id"),
        declare("subject_kind subject_id name"),
    )

    call_id: str = Field(foreign_key="helper_call.id", index=True)
    subject_kind: str  # conversation | record | item
    subject_id: str  # of an imported record that of its row, as in items
    name: str  # of the training record, as lineage calls it: choice:star/17


class HelperLabel(DeskRow, table=True):
    """What the helper said of an item, blind, in both orders where there are two. It is no label: it is in no
    answer to a labeller, has no slot and no vote, and is never gold.
    """

    __tablename__ = "helper_label"
    __table_args__ = (
        UniqueConstraint("item_id", "asked"),
        Index("ix_helper_label_task", "task_id", "model"),
        declare("asked model state", value=None),
    )

    task_id: str = Field(foreign_key="task.id")
    item_id: str = Field(foreign_key="item.id")
    asked: str  # address and model that were asked
    model: str  # who answered
    state: str  # said | abstained | unanswered
    value: dict[str, Any] | None = Field(default=None, sa_column=json_column(nullable=True))
    created_at: datetime = Field(sa_column=time_column())


class HelperTrust(DeskRow, table=True):
    """That a model was trusted in a task, or no longer. Append-only; the last row of a task counts."""

    __tablename__ = "helper_trust"
    __table_args__ = (
        UniqueConstraint("task_id", "number"),
        declare("model reason"),
    )

    task_id: str = Field(foreign_key="task.id")
    number: int  # from 1
    model: str
    is_trusted: bool
    reason: str  # agrees | differs | model_changed
    kappa: float | None = None
    low: float | None = None  # of its 95 % interval
    bar: float | None = None
    agreed: float | None = None  # share of the items
    items: int = 0  # that people settled, and it labelled
    created_at: datetime = Field(sa_column=time_column())
