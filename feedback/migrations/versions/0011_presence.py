"""Who is at the desk and reads which turn."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.create_table(
        "presence",
        sa.Column("desk_id", sa.String(), nullable=False),
        sa.Column("agent", sa.String(), nullable=False),
        sa.Column("turn_id", sa.String(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["desk_id"], ["desk.id"], name="fk_presence_desk_id"),
        sa.ForeignKeyConstraint(["turn_id"], ["turn.id"], name="fk_presence_turn_id"),
        sa.PrimaryKeyConstraint("desk_id", "agent", name="pk_presence"),
    )
