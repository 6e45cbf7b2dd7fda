"""Desks, who works there, and how a person or a program is let in."""

from datetime import datetime
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from feedback.store.tables.columns import DeskRow, declare, json_column, text_column, time_column


class Desk(SQLModel, table=True):
    """One customer-service team."""

    __table_args__ = (declare("name"),)

    id: str = Field(primary_key=True)
    name: str
    created_at: datetime = Field(sa_column=time_column())


class SystemPrompt(DeskRow, table=True):
    """A version of a desk's system prompt; the highest version is in force."""

    __tablename__ = "system_prompt"
    __table_args__ = (UniqueConstraint("desk_id", "version"), declare("text"))

    version: int
    text: str = Field(sa_column=text_column())
    created_at: datetime = Field(sa_column=time_column())


class User(DeskRow, table=True):
    """A signed-in person: role agent, expert or admin."""

    __table_args__ = (UniqueConstraint("desk_id", "name"), declare("name role language"))

    name: str
    role: str
    language: str | None = None
    active: bool = True
    created_at: datetime = Field(sa_column=time_column())


class ApiToken(DeskRow, table=True):
    """A bearer token of a program or a person; only its sha256 is kept."""

    __tablename__ = "api_token"
    __table_args__ = (declare("name role token_hash"),)

    name: str
    role: str
    token_hash: str = Field(unique=True)
    user_id: str | None = Field(default=None, foreign_key="user.id")
    created_at: datetime = Field(sa_column=time_column())
    revoked_at: datetime | None = Field(default=None, sa_column=time_column(nullable=True))


class SignInLink(SQLModel, table=True):
    """A one-time sign-in link; only the sha256 of its code is kept."""

    __tablename__ = "sign_in_link"

    code_hash: str = Field(primary_key=True)
    desk_id: str = Field(foreign_key="desk.id")
    user_id: str = Field(foreign_key="user.id")
    created_at: datetime = Field(sa_column=time_column())
    expires_at: datetime = Field(sa_column=time_column())
    used_at: datetime | None = Field(default=None, sa_column=time_column(nullable=True))


class WebSession(SQLModel, table=True):
    """A browser session; the cookie holds a random id, the row its sha256, so it can be ended from here."""

    __tablename__ = "web_session"
    __table_args__ = (declare("data"),)

    id_hash: str = Field(primary_key=True)
    desk_id: str = Field(foreign_key="desk.id")
    user_id: str | None = Field(default=None, foreign_key="user.id", index=True)
    data: dict[str, Any] = Field(default_factory=dict, sa_column=json_column())
    created_at: datetime = Field(sa_column=time_column())
    seen_at: datetime = Field(sa_column=time_column())
    expires_at: datetime = Field(sa_column=time_column())
    ended_at: datetime | None = Field(default=None, sa_column=time_column(nullable=True))


class Event(DeskRow, table=True):
    """An accepted write: the client's event id, what it said (hash) and what was answered."""

    __table_args__ = (UniqueConstraint("desk_id", "event_id"), declare("event_id body_hash actor answer"))

    event_id: str
    body_hash: str
    actor: str
    status: int
    answer: dict[str, Any] = Field(default_factory=dict, sa_column=json_column())
    created_at: datetime = Field(sa_column=time_column(index=True))
