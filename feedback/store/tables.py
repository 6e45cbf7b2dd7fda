"""Every table of the store, one class each, in the words of the vocabulary page.

Rows of `judgement`, `thumb`, `deployment`, `adapter_event`, `exposure_decision`, `approval` and
`duel_verdict` are append-only: no query changes one. Texts and ids in them are nulled by erasure alone. Times
are UTC and carry their zone in Python on both databases. JSON columns hold plain lists and dicts.
"""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import JSON, BigInteger, Column, DateTime, Index, Text, UniqueConstraint
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
    """A random UUIDv4: says nothing about order, arm or time."""
    return str(uuid4())


def json_column(nullable: bool = False) -> Column[Any]:
    return Column(JSON(none_as_null=True), nullable=nullable)


def time_column(nullable: bool = False, index: bool = False) -> Column[datetime]:
    return Column(UtcDateTime(), nullable=nullable, index=index)


def text_column(nullable: bool = False) -> Column[str]:
    return Column(Text(), nullable=nullable)


class Desk(SQLModel, table=True):
    """One customer-service team."""

    id: str = Field(primary_key=True)
    name: str
    created_at: datetime = Field(sa_column=time_column())


class SystemPrompt(SQLModel, table=True):
    """A version of a desk's system prompt; the highest version is in force."""

    __tablename__ = "system_prompt"
    __table_args__ = (UniqueConstraint("desk_id", "version"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    desk_id: str = Field(foreign_key="desk.id")
    version: int
    text: str = Field(sa_column=text_column())
    created_at: datetime = Field(sa_column=time_column())


class Operator(SQLModel, table=True):
    """A signed-in person: role agent, expert or admin."""

    __table_args__ = (UniqueConstraint("desk_id", "name"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    desk_id: str = Field(foreign_key="desk.id")
    name: str
    role: str
    language: str | None = None
    active: bool = True
    created_at: datetime = Field(sa_column=time_column())


class ApiToken(SQLModel, table=True):
    """A bearer token of a program or a person; only its sha256 is kept."""

    __tablename__ = "api_token"

    id: str = Field(default_factory=new_id, primary_key=True)
    desk_id: str = Field(foreign_key="desk.id")
    name: str
    role: str
    token_hash: str = Field(unique=True)
    operator_id: str | None = Field(default=None, foreign_key="operator.id")
    created_at: datetime = Field(sa_column=time_column())
    revoked_at: datetime | None = Field(default=None, sa_column=time_column(nullable=True))


class SignInLink(SQLModel, table=True):
    """A one-time sign-in link; only the sha256 of its code is kept."""

    __tablename__ = "sign_in_link"

    code_hash: str = Field(primary_key=True)
    desk_id: str = Field(foreign_key="desk.id")
    operator_id: str = Field(foreign_key="operator.id")
    created_at: datetime = Field(sa_column=time_column())
    expires_at: datetime = Field(sa_column=time_column())
    used_at: datetime | None = Field(default=None, sa_column=time_column(nullable=True))


class WebSession(SQLModel, table=True):
    """A browser session; the cookie holds a random id, the row its sha256, so it can be ended from here."""

    __tablename__ = "web_session"

    id_hash: str = Field(primary_key=True)
    desk_id: str = Field(foreign_key="desk.id")
    operator_id: str | None = Field(default=None, foreign_key="operator.id", index=True)
    data: dict[str, Any] = Field(default_factory=dict, sa_column=json_column())
    created_at: datetime = Field(sa_column=time_column())
    seen_at: datetime = Field(sa_column=time_column())
    expires_at: datetime = Field(sa_column=time_column())
    ended_at: datetime | None = Field(default=None, sa_column=time_column(nullable=True))


class Event(SQLModel, table=True):
    """An accepted write: the client's event id, what it said (hash) and what was answered."""

    __table_args__ = (UniqueConstraint("desk_id", "event_id"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    desk_id: str = Field(foreign_key="desk.id")
    event_id: str
    body_hash: str
    actor: str
    status: int
    answer: dict[str, Any] = Field(default_factory=dict, sa_column=json_column())
    created_at: datetime = Field(sa_column=time_column(index=True))


class Conversation(SQLModel, table=True):
    """A thread between one customer and the desk."""

    __table_args__ = (UniqueConstraint("desk_id", "source", "external_id"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    desk_id: str = Field(foreign_key="desk.id")
    source: str = "live"
    external_id: str | None = None
    customer_id: str | None = Field(default=None, index=True)
    language: str | None = None
    tags: list[str] = Field(default_factory=list, sa_column=json_column())
    visitor_token_hash: str | None = Field(default=None, unique=True)
    created_at: datetime = Field(sa_column=time_column(index=True))


class Message(SQLModel, table=True):
    """One message. An agent's message is seen by the customer from `release_at` on, unless retracted
    before.
    """

    __table_args__ = (UniqueConstraint("conversation_id", "position"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    desk_id: str = Field(foreign_key="desk.id")
    conversation_id: str = Field(foreign_key="conversation.id", index=True)
    position: int
    role: str  # customer | agent
    text: str | None = Field(sa_column=text_column(nullable=True))
    origin: str | None = None  # agent messages: verbatim | edited | own
    # The candidate sent and the turn answered. No foreign keys: they would close a circle of tables.
    candidate_id: str | None = None
    turn_id: str | None = None
    knowledge: list[dict[str, str]] | None = Field(default=None, sa_column=json_column(nullable=True))
    occurred_at: datetime = Field(sa_column=time_column())
    created_at: datetime = Field(sa_column=time_column())
    release_at: datetime = Field(sa_column=time_column())
    retracted_at: datetime | None = Field(default=None, sa_column=time_column(nullable=True))


class Turn(SQLModel, table=True):
    """A customer message that waits for a reply: waiting -> answered | superseded | closed."""

    __table_args__ = (Index("ix_turn_queue", "desk_id", "state", "created_at"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    desk_id: str = Field(foreign_key="desk.id")
    conversation_id: str = Field(foreign_key="conversation.id", index=True)
    message_id: str = Field(foreign_key="message.id", unique=True)
    state: str = "waiting"
    attempt: int = 1
    claimed_by: str | None = None
    claimed_at: datetime | None = Field(default=None, sa_column=time_column(nullable=True))
    created_at: datetime = Field(sa_column=time_column())
    answered_at: datetime | None = Field(default=None, sa_column=time_column(nullable=True))


class SuggestionSet(SQLModel, table=True):
    """K candidates drawn for one turn: preparing -> ready | failed, then judged | superseded | bypassed."""

    __tablename__ = "suggestion_set"
    __table_args__ = (Index("ix_set_state", "desk_id", "state"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    desk_id: str = Field(foreign_key="desk.id")
    turn_id: str = Field(foreign_key="turn.id", unique=True)
    conversation_id: str = Field(foreign_key="conversation.id", index=True)
    attempt: int = 1  # follows the turn's: an undone judgement opens the same set for another attempt
    state: str = "preparing"
    design: str = "4+0"  # 4+0 | 2+2 | 2+1+1 | duel
    adapter: str | None = Field(default=None, index=True)  # the tuned version, of two the newer; null for 4+0
    slot_seed: int = Field(sa_column=Column(BigInteger(), nullable=False))
    redraw_arm: str  # the arm that draws again when two texts are equal
    messages: list[dict[str, str]] = Field(default_factory=list, sa_column=json_column())
    prompt_token_ids: list[int] | None = Field(default=None, sa_column=json_column(nullable=True))
    chat_template_kwargs: dict[str, Any] = Field(default_factory=dict, sa_column=json_column())
    template_hash: str = ""
    system_prompt_hash: str = ""
    knowledge_hash: str = ""
    base_id: str = ""
    sampling: dict[str, Any] = Field(default_factory=dict, sa_column=json_column())
    requests: list[dict[str, Any]] = Field(
        default_factory=list, sa_column=json_column()
    )  # arm, seed, n, draw_no
    lease_owner: str | None = None
    lease_until: datetime | None = Field(default=None, sa_column=time_column(nullable=True))
    error: str | None = None
    created_at: datetime = Field(sa_column=time_column())
    prepared_at: datetime | None = Field(default=None, sa_column=time_column(nullable=True))
    revealed_at: datetime | None = Field(default=None, sa_column=time_column(nullable=True))
    judged_at: datetime | None = Field(default=None, sa_column=time_column(nullable=True))


class Candidate(SQLModel, table=True):
    """One suggested reply. `state`: ready | unavailable | merged (its text stands in an earlier slot)."""

    __table_args__ = (UniqueConstraint("set_id", "slot"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    desk_id: str = Field(foreign_key="desk.id")
    set_id: str = Field(foreign_key="suggestion_set.id", index=True)
    slot: int
    arm: str  # base | tuned | both
    adapter: str | None = None
    request_no: int
    draw_no: int
    text: str | None = Field(sa_column=text_column(nullable=True))
    token_ids: list[int] | None = Field(default=None, sa_column=json_column(nullable=True))
    finish_reason: str | None = None
    state: str = "ready"
    reason: str | None = None  # why it is unavailable or which slot it merged into


class Judgement(SQLModel, table=True):
    """What an agent did with a set: pick | edit | own | tie | none | skip, or undo of an earlier row."""

    __table_args__ = (
        UniqueConstraint("set_id", "closes_attempt"),
        UniqueConstraint("undoes"),
        Index("ix_judgement_time", "desk_id", "created_at"),
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    desk_id: str = Field(foreign_key="desk.id")
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


class Unblinding(SQLModel, table=True):
    """An agent saw which arm each candidate of a set came from: what they judge of it afterwards counts
    nowhere.
    """

    __table_args__ = (UniqueConstraint("set_id", "agent"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    desk_id: str = Field(foreign_key="desk.id")
    set_id: str = Field(foreign_key="suggestion_set.id", index=True)
    agent: str
    at: datetime = Field(sa_column=time_column())


class Thumb(SQLModel, table=True):
    """1, -1 or 0 (taken back) by an end user on a message; the last one counts, all are kept."""

    id: str = Field(default_factory=new_id, primary_key=True)
    desk_id: str = Field(foreign_key="desk.id")
    message_id: str = Field(foreign_key="message.id", index=True)
    value: int
    reasons: list[str] = Field(default_factory=list, sa_column=json_column())
    comment: str | None = Field(default=None, sa_column=text_column(nullable=True))
    actor: str
    occurred_at: datetime = Field(sa_column=time_column())
    created_at: datetime = Field(sa_column=time_column(index=True))


class Record(SQLModel, table=True):
    """An imported training record (choice, pair or thumb) in its form on disk; live ones are derived from
    judgements.
    """

    __table_args__ = (
        UniqueConstraint("desk_id", "kind", "source", "identity"),
        Index("ix_record_kind", "desk_id", "kind", "source"),
    )

    id: int | None = Field(default=None, primary_key=True)
    desk_id: str = Field(foreign_key="desk.id")
    kind: str  # choice | pair | thumb
    source: str
    identity: str  # the record's own id, else sha256 of its canonical form + "#" + occurrence
    conversation: str  # the unit of the split
    language: str | None = None
    tags: list[str] = Field(default_factory=list, sa_column=json_column())
    body: dict[str, Any] = Field(sa_column=json_column())
    at: datetime | None = Field(default=None, sa_column=time_column(nullable=True))
    created_at: datetime = Field(sa_column=time_column())


class Dataset(SQLModel, table=True):
    """An immutable selection of choices, pairs and thumbs; `id` is the sha256 of its content."""

    id: str = Field(primary_key=True)
    desk_id: str = Field(foreign_key="desk.id")
    selection: dict[str, Any] = Field(default_factory=dict, sa_column=json_column())
    counts: dict[str, Any] = Field(default_factory=dict, sa_column=json_column())
    refusals: dict[str, int] = Field(default_factory=dict, sa_column=json_column())
    created_at: datetime = Field(sa_column=time_column())
    erased_at: datetime | None = Field(default=None, sa_column=time_column(nullable=True))


class Run(SQLModel, table=True):
    """One execution of the nightly job. `fence` is the token that every write of its worker must carry."""

    __table_args__ = (UniqueConstraint("desk_id", "kind", "slot"), Index("ix_run_state", "desk_id", "state"))

    id: str = Field(default_factory=new_id, primary_key=True)
    desk_id: str = Field(foreign_key="desk.id")
    kind: str  # night | volume | manual
    slot: str  # the due time or a unique word; (kind, slot) exists once
    state: str = "queued"  # queued | running | done | failed | cancelled | skipped
    step: str | None = None  # collect | train | evaluate | gate | publish
    progress: float = 0.0
    request: dict[str, Any] = Field(
        default_factory=dict, sa_column=json_column()
    )  # recipe, dataset, objective asked for
    requested_by: str = ""
    recipe: dict[str, Any] | None = Field(
        default=None, sa_column=json_column(nullable=True)
    )  # the full one that was used
    dataset_id: str | None = Field(default=None, foreign_key="dataset.id")
    adapter: str | None = None
    report: dict[str, Any] | None = Field(default=None, sa_column=json_column(nullable=True))
    decision: str | None = None
    reasons: list[dict[str, Any]] = Field(default_factory=list, sa_column=json_column())
    error: str | None = Field(default=None, sa_column=text_column(nullable=True))
    fence: int = 0
    # Claims that ended in order, by a worker that was stopped: these say nothing against the run.
    given_back: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    lease_owner: str | None = None
    lease_until: datetime | None = Field(default=None, sa_column=time_column(nullable=True))
    created_at: datetime = Field(sa_column=time_column(index=True))
    started_at: datetime | None = Field(default=None, sa_column=time_column(nullable=True))
    finished_at: datetime | None = Field(default=None, sa_column=time_column(nullable=True))


class RunMetric(SQLModel, table=True):
    """A live number of a run: name (for example `loss`, `margin`), optimiser step, value."""

    __tablename__ = "run_metric"
    __table_args__ = (Index("ix_metric_run", "run_id", "name", "step"),)

    id: int | None = Field(default=None, primary_key=True)
    run_id: str = Field(foreign_key="run.id")
    name: str
    step: int
    value: float
    at: datetime = Field(sa_column=time_column())


class Adapter(SQLModel, table=True):
    """A LoRA version: trained -> refused | passed -> canary -> live -> retired | rolled_back."""

    name: str = Field(primary_key=True)  # tuned-YYYYMMDD-n
    desk_id: str = Field(foreign_key="desk.id")
    state: str = "trained"
    run_id: str | None = Field(default=None, foreign_key="run.id")
    dataset_id: str | None = Field(default=None, foreign_key="dataset.id")
    base_id: str
    manifest_sha256: str
    report: dict[str, Any] | None = Field(default=None, sa_column=json_column(nullable=True))
    created_at: datetime = Field(sa_column=time_column())


class AdapterEvent(SQLModel, table=True):
    """A change of an adapter's state and its reason."""

    __tablename__ = "adapter_event"

    id: int | None = Field(default=None, primary_key=True)
    adapter: str = Field(foreign_key="adapter.name", index=True)
    from_state: str
    to_state: str
    reason: str
    actor: str
    at: datetime = Field(sa_column=time_column())


class Deployment(SQLModel, table=True):
    """Append-only truth about what serves: the latest row of each role points at an adapter or at none
    (base).
    """

    __table_args__ = (UniqueConstraint("desk_id", "fence"),)

    id: int | None = Field(default=None, primary_key=True)
    desk_id: str = Field(foreign_key="desk.id")
    role: str  # canary | live
    adapter: str | None = Field(default=None, foreign_key="adapter.name")
    share: float = 1.0
    fence: int
    run_id: str | None = Field(default=None, foreign_key="run.id")
    actor: str
    reason: str
    at: datetime = Field(sa_column=time_column())


class ExposureDecision(SQLModel, table=True):
    """What the picks said about an adapter in service when somebody looked, and under which policy.
    Append-only.
    """

    __tablename__ = "exposure_decision"
    __table_args__ = (Index("ix_exposure_decision_adapter", "adapter", "id"),)

    id: int | None = Field(default=None, primary_key=True)
    desk_id: str = Field(foreign_key="desk.id")
    adapter: str = Field(foreign_key="adapter.name")
    verdict: str  # hold | go_live | roll_back | retire
    reasons: list[dict[str, Any]] = Field(default_factory=list, sa_column=json_column())
    evidence: dict[str, Any] = Field(default_factory=dict, sa_column=json_column())
    picks_needed: int | None = None  # null: at the present share, never
    policy: str
    policy_sha256: str
    actor: str
    at: datetime = Field(sa_column=time_column())


class Approval(SQLModel, table=True):
    """What a person said about an adapter; the last word of each person counts. Append-only."""

    id: int | None = Field(default=None, primary_key=True)
    desk_id: str = Field(foreign_key="desk.id")
    adapter: str = Field(foreign_key="adapter.name", index=True)
    actor: str
    kind: str  # approve | veto
    reason: str
    at: datetime = Field(sa_column=time_column())


class Duel(SQLModel, table=True):
    """A blind comparison on unseen prompts: drawing -> open -> closed, or failed. No rival means base."""

    __table_args__ = (Index("ix_duel_state", "desk_id", "state"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    desk_id: str = Field(foreign_key="desk.id")
    name: str
    adapter: str = Field(foreign_key="adapter.name", index=True)  # whose support rate is measured
    rival: str | None = Field(default=None, foreign_key="adapter.name")
    state: str = "drawing"  # drawing | open | closed | failed
    wanted: int
    # Decides the prompts, the sides and the seeds of all draws; secret while the duel is judged.
    seed: int = Field(sa_column=Column(BigInteger(), nullable=False))
    sampling: dict[str, Any] | None = Field(default=None, sa_column=json_column(nullable=True))
    base_id: str = ""
    template_hash: str = ""
    error: str | None = None  # why it failed, or what it waits for while it is drawn
    lease_owner: str | None = None
    lease_until: datetime | None = Field(default=None, sa_column=time_column(nullable=True))
    created_by: str
    created_at: datetime = Field(sa_column=time_column())
    opened_at: datetime | None = Field(default=None, sa_column=time_column(nullable=True))
    closed_at: datetime | None = Field(default=None, sa_column=time_column(nullable=True))
    closed_by: str | None = None


class DuelRound(SQLModel, table=True):
    """One prompt of a duel with a reply on each side. `*_adapter` is null where base stands."""

    __tablename__ = "duel_round"
    __table_args__ = (UniqueConstraint("duel_id", "position"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    desk_id: str = Field(foreign_key="desk.id")
    duel_id: str = Field(foreign_key="duel.id", index=True)
    position: int  # from 1
    set_id: str = Field(foreign_key="suggestion_set.id")  # whose messages are the prompt
    conversation_id: str = Field(foreign_key="conversation.id", index=True)
    origin: str  # later | test | unused: why no contender was trained on it
    messages: list[dict[str, str]] = Field(default_factory=list, sa_column=json_column())
    chat_template_kwargs: dict[str, Any] = Field(default_factory=dict, sa_column=json_column())
    prompt_token_ids: list[int] | None = Field(default=None, sa_column=json_column(nullable=True))
    state: str = "waiting"  # waiting | ready | equal | left_out
    reason: str | None = None  # why it is left out
    a_adapter: str | None = None
    b_adapter: str | None = None
    a_text: str | None = Field(default=None, sa_column=text_column(nullable=True))
    b_text: str | None = Field(default=None, sa_column=text_column(nullable=True))
    a_token_ids: list[int] | None = Field(default=None, sa_column=json_column(nullable=True))
    b_token_ids: list[int] | None = Field(default=None, sa_column=json_column(nullable=True))
    requests: list[dict[str, Any]] = Field(
        default_factory=list, sa_column=json_column()
    )  # side, adapter, attempt, seed, fault
    drawn_at: datetime | None = Field(default=None, sa_column=time_column(nullable=True))


class DuelVerdict(SQLModel, table=True):
    """What a judge said of a round: a | b | tie | both_bad, or undo of an earlier row. Append-only."""

    __tablename__ = "duel_verdict"
    __table_args__ = (
        UniqueConstraint("round_id", "judge", "attempt"),
        UniqueConstraint("undoes"),
        Index("ix_duel_verdict_time", "desk_id", "created_at"),
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    desk_id: str = Field(foreign_key="desk.id")
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
