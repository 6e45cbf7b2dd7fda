"""What the team is at: who is at the desk and reads which turn, and what they have written and not sent."""

from datetime import datetime

from sqlalchemy import BigInteger, Column, Index, text
from sqlmodel import Field, SQLModel

from feedback.store.tables.columns import declare, text_column, time_column


class Presence(SQLModel, table=True):
    """A person at the desk, as their page last said. `turn_id` is the turn that they look at."""

    __table_args__ = (declare(),)

    desk_id: str = Field(foreign_key="desk.id", primary_key=True)
    agent: str = Field(primary_key=True)
    turn_id: str | None = Field(default=None, foreign_key="turn.id")
    at: datetime = Field(sa_column=time_column())


class Draft(SQLModel, table=True):
    """What a person has written in a conversation and the customer has not got. What stands in their
    composer has an empty `aside_id`; a text that lies aside has one of its own: what a card took the place
    of, or a reply that was refused when they had gone on already (`refused`).

    A row outlives its text, so that a save that comes late does not bring back what was sent or discarded:
    the higher `revision` counts, as the person's page numbers them.
    """

    __table_args__ = (
        Index(
            "ix_draft_standing",
            "desk_id",
            "agent",
            sqlite_where=text("stands"),
            postgresql_where=text("stands"),
        ),
        declare("taken", "refused", text=""),
    )

    desk_id: str = Field(foreign_key="desk.id", primary_key=True)
    agent: str = Field(primary_key=True)
    conversation_id: str = Field(foreign_key="conversation.id", primary_key=True)
    aside_id: str = Field(default="", primary_key=True)
    stands: bool  # there is something in it
    turn_id: str | None = Field(default=None, foreign_key="turn.id")  # what it was written for
    text: str = Field(sa_column=text_column())
    taken: str | None = None  # the candidate that it began as
    none_good: bool = False
    refused: str | None = None  # why, as a code
    revision: int = Field(sa_column=Column(BigInteger(), nullable=False))
    updated_at: datetime = Field(sa_column=time_column())
