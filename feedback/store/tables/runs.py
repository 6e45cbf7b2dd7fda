"""Tables of training records, datasets, and runs of the nightly job."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from feedback.store.tables.columns import DeskRow, declare, json_column, text_column, time_column


class Record(SQLModel, table=True):
    """A training record: an imported one in its form on disk, or the outcome of a judgement or a thumb.

    The record of a judgement or thumb holds no text and has an empty body: the texts stay in the rows from
    which it was derived. `feedback/records/derived.py` describes its columns.
    """

    __table_args__ = (
        UniqueConstraint("desk_id", "kind", "source", "identity"),
        Index("ix_record_kind", "desk_id", "kind", "source"),
        Index("ix_record_origin", "desk_id", "origin_kind", "origin_id", unique=True),
        Index("ix_record_time", "desk_id", "origin_kind", "created_at", "origin_id"),
        Index(
            "ix_record_adapter",
            *("desk_id", "adapter", "origin_kind", "design", "rival", "rejection", "settled", "winner"),
            "incomparable",
        ),
        declare(
            "kind source identity conversation language origin_kind origin_id given agent settled "
            "winner rejection split design adapter rival incomparable cards import_id",
            tags=[],
            body={},
        ),
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
    import_id: str | None = Field(default=None, index=True)  # the import that added it
    created_at: datetime = Field(sa_column=time_column())
    erased_at: datetime | None = Field(default=None, sa_column=time_column(nullable=True))
    # import | judgement | thumb. The judgement, or the message that a thumb is on; null for an import, for
    # which what follows is empty.
    origin_kind: str = Field(default="import", sa_column_kwargs={"server_default": "import"})
    origin_id: str | None = None
    rules_version: int | None = None
    given: str | None = None  # the judgement's kind as given; up | down | taken_back
    agent: str | None = None
    dwell_ms: int | None = None
    slot: int | None = None  # where the card picked or edited stood
    settled: str | None = None  # the kind as it counts: pick | edit | own | tie; null where it was rejected
    rejection: str | None = None  # the code of why there is no choice or thumb
    winner: str | None = None  # base | tuned | both, or a version; of a thumb, the arm that wrote the reply
    split: str | None = None
    design: str | None = None
    adapter: str | None = None
    rival: str | None = None  # the older version in a set of two
    incomparable: str | None = None  # the code of why its set compares nothing
    # Of each reply that could be picked: slot, arm, length, list items, other markup, whether it was picked.
    cards: list[list[Any]] = Field(
        default_factory=list, sa_column=Column(JSON(none_as_null=True), nullable=False, server_default="[]")
    )
    pairs: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    # Pairs too similar to learn.
    close_pairs: int = Field(default=0, sa_column_kwargs={"server_default": "0"})


class Dataset(SQLModel, table=True):
    """An immutable selection of choices, pairs and thumbs; `id` is the sha256 of its content."""

    __table_args__ = (declare("selection counts refusals rebuilt_as"),)

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


class Run(DeskRow, table=True):
    """One execution of the nightly job. Every write of its worker must carry `fencing_token`."""

    __table_args__ = (
        UniqueConstraint("desk_id", "kind", "slot"),
        Index("ix_run_state", "desk_id", "state"),
        declare(
            "kind slot state step request requested_by recipe adapter report decision reasons lease_owner",
            error=None,
        ),
    )

    kind: str  # night | volume | manual | rebase
    slot: str  # the due time or a unique word; (kind, slot) exists once
    state: str = "queued"  # queued | running | done | failed | cancelled | skipped
    step: str | None = None  # collect | train | evaluate | gate | publish
    progress: float = 0.0
    # The requested recipe, dataset and objective; of a rebase the base and its engine's settings.
    request: dict[str, Any] = Field(default_factory=dict, sa_column=json_column())
    requested_by: str = ""
    # The complete recipe that was used.
    recipe: dict[str, Any] | None = Field(default=None, sa_column=json_column(nullable=True))
    dataset_id: str | None = Field(default=None, foreign_key="dataset.id")
    adapter: str | None = None
    report: dict[str, Any] | None = Field(default=None, sa_column=json_column(nullable=True))
    decision: str | None = None
    reasons: list[dict[str, Any]] = Field(default_factory=list, sa_column=json_column())
    error: str | None = Field(default=None, sa_column=text_column(nullable=True))
    fencing_token: int = 0
    # Claims that a worker gave up because it was stopped, which do not count as failures of the run.
    given_back: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    lease_owner: str | None = None
    lease_until: datetime | None = Field(default=None, sa_column=time_column(nullable=True))
    created_at: datetime = Field(sa_column=time_column(index=True))
    started_at: datetime | None = Field(default=None, sa_column=time_column(nullable=True))
    finished_at: datetime | None = Field(default=None, sa_column=time_column(nullable=True))


class RunMetric(SQLModel, table=True):
    """A metric of a run: name (for example `loss`, `margin`), optimiser step, value."""

    __tablename__ = "run_metric"
    __table_args__ = (Index("ix_metric_run", "run_id", "name", "step"), declare("name"))

    id: int | None = Field(default=None, primary_key=True)
    run_id: str = Field(foreign_key="run.id")
    name: str
    step: int
    value: float
    at: datetime = Field(sa_column=time_column())
