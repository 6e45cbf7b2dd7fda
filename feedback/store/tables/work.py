"""Tables of the work in progress: who is at the desk, and what they have written and not sent."""

from datetime import datetime

from sqlalchemy import BigInteger, Column, Index, text
from sqlmodel import Field, SQLModel

from feedback.store.tables.columns import declare, text_column, time_column


class Presence(SQLModel, table=True):
    """A person at the desk, as their page last reported. `turn_id` is the turn that they look at."""

    __table_args__ = (declare(),)

    desk_id: str = Field(foreign_key="desk.id", primary_key=True)
    agent: str = Field(primary_key=True)
    turn_id: str | None = Field(default=None, foreign_key="turn.id")
    at: datetime = Field(sa_column=time_column())


class Draft(SQLModel, table=True):
    """A text that a person has written in a conversation and not sent. The text in their composer has an
    empty `aside_id`. A text that was set aside has its own `aside_id`: one that a card replaced, or a
    reply that was refused after the person had moved on (`refused`).

    A row is kept after its text is gone, so that a late save does not bring back a text that was sent or
    discarded: the highest `revision`, numbered by the person's page, counts.
    """

    __table_args__ = (
        Index(
            "ix_draft_standing",
            "desk_id",
            "agent",
            sqlite_where=text("stands"),
            postgresql_where=text("stands"),
        ),
        declare("taken refused", text=""),
    )

    desk_id: str = Field(foreign_key="desk.id", primary_key=True)
    agent: str = Field(primary_key=True)
    conversation_id: str = Field(foreign_key="conversation.id", primary_key=True)
    aside_id: str = Field(default="", primary_key=True)
    stands: bool  # whether the draft has any text
    turn_id: str | None = Field(default=None, foreign_key="turn.id")  # the turn that it answers
    text: str = Field(sa_column=text_column())
    taken: str | None = None  # the candidate from which it was edited
    none_good: bool = False
    refused: str | None = None  # the code of the reason for a refusal
    revision: int = Field(sa_column=Column(BigInteger(), nullable=False))
    updated_at: datetime = Field(sa_column=time_column())
