"""Tables of the tree of tags, and of what people said to tags that patterns proposed."""

from datetime import datetime

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field

from feedback.store.tables.columns import DeskRow, declare, json_column, text_column, time_column


class Tag(DeskRow, table=True):
    """A tag of the desk's tree: active -> retired or merged -> active. Its path is not stored."""

    __table_args__ = (
        Index("ix_tag_parent", "desk_id", "parent_id"),
        declare("name state title guideline examples patterns"),
    )

    parent_id: str | None = Field(default=None, foreign_key="tag.id")  # null: at the top
    name: str
    state: str = "active"  # active | merged | retired
    merged_into: str | None = Field(default=None, foreign_key="tag.id")
    title: dict[str, str] = Field(default_factory=dict, sa_column=json_column())  # by language: en, zh
    guideline: str = Field(default="", sa_column=text_column())
    examples: list[str] = Field(default_factory=list, sa_column=json_column())
    patterns: list[str] = Field(default_factory=list, sa_column=json_column())
    version: int = 1  # of what it says, from title to patterns
    created_at: datetime = Field(sa_column=time_column())


class TagAlias(DeskRow, table=True):
    """A string that means a tag: one that was adopted, or a path that the tag had."""

    __tablename__ = "tag_alias"
    __table_args__ = (UniqueConstraint("desk_id", "name"), declare("name"))

    name: str
    tag_id: str = Field(foreign_key="tag.id", index=True)


class TagDecision(DeskRow, table=True):
    """Somebody confirmed or rejected a tag that a pattern proposed for a conversation, or took that back.

    Append-only. A confirmed tag stands among the conversation's tags.
    """

    __tablename__ = "tag_decision"
    __table_args__ = (
        Index("ix_tag_decision_conversation", "desk_id", "conversation_id", "tag_id"),
        declare("conversation_id verdict pattern added actor"),
    )

    # No foreign key: a conversation goes when its import is undone.
    conversation_id: str
    tag_id: str = Field(foreign_key="tag.id")
    verdict: str  # confirm | reject | undo
    pattern: str | None = None  # that proposed it
    added: str | None = None  # to the conversation's tags; null where the tag was among them
    undoes: str | None = Field(default=None, foreign_key="tag_decision.id", unique=True)
    actor: str
    created_at: datetime = Field(sa_column=time_column())
