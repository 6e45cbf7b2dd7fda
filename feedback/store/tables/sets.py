"""Tables of suggestion sets and of what people said about them."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Index, UniqueConstraint
from sqlmodel import Field

from feedback.store.tables.columns import DeskRow, declare, json_column, text_column, time_column


class SuggestionSet(DeskRow, table=True):
    """K candidates generated for one turn: preparing -> ready | failed, then judged | superseded |
    bypassed.
    """

    __tablename__ = "suggestion_set"
    __table_args__ = (
        Index("ix_set_state", "desk_id", "state"),
        declare(
            "state design adapter resampled_arm chat_template_kwargs template_hash system_prompt_hash "
            "base_id sampling requests lease_owner error",
            messages=[],
            prompt_token_ids=None,
            knowledge_hash="",
        ),
    )

    turn_id: str = Field(foreign_key="turn.id", unique=True)
    conversation_id: str = Field(foreign_key="conversation.id", index=True)
    attempt: int = 1  # follows the turn's: an undone judgement opens the same set for another attempt
    state: str = "preparing"
    design: str = "4+0"  # 4+0 | 2+2 | 2+1+1
    adapter: str | None = Field(default=None, index=True)  # the tuned version, of two the newer; null for 4+0
    slot_seed: int = Field(sa_column=Column(BigInteger(), nullable=False))
    resampled_arm: str  # the arm that is sampled again when two texts are equal
    messages: list[dict[str, str]] = Field(default_factory=list, sa_column=json_column())
    left_out: int = Field(default=0, sa_column_kwargs={"server_default": "0"})  # characters of long texts
    prompt_token_ids: list[int] | None = Field(default=None, sa_column=json_column(nullable=True))
    chat_template_kwargs: dict[str, Any] = Field(default_factory=dict, sa_column=json_column())
    template_hash: str = ""
    system_prompt_hash: str = ""
    knowledge_hash: str = ""
    base_id: str = ""
    sampling: dict[str, Any] = Field(default_factory=dict, sa_column=json_column())
    # Arm, seed, n, the replies that are replaced.
    requests: list[dict[str, Any]] = Field(default_factory=list, sa_column=json_column())
    lease_owner: str | None = None
    lease_until: datetime | None = Field(default=None, sa_column=time_column(nullable=True))
    error: str | None = None
    created_at: datetime = Field(sa_column=time_column())
    prepared_at: datetime | None = Field(default=None, sa_column=time_column(nullable=True))
    revealed_at: datetime | None = Field(default=None, sa_column=time_column(nullable=True))
    judged_at: datetime | None = Field(default=None, sa_column=time_column(nullable=True))


class Candidate(DeskRow, table=True):
    """One suggested reply. `state`: ready | unavailable | merged (its text is shown in an earlier slot)."""

    __table_args__ = (
        UniqueConstraint("set_id", "slot"),
        declare("arm adapter finish_reason state reason", text=None, token_ids=None),
    )

    set_id: str = Field(foreign_key="suggestion_set.id", index=True)
    slot: int
    arm: str  # base | tuned | both
    adapter: str | None = None
    request_no: int
    sample_no: int
    text: str | None = Field(sa_column=text_column(nullable=True))
    token_ids: list[int] | None = Field(default=None, sa_column=json_column(nullable=True))
    finish_reason: str | None = None
    state: str = "ready"
    reason: str | None = None  # why it is unavailable or which slot it merged into


class Judgement(DeskRow, table=True):
    """What an agent did with a set: pick | edit | own | tie | none | skip, or undo of an earlier row."""

    __table_args__ = (
        UniqueConstraint("set_id", "closes_attempt"),
        UniqueConstraint("undoes"),
        Index("ix_judgement_time", "desk_id", "created_at"),
        declare("kind agent candidate_ids", text=None, reasons=[]),
    )

    set_id: str = Field(foreign_key="suggestion_set.id", index=True)
    turn_id: str = Field(foreign_key="turn.id", index=True)
    kind: str
    # The attempt that this row closes (pick, edit, own, tie), null for none, skip and undo: SQL lets nulls
    # repeat.
    closes_attempt: int | None = None
    undoes: str | None = Field(default=None, foreign_key="judgement.id")
    agent: str | None = Field(default=None, index=True)
    candidate_id: str | None = Field(default=None, foreign_key="candidate.id")
    candidate_ids: list[str] = Field(default_factory=list, sa_column=json_column())
    message_id: str | None = Field(default=None, foreign_key="message.id")
    text: str | None = Field(default=None, sa_column=text_column(nullable=True))  # as sent, for edit and own
    reasons: list[str] = Field(default_factory=list, sa_column=json_column())
    dwell_ms: int | None = None
    unblinded: bool = False
    occurred_at: datetime = Field(sa_column=time_column())
    created_at: datetime = Field(sa_column=time_column())


class JudgementReasons(DeskRow, table=True):
    """Reasons that somebody added after their judgement. The last row counts, all rows are kept."""

    __tablename__ = "judgement_reasons"
    __table_args__ = (declare("agent", reasons=[]),)

    judgement_id: str = Field(foreign_key="judgement.id", index=True)
    reasons: list[str] = Field(default_factory=list, sa_column=json_column())
    agent: str
    created_at: datetime = Field(sa_column=time_column())


class Unblinding(DeskRow, table=True):
    """An agent saw the arms of a set: their later judgements of it do not count."""

    __table_args__ = (UniqueConstraint("set_id", "agent"), declare("agent"))

    set_id: str = Field(foreign_key="suggestion_set.id", index=True)
    agent: str
    at: datetime = Field(sa_column=time_column())


class Thumb(DeskRow, table=True):
    """An end user's thumb on a message: 1, -1 or 0 (taken back). The last one counts, all are kept."""

    __table_args__ = (declare("actor", reasons=[], comment=None),)

    message_id: str = Field(foreign_key="message.id", index=True)
    value: int
    reasons: list[str] = Field(default_factory=list, sa_column=json_column())
    comment: str | None = Field(default=None, sa_column=text_column(nullable=True))
    number: int | None = None  # which press of this actor on this message, as their page counts them
    actor: str
    occurred_at: datetime = Field(sa_column=time_column())
    created_at: datetime = Field(sa_column=time_column(index=True))
