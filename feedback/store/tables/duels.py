"""Tables of blind duels between two contenders."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Index, UniqueConstraint
from sqlmodel import Field

from feedback.store.tables.columns import DeskRow, declare, json_column, text_column, time_column


class Duel(DeskRow, table=True):
    """A blind comparison with a rival, or with base: drawing -> open -> closed, or failed."""

    __table_args__ = (
        Index("ix_duel_state", "desk_id", "state"),
        declare(
            "name state sampling base_id template_hash error lease_owner created_by closed_by rebase_id arm"
        ),
    )

    name: str
    adapter: str = Field(foreign_key="adapter.name", index=True)  # the adapter whose support rate is measured
    rival: str | None = Field(default=None, foreign_key="adapter.name")
    state: str = "drawing"  # drawing | open | closed | failed
    wanted: int
    # Decides the prompts, the sides and the seeds of all replies; secret while the duel is judged.
    seed: int = Field(sa_column=Column(BigInteger(), nullable=False))
    sampling: dict[str, Any] | None = Field(default=None, sa_column=json_column(nullable=True))
    base_id: str = ""
    template_hash: str = ""
    error: str | None = None  # why it failed, or what it waits for while it is generated
    lease_owner: str | None = None
    lease_until: datetime | None = Field(default=None, sa_column=time_column(nullable=True))
    created_by: str
    created_at: datetime = Field(sa_column=time_column())
    opened_at: datetime | None = Field(default=None, sa_column=time_column(nullable=True))
    closed_at: datetime | None = Field(default=None, sa_column=time_column(nullable=True))
    closed_by: str | None = None
    rebase_id: str | None = Field(default=None, index=True)  # without a key: SQLite adds none to such a table
    # The arm whose support rate is measured: new_base | new_tuned. `adapter` is then trained on the new base.
    arm: str | None = None


class DuelRound(DeskRow, table=True):
    """One prompt of a duel with a reply on each side. `*_adapter` is null for the base."""

    __tablename__ = "duel_round"
    __table_args__ = (
        UniqueConstraint("duel_id", "position"),
        declare(
            "origin chat_template_kwargs state reason a_adapter b_adapter a_arm b_arm requests",
            messages=[],
            prompt_token_ids=None,
            a_text=None,
            b_text=None,
            a_token_ids=None,
            b_token_ids=None,
        ),
    )

    duel_id: str = Field(foreign_key="duel.id", index=True)
    position: int  # from 1
    set_id: str = Field(foreign_key="suggestion_set.id")  # the set whose messages are the prompt
    conversation_id: str = Field(foreign_key="conversation.id", index=True)
    origin: str  # later | test | unused: why no contender was trained on it
    messages: list[dict[str, str]] = Field(default_factory=list, sa_column=json_column())
    chat_template_kwargs: dict[str, Any] = Field(default_factory=dict, sa_column=json_column())
    prompt_token_ids: list[int] | None = Field(default=None, sa_column=json_column(nullable=True))
    state: str = "waiting"  # waiting | ready | equal | left_out
    reason: str | None = None  # why it is left out
    a_adapter: str | None = None
    b_adapter: str | None = None
    # Of a rebase, whose sides have different bases: old | new_base | new_tuned.
    a_arm: str | None = None
    b_arm: str | None = None
    a_text: str | None = Field(default=None, sa_column=text_column(nullable=True))
    b_text: str | None = Field(default=None, sa_column=text_column(nullable=True))
    a_token_ids: list[int] | None = Field(default=None, sa_column=json_column(nullable=True))
    b_token_ids: list[int] | None = Field(default=None, sa_column=json_column(nullable=True))
    # Side, adapter, attempt, seed, fault.
    requests: list[dict[str, Any]] = Field(default_factory=list, sa_column=json_column())
    drawn_at: datetime | None = Field(default=None, sa_column=time_column(nullable=True))


class DuelVerdict(DeskRow, table=True):
    """A judge's verdict on a round: a | b | tie | both_bad, or undo of an earlier row. Append-only."""

    __tablename__ = "duel_verdict"
    __table_args__ = (
        UniqueConstraint("round_id", "judge", "attempt"),
        UniqueConstraint("undoes"),
        Index("ix_duel_verdict_time", "desk_id", "created_at"),
        declare("verdict judge"),
    )

    duel_id: str = Field(foreign_key="duel.id", index=True)
    round_id: str = Field(foreign_key="duel_round.id", index=True)
    verdict: str
    judge: str
    # Which of the judge's verdicts on this round it is, from 1; null for undo: SQL lets nulls repeat.
    attempt: int | None = None
    undoes: str | None = Field(default=None, foreign_key="duel_verdict.id")
    dwell_ms: int | None = None
    occurred_at: datetime = Field(sa_column=time_column())
    created_at: datetime = Field(sa_column=time_column())
