"""Tables of labelling: tasks, their items, who labels which, what they said, and how reliable they are."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Index, UniqueConstraint
from sqlmodel import Field

from feedback.store.tables.columns import DeskRow, declare, json_column, text_column, time_column


class Task(DeskRow, table=True):
    """One kind of question, put to people about many items: draft -> open <-> paused -> closed."""

    __table_args__ = (
        Index("ix_task_state", "desk_id", "state"),
        declare("name kind state question guideline assigned selection created_by closed_by"),
    )

    name: str
    kind: str  # tag | compare | pick | rate | rewrite | check
    state: str = "draft"  # draft | open | paused | closed
    # What the kind asks: for `tag` the part of the tree, for all of them the words of the question.
    question: dict[str, Any] = Field(default_factory=dict, sa_column=json_column())
    guideline: str = Field(default="", sa_column=text_column())
    guideline_version: int = 1
    tier: int = 1  # the lowest audience: 0 customers, 1 labellers and agents, 2 experts
    overlap_min: int = 2  # labels that an item needs before it may settle
    overlap_max: int = 5  # after which it is disputed
    confidence: float = 0.9  # of an item's outcome, from which it settles
    gold_share: float = 0.05
    error_limit: float = (
        0.1  # of a task of checks: the highest error rate at which what it checks is accepted
    )
    assigned: list[str] = Field(default_factory=list, sa_column=json_column())  # labellers; empty: its tier
    checks_task_id: str | None = Field(default=None, foreign_key="task.id", index=True)  # that it checks
    selection: dict[str, Any] = Field(default_factory=dict, sa_column=json_column())  # what filled it last
    # Decides the order of items and which of them are checked; secret while the task is open.
    seed: int = Field(sa_column=Column(BigInteger(), nullable=False))
    due_at: datetime | None = Field(default=None, sa_column=time_column(nullable=True))
    created_by: str
    created_at: datetime = Field(sa_column=time_column())
    opened_at: datetime | None = Field(default=None, sa_column=time_column(nullable=True))
    closed_at: datetime | None = Field(default=None, sa_column=time_column(nullable=True))
    closed_by: str | None = None


class Item(DeskRow, table=True):
    """One thing to label, frozen as it is shown: open -> settled, or disputed -> settled; or dropped.

    One is `waiting` while its replies are generated, before it is open, or what was written for it checked.
    """

    __table_args__ = (
        UniqueConstraint("task_id", "subject_kind", "subject_id"),
        UniqueConstraint("task_id", "position"),
        Index("ix_item_state", "task_id", "state", "tier"),
        declare(
            "subject_kind subject_id conversation_id conversation language state reason settled_by",
            shown={},
            hidden={},
            gold=None,
            outcome=None,
        ),
    )

    task_id: str = Field(foreign_key="task.id")
    position: int  # from 1, in the order of a hash, so that it tells nothing of why an item came
    subject_kind: str  # conversation | message | set | record | item | label | prompt
    subject_id: str
    # No foreign key: a conversation goes when its import is undone.
    conversation_id: str | None = Field(default=None, index=True)
    # The group that its split goes by, as in records: a conversation's id or a name of an import.
    conversation: str
    language: str | None = None
    shown: dict[str, Any] = Field(default_factory=dict, sa_column=json_column())  # what every labeller gets
    hidden: dict[str, Any] = Field(default_factory=dict, sa_column=json_column())  # no labeller: arms, tokens
    gold: dict[str, Any] | None = Field(default=None, sa_column=json_column(nullable=True))  # a known answer
    tier: int  # who labels it now; a dispute raises it
    state: str = "open"  # waiting | open | settled | disputed | dropped
    reason: str | None = None  # why it is dropped
    outcome: dict[str, Any] | None = Field(default=None, sa_column=json_column(nullable=True))
    confidence: float | None = None
    inclusion: float | None = None  # of a check: the probability with which it was drawn
    settled_at: datetime | None = Field(default=None, sa_column=time_column(nullable=True))
    settled_by: str | None = None  # the adjudicating expert; null where labels agreed
    created_at: datetime = Field(sa_column=time_column())


class Assignment(DeskRow, table=True):
    """A labeller's claim on an item: claimed -> done, passed or lapsed; undo makes it claimed again.

    The unique keys hold whatever races: no item has more labels than slots, nobody has an item twice.
    """

    __table_args__ = (
        UniqueConstraint("item_id", "slot"),
        UniqueConstraint("item_id", "labeller"),
        Index("ix_assignment_labeller", "task_id", "labeller", "state"),
        declare("labeller state", draft=None),
    )

    task_id: str = Field(foreign_key="task.id")
    item_id: str = Field(foreign_key="item.id")
    labeller: str
    slot: int | None = None  # from 1; null: takes none (gold, passed, lapsed, late)
    state: str = "claimed"  # claimed | done | passed | lapsed
    lease_until: datetime | None = Field(default=None, sa_column=time_column(nullable=True))
    draft: dict[str, Any] | None = Field(default=None, sa_column=json_column(nullable=True))  # not sent yet
    created_at: datetime = Field(sa_column=time_column())


class Label(DeskRow, table=True):
    """What a labeller said of an item, or undo of an earlier row. Append-only."""

    __table_args__ = (
        UniqueConstraint("item_id", "labeller", "attempt"),
        UniqueConstraint("undoes"),
        Index("ix_label_task", "task_id", "created_at"),
        Index("ix_label_labeller", "desk_id", "labeller", "created_at"),
        declare("labeller role reasons seen", value=None, text=None),
    )

    task_id: str = Field(foreign_key="task.id")
    item_id: str = Field(foreign_key="item.id", index=True)
    labeller: str  # a person or program as `judgement.agent` names them, or visitor:<conversation>
    role: str  # visitor | labeller | agent | expert | admin | app | helper
    slot: int | None = None  # null: it came late, is of gold, or settles a dispute; counts for no overlap
    # Which of the labeller's labels of this item it is, from 1; null for undo: SQL lets nulls repeat.
    attempt: int | None = None
    value: dict[str, Any] | None = Field(default=None, sa_column=json_column(nullable=True))  # null: undo
    text: str | None = Field(default=None, sa_column=text_column(nullable=True))
    reasons: list[str] = Field(default_factory=list, sa_column=json_column())
    dwell_ms: int | None = None
    guideline_version: int
    seen: str = "blind"  # blind | others (an adjudication) | helper (counts nowhere)
    undoes: str | None = Field(default=None, foreign_key="label.id")
    occurred_at: datetime = Field(sa_column=time_column())
    created_at: datetime = Field(sa_column=time_column())


class Reliability(DeskRow, table=True):
    """How often a labeller is right in one kind of task, as estimated last."""

    __table_args__ = (
        UniqueConstraint("desk_id", "kind", "labeller"),
        declare("kind labeller paused_by pause_reason"),
    )

    kind: str  # of task
    labeller: str
    items: int = 0  # labels that say how reliable they are: of items that others labelled too, or known
    correct: float = 0.0
    wrong: float = 0.0
    gold_correct: int = 0
    gold_wrong: int = 0
    accuracy: float
    low: float
    high: float
    paused_at: datetime | None = Field(default=None, sa_column=time_column(nullable=True))
    paused_by: str | None = None  # null: on evidence, by itself
    pause_reason: str | None = None
    resumed_at: datetime | None = Field(default=None, sa_column=time_column(nullable=True))
    computed_at: datetime = Field(sa_column=time_column())
