"""The table of erasures: what was erased, when and by whom. Its ids and numbers do not identify a
customer.
"""

from datetime import datetime

from sqlmodel import Field, SQLModel

from feedback.store.tables.columns import declare, json_column, new_id, time_column


class Erasure(SQLModel, table=True):
    """One erasure. Its rows are erased when this row exists, its files once `finished_at` is set."""

    __table_args__ = (declare("kind", "actor", "counts", "datasets"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    desk_id: str = Field(foreign_key="desk.id")
    kind: str  # conversation | customer | retention | again
    actor: str
    run_id: str | None = Field(default=None, foreign_key="run.id")  # of the night that kept the retention
    counts: dict[str, int] = Field(default_factory=dict, sa_column=json_column())  # rows by table
    datasets: list[str] = Field(default_factory=list, sa_column=json_column())  # that held what was erased
    created_at: datetime = Field(sa_column=time_column(index=True))
    finished_at: datetime | None = Field(default=None, sa_column=time_column(nullable=True))
