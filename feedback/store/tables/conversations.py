"""What customers and agents wrote, and which message waits for a reply."""

from datetime import datetime

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field

from feedback.store.tables.columns import DeskRow, declare, json_column, text_column, time_column

HELD = text("release_no IS NULL AND retracted_at IS NULL")
BY_AGENT = text("agent IS NOT NULL")
CLOSED = text("closed_as IS NOT NULL")


class Conversation(DeskRow, table=True):
    """A thread between one customer and the desk."""

    __table_args__ = (
        UniqueConstraint("desk_id", "source", "external_id"),
        declare(
            "source external_id language import_id",
            customer_id=None,
            customer_details=[],
            fields=[],
            tags=[],
            visitor_token_hash=None,
            stranger_hash=None,
        ),
    )

    source: str = "live"
    external_id: str | None = None
    customer_id: str | None = Field(default=None, index=True)
    # Names, addresses and the like that the app knows of its customer: replaced in what is learnt from.
    customer_details: list[str] = Field(default_factory=list, sa_column=json_column())
    # What an app shows agents beside the conversation: name, value, perhaps a link. Not learnt from.
    fields: list[dict[str, str]] = Field(default_factory=list, sa_column=json_column())
    language: str | None = None
    tags: list[str] = Field(default_factory=list, sa_column=json_column())
    visitor_token_hash: str | None = Field(default=None, unique=True)
    # The mark of a stranger, who opened it without an app: a keyed hash of their browser's cookie or, without
    # one, of their address.
    stranger_hash: str | None = Field(default=None, index=True)
    # The import that added it. No foreign key: SQLite adds none to a table that others point at.
    import_id: str | None = Field(default=None, index=True)
    created_at: datetime = Field(sa_column=time_column(index=True))
    erased_at: datetime | None = Field(default=None, sa_column=time_column(nullable=True))


class Message(DeskRow, table=True):
    """One message. The customer sees it once it is released; `release_no` is its place in the order of
    releases. Before that, a reply may be held back and retracted.
    """

    __table_args__ = (
        UniqueConstraint("conversation_id", "position"),
        Index("ix_message_release", "conversation_id", "release_no", unique=True),
        Index("ix_message_held", "created_at", sqlite_where=HELD, postgresql_where=HELD),
        Index("ix_message_agent", "agent", "created_at", sqlite_where=BY_AGENT, postgresql_where=BY_AGENT),
        declare("role origin agent candidate_id turn_id", text=None, knowledge=None),
    )

    conversation_id: str = Field(foreign_key="conversation.id", index=True)
    position: int
    role: str  # customer | agent
    text: str | None = Field(sa_column=text_column(nullable=True))
    # Of an agent's message: verbatim | edited | own. Of an imported one: person | bot, and own where it came
    # in before imports told these apart.
    origin: str | None = None
    agent: str | None = None  # who sent it; null for a customer, and in rows older than this column
    # The candidate sent and the turn answered. No foreign keys: they would close a circle of tables.
    candidate_id: str | None = None
    turn_id: str | None = None
    knowledge: list[dict[str, str]] | None = Field(default=None, sa_column=json_column(nullable=True))
    occurred_at: datetime = Field(sa_column=time_column())
    created_at: datetime = Field(sa_column=time_column())
    released_at: datetime | None = Field(default=None, sa_column=time_column(nullable=True))
    release_no: int | None = None
    retracted_at: datetime | None = Field(default=None, sa_column=time_column(nullable=True))


class Turn(DeskRow, table=True):
    """A customer message that waits for a reply: waiting -> answered | superseded | closed."""

    __table_args__ = (
        Index("ix_turn_queue", "desk_id", "state", "created_at"),
        Index("ix_turn_closed", "desk_id", "closed_at", sqlite_where=CLOSED, postgresql_where=CLOSED),
        declare("state claimed_by closed_as closed_by"),
    )

    conversation_id: str = Field(foreign_key="conversation.id", index=True)
    message_id: str = Field(foreign_key="message.id", unique=True)
    state: str = "waiting"
    attempt: int = 1
    claimed_by: str | None = None
    claimed_at: datetime | None = Field(default=None, sa_column=time_column(nullable=True))
    created_at: datetime = Field(sa_column=time_column())
    due_at: datetime | None = Field(default=None, sa_column=time_column(nullable=True))  # as an app says
    answered_at: datetime | None = Field(default=None, sa_column=time_column(nullable=True))
    closed_as: str | None = None  # spam | no_reply; None also where erasure closed it
    closed_by: str | None = None
    closed_at: datetime | None = Field(default=None, sa_column=time_column(nullable=True))
