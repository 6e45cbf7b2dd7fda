"""Decisions on exposure, and what people say about an adapter."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "exposure_decision",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("desk_id", sa.String(), nullable=False),
        sa.Column("adapter", sa.String(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.Column("picks_needed", sa.Integer(), nullable=True),
        sa.Column("policy", sa.String(), nullable=False),
        sa.Column("policy_sha256", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["adapter"], ["adapter.name"], name="fk_exposure_decision_adapter"),
        sa.ForeignKeyConstraint(["desk_id"], ["desk.id"], name="fk_exposure_decision_desk_id"),
        sa.PrimaryKeyConstraint("id", name="pk_exposure_decision"),
    )
    op.create_index("ix_exposure_decision_adapter", "exposure_decision", ["adapter", "id"])
    op.create_table(
        "approval",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("desk_id", sa.String(), nullable=False),
        sa.Column("adapter", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["adapter"], ["adapter.name"], name="fk_approval_adapter"),
        sa.ForeignKeyConstraint(["desk_id"], ["desk.id"], name="fk_approval_desk_id"),
        sa.PrimaryKeyConstraint("id", name="pk_approval"),
    )
    op.create_index("ix_approval_adapter", "approval", ["adapter"])
