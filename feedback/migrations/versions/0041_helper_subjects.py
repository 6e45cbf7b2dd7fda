"""Whose texts a request to the helper holds, where it is about no item."""

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"


def upgrade() -> None:
    op.create_table(
        "helper_subject",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("desk_id", sa.String(), nullable=False),
        sa.Column("call_id", sa.String(), nullable=False),
        sa.Column("subject_kind", sa.String(), nullable=False),
        sa.Column("subject_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["desk_id"], ["desk.id"], name="fk_helper_subject_desk_id"),
        sa.ForeignKeyConstraint(["call_id"], ["helper_call.id"], name="fk_helper_subject_call_id"),
        sa.PrimaryKeyConstraint("id", name="pk_helper_subject"),
    )
    op.create_index("ix_helper_subject_call_id", "helper_subject", ["call_id"])
    op.create_index("ix_helper_subject_subject", "helper_subject", ["subject_kind", "subject_id"])
