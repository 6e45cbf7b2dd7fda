"""The table of imports: what was brought, how it was read, what it came to, and no text of a record."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column
from sqlmodel import Field

from feedback.store.tables.columns import DeskRow, declare, json_column, time_column


class Import(DeskRow, table=True):
    """One import of a file or folder. The rows it added name it, so that it can be undone as a whole."""

    __table_args__ = (declare("file source state asked actor error counts"),)

    file: str  # its name, without the folder
    source: str | None = None  # that was asked for; null where the records or their format say it
    counts: dict[str, Any] = Field(
        default_factory=dict, sa_column=json_column()
    )  # empty until it is finished
    # receiving -> received -> ready -> waiting -> running -> done; failed, cancelling -> cancelled
    state: str = "running"
    asked: dict[str, Any] = Field(default_factory=dict, sa_column=json_column())  # encoding, columns
    size: int = Field(default=0, sa_column=Column(BigInteger(), nullable=False))  # bytes of what is brought
    done: int = Field(
        default=0, sa_column=Column(BigInteger(), nullable=False)
    )  # of these, received or read so far
    actor: str | None = None  # who began it; null: a command
    error: str | None = None  # why it failed
    seen_at: datetime | None = Field(
        default=None, sa_column=time_column(nullable=True)
    )  # of the last batch; one that runs and was not seen for a while is interrupted
    created_at: datetime = Field(sa_column=time_column(index=True))
    finished_at: datetime | None = Field(default=None, sa_column=time_column(nullable=True))
    undone_at: datetime | None = Field(default=None, sa_column=time_column(nullable=True))
