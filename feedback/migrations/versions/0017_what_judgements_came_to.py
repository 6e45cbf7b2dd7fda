"""A record holds what each judgement and thumb came to; filled for those there are by the same rules.

The tables are as they were in this version, whatever later versions made of them.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy import JSON, Connection, DateTime, Integer, Row, String, column

from feedback.records.derived import derive_record, derive_thumb_record
from feedback.records.from_judgement import Judged, ShownReply, ShownSet
from feedback.records.from_thumb import ThumbedReply
from feedback.records.personal import list_known

revision = "0017"
down_revision = "0016"

PAGE = 500

TEXTS = (
    "given",
    "agent",
    "settled",
    "rejection",
    "winner",
    "split",
    "design",
    "adapter",
    "rival",
    "incomparable",
)


def describe_table(name: str, plain: str, json: str = "", times: str = "") -> sa.TableClause:
    """A table as far as this version reads or fills it."""
    return sa.table(
        name,
        *(column(word) for word in plain.split()),
        *(column(word, JSON(none_as_null=True)) for word in json.split()),
        *(column(word, DateTime(timezone=True)) for word in times.split()),
    )


CONVERSATION = describe_table("conversation", "id language customer_id", "tags customer_details")
MESSAGE = describe_table("message", "id conversation_id turn_id candidate_id text origin")
SHOWN = describe_table(
    "suggestion_set",
    "id turn_id conversation_id design adapter base_id",
    "messages chat_template_kwargs",
    "revealed_at",
)
CANDIDATE = describe_table("candidate", "id set_id slot text arm adapter state")
JUDGEMENT = describe_table(
    "judgement",
    "id desk_id set_id kind agent candidate_id text dwell_ms unblinded undoes",
    "candidate_ids",
    "created_at",
)
THUMB = describe_table("thumb", "id desk_id message_id value comment", "reasons", "created_at")
RECORD = describe_table(
    "record",
    "desk_id kind source identity origin_kind origin_id conversation rules_version dwell_ms slot language "
    f"pairs close_pairs {' '.join(TEXTS)}",
    "tags body cards",
    "at created_at",
)


def upgrade() -> None:
    columns: list[sa.Column[Any]] = [
        sa.Column("origin_kind", String(), nullable=False, server_default="import"),
        sa.Column("origin_id", String(), nullable=True),
        sa.Column("rules_version", Integer(), nullable=True),
        sa.Column("dwell_ms", Integer(), nullable=True),
        sa.Column("slot", Integer(), nullable=True),
        *(sa.Column(name, String(), nullable=True) for name in TEXTS),
        sa.Column("cards", JSON(), nullable=False, server_default="[]"),
        sa.Column("pairs", Integer(), nullable=False, server_default="0"),
        sa.Column("close_pairs", Integer(), nullable=False, server_default="0"),
    ]
    for new in columns:
        op.add_column("record", new)
    op.create_index("ix_record_origin", "record", ["desk_id", "origin_kind", "origin_id"], unique=True)
    op.create_index("ix_record_time", "record", ["desk_id", "origin_kind", "created_at", "origin_id"])
    keys = ["desk_id", "adapter", "origin_kind", "design", "rival", "rejection", "settled", "winner"]
    op.create_index("ix_record_adapter", "record", [*keys, "incomparable"])
    fill_records(op.get_bind())


def fill_records(connection: Connection) -> None:
    of_judgements = sa.select(JUDGEMENT.c.id).where(JUDGEMENT.c.kind != "undo")
    for ids in iterate_ids(connection, of_judgements, JUDGEMENT.c.id):
        add_records(connection, list(derive_judgements(connection, ids)))
    of_thumbs = sa.select(THUMB.c.message_id).distinct()
    for ids in iterate_ids(connection, of_thumbs, THUMB.c.message_id):
        add_records(connection, list(derive_thumbs(connection, ids)))


def iterate_ids(connection: Connection, query: sa.Select[Any], id: Any) -> Iterator[list[str]]:
    page = query.order_by(id).limit(PAGE)
    found = list(connection.scalars(page))
    while found:
        yield found
        found = list(connection.scalars(page.where(id > found[-1])))


def add_records(connection: Connection, rows: list[dict[str, Any]]) -> None:
    known = RECORD.c.keys()
    filled = [{name: row.get(name) for name in known} for row in rows]
    if filled:
        connection.execute(sa.insert(RECORD).inline(), filled)


def derive_judgements(connection: Connection, ids: Sequence[str]) -> Iterator[dict[str, Any]]:
    undo = JUDGEMENT.alias()
    query = (
        sa.select(
            JUDGEMENT,
            sa.exists().where(undo.c.undoes == JUDGEMENT.c.id).label("undone"),
            *(SHOWN.c[name] for name in "conversation_id messages design adapter revealed_at".split()),
            *(CONVERSATION.c[name] for name in "language tags customer_id customer_details".split()),
        )
        .join(SHOWN, SHOWN.c.id == JUDGEMENT.c.set_id)
        .join(CONVERSATION, CONVERSATION.c.id == SHOWN.c.conversation_id)
        .where(JUDGEMENT.c.id.in_(ids))
        .order_by(JUDGEMENT.c.created_at, JUDGEMENT.c.id)
    )
    rows = connection.execute(query).all()
    replies = read_replies(connection, {row.set_id for row in rows})
    for row in rows:
        judged = Judged(
            id=row.id,
            kind=row.kind,
            agent=row.agent,
            at=row.created_at,
            candidate_id=row.candidate_id,
            candidate_ids=row.candidate_ids,
            text=row.text,
            dwell_ms=row.dwell_ms,
            undone=row.undone,
            unblinded=row.unblinded,
        )
        shown = ShownSet(
            conversation=row.conversation_id,
            prompt=row.messages,
            replies=replies.get(row.set_id, ()),
            design=row.design,
            adapter=row.adapter,
            revealed=row.revealed_at is not None,
            language=row.language,
            tags=tuple(row.tags),
            known=tuple(list_known(row.customer_id, row.customer_details)),
        )
        yield {"desk_id": row.desk_id, **derive_record(judged, shown)}


def read_replies(connection: Connection, set_ids: set[str]) -> dict[str, list[ShownReply]]:
    query = sa.select(CANDIDATE).where(CANDIDATE.c.set_id.in_(sorted(set_ids)))
    replies: dict[str, list[ShownReply]] = {}
    for row in connection.execute(query.order_by(CANDIDATE.c.set_id, CANDIDATE.c.slot)):
        reply = ShownReply(row.id, row.slot, row.text, row.arm, row.adapter, row.state)
        replies.setdefault(row.set_id, []).append(reply)
    return replies


def derive_thumbs(connection: Connection, message_ids: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The last thumb on a message counts."""
    thumbs = sa.select(THUMB).where(THUMB.c.message_id.in_(message_ids))
    in_order = connection.execute(thumbs.order_by(THUMB.c.created_at, THUMB.c.id))
    last: dict[str, Row[Any]] = {row.message_id: row for row in in_order}
    query = (
        sa.select(
            *(MESSAGE.c[name] for name in "id conversation_id text origin".split()),
            *(CONVERSATION.c[name] for name in "language tags customer_id customer_details".split()),
            *(CANDIDATE.c[name] for name in "arm adapter".split()),
            *(SHOWN.c[name] for name in "messages chat_template_kwargs".split()),
        )
        .select_from(MESSAGE)
        .join(CONVERSATION, CONVERSATION.c.id == MESSAGE.c.conversation_id)
        .outerjoin(CANDIDATE, CANDIDATE.c.id == MESSAGE.c.candidate_id)
        .outerjoin(SHOWN, SHOWN.c.turn_id == MESSAGE.c.turn_id)
        .where(MESSAGE.c.id.in_(message_ids))
        .order_by(MESSAGE.c.id)
    )
    for row in connection.execute(query):
        thumb, verbatim = last[row.id], row.origin == "verbatim"
        reply = ThumbedReply(
            id=thumb.id,
            message_id=row.id,
            conversation=row.conversation_id,
            value=thumb.value,
            at=thumb.created_at,
            text=row.text,
            prompt=row.messages or None,
            arm=row.arm if verbatim else None,
            adapter=row.adapter if verbatim else None,
            chat_template_kwargs=row.chat_template_kwargs or {},
            language=row.language,
            tags=row.tags,
            reasons=thumb.reasons,
            comment=thumb.comment,
            known=list_known(row.customer_id, row.customer_details),
        )
        yield {"desk_id": thumb.desk_id, **derive_thumb_record(reply)}
