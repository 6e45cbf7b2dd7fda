"""What the team is at: who is at the desk and reads which turn."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from feedback.store.tables.columns import declare, time_column


class Presence(SQLModel, table=True):
    """A person at the desk, as their page last said. `turn_id` is the turn that they look at."""

    __table_args__ = (declare(),)

    desk_id: str = Field(foreign_key="desk.id", primary_key=True)
    agent: str = Field(primary_key=True)
    turn_id: str | None = Field(default=None, foreign_key="turn.id")
    at: datetime = Field(sa_column=time_column())
