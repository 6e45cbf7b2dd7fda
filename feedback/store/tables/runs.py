"""What is learnt from, and the nightly job that does."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from feedback.store.tables.columns import declare, json_column, new_id, text_column, time_column


class Record(SQLModel, table=True):
    """An imported training record (choice, pair or thumb) in its form on disk; live ones are derived from
    judgements.
    """

    __table_args__ = (
        UniqueConstraint("desk_id", "kind", "source", "identity"),
        Index("ix_record_kind", "desk_id", "kind", "source"),
        declare("kind", "source", "identity", "conversation", "language", tags=[], body={}),
    )

    id: int | None = Field(default=None, primary_key=True)
    desk_id: str = Field(foreign_key="desk.id")
    kind: str  # choice | pair | thumb
    source: str
    identity: str  # the record's own id, else sha256 of its canonical form + "#" + occurrence
    conversation: str  # the unit of the split
    language: str | None = None
    tags: list[str] = Field(default_factory=list, sa_column=json_column())
    body: dict[str, Any] = Field(sa_column=json_column())
    at: datetime | None = Field(default=None, sa_column=time_column(nullable=True))
    created_at: datetime = Field(sa_column=time_column())
    erased_at: datetime | None = Field(default=None, sa_column=time_column(nullable=True))


class Dataset(SQLModel, table=True):
    """An immutable selection of choices, pairs and thumbs; `id` is the sha256 of its content."""

    __table_args__ = (declare("selection", "counts", "refusals", "rebuilt_as"),)

    id: str = Field(primary_key=True)
    desk_id: str = Field(foreign_key="desk.id")
    selection: dict[str, Any] = Field(default_factory=dict, sa_column=json_column())
    counts: dict[str, Any] = Field(default_factory=dict, sa_column=json_column())
    refusals: dict[str, int] = Field(default_factory=dict, sa_column=json_column())
    created_at: datetime = Field(sa_column=time_column())
    erased_at: datetime | None = Field(default=None, sa_column=time_column(nullable=True))
    # When it was built again without what was erased; null id where nothing was left. No
    # foreign key: SQLite adds none to a table that others point at.
    rebuilt_at: datetime | None = Field(default=None, sa_column=time_column(nullable=True))
    rebuilt_as: str | None = None


class Run(SQLModel, table=True):
    """One execution of the nightly job. `fence` is the token that every write of its worker must carry."""

    __table_args__ = (
        UniqueConstraint("desk_id", "kind", "slot"),
        Index("ix_run_state", "desk_id", "state"),
        declare(
            "kind",
            "slot",
            "state",
            "step",
            "request",
            "requested_by",
            "recipe",
            "adapter",
            "report",
            "decision",
            "reasons",
            "lease_owner",
            error=None,
        ),
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    desk_id: str = Field(foreign_key="desk.id")
    kind: str  # night | volume | manual
    slot: str  # the due time or a unique word; (kind, slot) exists once
    state: str = "queued"  # queued | running | done | failed | cancelled | skipped
    step: str | None = None  # collect | train | evaluate | gate | publish
    progress: float = 0.0
    request: dict[str, Any] = Field(
        default_factory=dict, sa_column=json_column()
    )  # recipe, dataset, objective asked for
    requested_by: str = ""
    recipe: dict[str, Any] | None = Field(
        default=None, sa_column=json_column(nullable=True)
    )  # the full one that was used
    dataset_id: str | None = Field(default=None, foreign_key="dataset.id")
    adapter: str | None = None
    report: dict[str, Any] | None = Field(default=None, sa_column=json_column(nullable=True))
    decision: str | None = None
    reasons: list[dict[str, Any]] = Field(default_factory=list, sa_column=json_column())
    error: str | None = Field(default=None, sa_column=text_column(nullable=True))
    fence: int = 0
    # Claims that ended in order, by a worker that was stopped: these say nothing against the run.
    given_back: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    lease_owner: str | None = None
    lease_until: datetime | None = Field(default=None, sa_column=time_column(nullable=True))
    created_at: datetime = Field(sa_column=time_column(index=True))
    started_at: datetime | None = Field(default=None, sa_column=time_column(nullable=True))
    finished_at: datetime | None = Field(default=None, sa_column=time_column(nullable=True))


class RunMetric(SQLModel, table=True):
    """A live number of a run: name (for example `loss`, `margin`), optimiser step, value."""

    __tablename__ = "run_metric"
    __table_args__ = (Index("ix_metric_run", "run_id", "name", "step"), declare("name"))

    id: int | None = Field(default=None, primary_key=True)
    run_id: str = Field(foreign_key="run.id")
    name: str
    step: int
    value: float
    at: datetime = Field(sa_column=time_column())
