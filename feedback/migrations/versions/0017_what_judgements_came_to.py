"""A record holds what each judgement and thumb came to; filled for those there are by the same rules."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlmodel import Session

from feedback.store.derived_records import RenewalCursor, renew_page

revision = "0017"
down_revision = "0016"

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


def upgrade() -> None:
    columns: list[sa.Column[Any]] = [
        sa.Column("origin_kind", sa.String(), nullable=False, server_default="import"),
        sa.Column("origin_id", sa.String(), nullable=True),
        sa.Column("rules_version", sa.Integer(), nullable=True),
        sa.Column("dwell_ms", sa.Integer(), nullable=True),
        sa.Column("slot", sa.Integer(), nullable=True),
        *(sa.Column(name, sa.String(), nullable=True) for name in TEXTS),
        sa.Column("cards", sa.JSON(), nullable=False, server_default="[]"),
        sa.Column("pairs", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("close_pairs", sa.Integer(), nullable=False, server_default="0"),
    ]
    for column in columns:
        op.add_column("record", column)
    op.create_index("ix_record_origin", "record", ["desk_id", "origin_kind", "origin_id"], unique=True)
    op.create_index("ix_record_time", "record", ["desk_id", "origin_kind", "created_at", "origin_id"])
    keys = ["desk_id", "adapter", "origin_kind", "design", "rival", "rejection", "settled", "winner"]
    op.create_index("ix_record_adapter", "record", [*keys, "incomparable"])
    with Session(op.get_bind()) as session:
        after: RenewalCursor | None = RenewalCursor()
        while after is not None:
            after = renew_page(session, after=after)
            session.flush()
