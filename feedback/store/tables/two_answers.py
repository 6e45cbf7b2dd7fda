"""Two answers that a customer got to choose from, and which one it was."""

from datetime import datetime

from sqlalchemy import Index, text
from sqlmodel import Field

from feedback.store.tables.columns import DeskRow, declare, time_column

OPEN = text("answer IS NULL")


class TwoAnswers(DeskRow, table=True):
    """A reply that is held until its customer has picked its text: open -> answered, or its message is
    retracted. It holds no text: those are the candidates'.
    """

    __tablename__ = "two_answers"
    __table_args__ = (
        Index("ix_two_answers_open", "desk_id", postgresql_where=OPEN, sqlite_where=OPEN),
        declare("answer"),
    )

    conversation_id: str = Field(foreign_key="conversation.id", index=True)
    set_id: str = Field(foreign_key="suggestion_set.id", index=True)
    message_id: str = Field(foreign_key="message.id", unique=True)
    # The candidates in the order in which they are shown.
    first_id: str = Field(foreign_key="candidate.id")
    second_id: str = Field(foreign_key="candidate.id")
    shown_at: datetime | None = Field(default=None, sa_column=time_column(nullable=True))  # from then on
    answer: str | None = None  # first | second | both | neither | wrote_on | released
    answered_at: datetime | None = Field(default=None, sa_column=time_column(nullable=True))
