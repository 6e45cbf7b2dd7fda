"""The table of erasures: what, when and by whom. Nothing in it identifies a customer."""

from datetime import datetime

from sqlmodel import Field

from feedback.store.tables.columns import DeskRow, declare, json_column, time_column


class Erasure(DeskRow, table=True):
    """One erasure. Its rows are erased when this row exists, its files once `finished_at` is set."""

    __table_args__ = (declare("kind actor counts datasets"),)

    kind: str  # conversation | customer | retention | again
    actor: str
    run_id: str | None = Field(default=None, foreign_key="run.id")  # of the night that kept the retention
    counts: dict[str, int] = Field(default_factory=dict, sa_column=json_column())  # rows by table
    datasets: list[str] = Field(default_factory=list, sa_column=json_column())  # that held what was erased
    created_at: datetime = Field(sa_column=time_column(index=True))
    finished_at: datetime | None = Field(default=None, sa_column=time_column(nullable=True))
