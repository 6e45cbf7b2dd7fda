"""What the columns of all tables share: ids, times, JSON, long texts, names, and what erasure leaves."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import JSON, Column, DateTime, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, SQLModel

DEFAULT_DESK = "default"

# Every constraint has a name, so that a later version of the schema can change it on SQLite too.
SQLModel.metadata.naming_convention = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(TypeDecorator[datetime]):
    """A zone-aware UTC time on both databases; SQLite itself stores no zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive time {value!r}: pass a UTC time from the injected clock")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def new_id() -> str:
    """A random UUIDv4, which reveals nothing about order, arm or time."""
    return str(uuid4())


class DeskRow(SQLModel):
    """The first two columns of most tables."""

    id: str = Field(default_factory=new_id, primary_key=True)
    desk_id: str = Field(foreign_key="desk.id")


def json_column(nullable: bool = False) -> Column[Any]:
    return Column(JSON(none_as_null=True), nullable=nullable)


def time_column(nullable: bool = False, index: bool = False) -> Column[datetime]:
    return Column(UtcDateTime(), nullable=nullable, index=index)


def text_column(nullable: bool = False) -> Column[str]:
    return Column(Text(), nullable=nullable)


def declare(plain: str = "", **erased: Any) -> dict[str, Mapping[str, Any]]:
    """Declares every column of text, JSON or bytes but keys by name, as the last of a table's arguments.

    `plain` columns hold nothing that a customer wrote or that identifies one: states, codes, hashes, names of
    the team. `erased` columns may, as text or as token ids, and get this value when the customer is erased. A
    column that is not declared fails a test; `feedback/store/erasures.py` finds the rows of a customer.
    """
    return {"info": {"plain": plain.split(), "erased": erased}}
