"""A change of the base model is kept: from which base to which, the run on it, and how it ended."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    op.create_table(
        "rebase",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("desk_id", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("base_model", sa.String(), nullable=False),
        sa.Column("base_id", sa.String(), nullable=False),
        sa.Column("serving", sa.JSON(), nullable=False),
        sa.Column("old_base_model", sa.String(), nullable=False),
        sa.Column("old_base_id", sa.String(), nullable=False),
        sa.Column("old_adapter", sa.String(), nullable=True),
        sa.Column("old_role", sa.String(), nullable=True),
        sa.Column("run_id", sa.String(), nullable=True),
        sa.Column("arm", sa.String(), nullable=True),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["desk_id"], ["desk.id"], name="fk_rebase_desk_id"),
        sa.ForeignKeyConstraint(["old_adapter"], ["adapter.name"], name="fk_rebase_old_adapter"),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_rebase_run_id"),
        sa.PrimaryKeyConstraint("id", name="pk_rebase"),
    )
    op.create_index("ix_rebase_state", "rebase", ["desk_id", "state"])
