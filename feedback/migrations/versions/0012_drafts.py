"""What agents have written and not sent."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.create_table(
        "draft",
        sa.Column("desk_id", sa.String(), nullable=False),
        sa.Column("agent", sa.String(), nullable=False),
        sa.Column("conversation_id", sa.String(), nullable=False),
        sa.Column("aside_id", sa.String(), nullable=False),
        sa.Column("stands", sa.Boolean(), nullable=False),
        sa.Column("turn_id", sa.String(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("taken", sa.String(), nullable=True),
        sa.Column("none_good", sa.Boolean(), nullable=False),
        sa.Column("refused", sa.String(), nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["desk_id"], ["desk.id"], name="fk_draft_desk_id"),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversation.id"], name="fk_draft_conversation_id"),
        sa.ForeignKeyConstraint(["turn_id"], ["turn.id"], name="fk_draft_turn_id"),
        sa.PrimaryKeyConstraint("desk_id", "agent", "conversation_id", "aside_id", name="pk_draft"),
    )
    standing = sa.text("stands")
    op.create_index(
        "ix_draft_standing",
        "draft",
        ["desk_id", "agent"],
        sqlite_where=standing,
        postgresql_where=standing,
    )
