"""Tables of sources, of what imports brought of each, and of changes of what the desk has defined."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from feedback.store.tables.columns import DeskRow, declare, json_column, text_column, time_column


class Source(DeskRow, table=True):
    """Where records come from: active <-> paused, either -> withdrawn -> active. Records name it."""

    __table_args__ = (
        UniqueConstraint("desk_id", "name"),
        declare("name kind owner licence language note state grade_override folder"),
    )

    name: str
    kind: str  # own | public | user | expert | model | crowd
    owner: str | None = None
    licence: str | None = None  # null: not known
    language: str | None = None  # null: several, or not known
    note: str | None = Field(default=None, sa_column=text_column(nullable=True))
    state: str = "active"  # active | paused | withdrawn
    grade_override: str | None = None  # A | B | C | D, given by a person; its reason is in `change`
    folder: str | None = None  # from which its files are taken; null: none
    created_at: datetime = Field(sa_column=time_column())


class ImportTally(SQLModel, table=True):
    """What one import brought of one source."""

    __tablename__ = "import_tally"
    __table_args__ = (
        UniqueConstraint("import_id", "source"),
        Index("ix_import_tally_source", "desk_id", "source"),
        declare("source refusals"),
    )

    id: int | None = Field(default=None, primary_key=True)
    desk_id: str = Field(foreign_key="desk.id")
    import_id: str = Field(foreign_key="import.id")
    source: str
    accepted: int
    usable: int | None = None  # accepted records that something can be learned from; null: not counted
    duplicates: int
    refused: int
    refusals: dict[str, int] = Field(
        default_factory=dict, sa_column=json_column()
    )  # by the code of the reason


class DefinitionChange(SQLModel, table=True):
    """Something that the desk has defined was changed: a source, a tag. Append-only."""

    __tablename__ = "change"
    __table_args__ = (Index("ix_change_key", "desk_id", "kind", "key"), declare("kind key what actor reason"))

    id: int | None = Field(default=None, primary_key=True)
    desk_id: str = Field(foreign_key="desk.id")
    kind: str  # of what was changed: source, tag, import
    key: str  # its name or id
    what: dict[str, Any] = Field(sa_column=json_column())  # each value that was changed: what it was and is
    actor: str
    reason: str = Field(sa_column=text_column())
    created_at: datetime = Field(sa_column=time_column())
