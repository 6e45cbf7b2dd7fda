"""What apps pass along for agents, which agent sent an older message, reasons named after a judgement."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.add_column("conversation", sa.Column("fields", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("turn", sa.Column("due_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(
        "UPDATE message SET agent = (SELECT judgement.agent FROM judgement"
        " WHERE judgement.turn_id = message.turn_id AND judgement.message_id = message.id"
        " AND judgement.kind <> 'undo')"
        " WHERE message.role = 'agent'"
    )
    op.create_table(
        "judgement_reasons",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("desk_id", sa.String(), nullable=False),
        sa.Column("judgement_id", sa.String(), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("agent", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["desk_id"], ["desk.id"], name="fk_judgement_reasons_desk_id"),
        sa.ForeignKeyConstraint(["judgement_id"], ["judgement.id"], name="fk_judgement_reasons_judgement_id"),
        sa.PrimaryKeyConstraint("id", name="pk_judgement_reasons"),
    )
    op.create_index("ix_judgement_reasons_judgement_id", "judgement_reasons", ["judgement_id"])
