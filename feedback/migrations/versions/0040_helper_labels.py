"""What the helper says of items, blind, and in which tasks it is trusted."""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"


def upgrade() -> None:
    op.create_table(
        "helper_label",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("desk_id", sa.String(), nullable=False),
        sa.Column("task_id", sa.String(), nullable=False),
        sa.Column("item_id", sa.String(), nullable=False),
        sa.Column("asked", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("value", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["desk_id"], ["desk.id"], name="fk_helper_label_desk_id"),
        sa.ForeignKeyConstraint(["task_id"], ["task.id"], name="fk_helper_label_task_id"),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name="fk_helper_label_item_id"),
        sa.PrimaryKeyConstraint("id", name="pk_helper_label"),
        sa.UniqueConstraint("item_id", "asked", name="uq_helper_label_item_id_asked"),
    )
    op.create_index("ix_helper_label_task", "helper_label", ["task_id", "model"])
    op.create_table(
        "helper_trust",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("desk_id", sa.String(), nullable=False),
        sa.Column("task_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("is_trusted", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("kappa", sa.Float(), nullable=True),
        sa.Column("low", sa.Float(), nullable=True),
        sa.Column("bar", sa.Float(), nullable=True),
        sa.Column("agreed", sa.Float(), nullable=True),
        sa.Column("items", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["desk_id"], ["desk.id"], name="fk_helper_trust_desk_id"),
        sa.ForeignKeyConstraint(["task_id"], ["task.id"], name="fk_helper_trust_task_id"),
        sa.PrimaryKeyConstraint("id", name="pk_helper_trust"),
        sa.UniqueConstraint("task_id", "number", name="uq_helper_trust_task_id_number"),
    )
