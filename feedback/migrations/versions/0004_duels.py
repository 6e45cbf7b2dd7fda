"""Blind duels: two contenders on unseen prompts, the verdicts of their judges."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "duel",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("desk_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("adapter", sa.String(), nullable=False),
        sa.Column("rival", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("wanted", sa.Integer(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("sampling", sa.JSON(), nullable=True),
        sa.Column("base_id", sa.String(), nullable=False),
        sa.Column("template_hash", sa.String(), nullable=False),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("lease_owner", sa.String(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["adapter"], ["adapter.name"], name="fk_duel_adapter"),
        sa.ForeignKeyConstraint(["desk_id"], ["desk.id"], name="fk_duel_desk_id"),
        sa.ForeignKeyConstraint(["rival"], ["adapter.name"], name="fk_duel_rival"),
        sa.PrimaryKeyConstraint("id", name="pk_duel"),
    )
    op.create_index("ix_duel_adapter", "duel", ["adapter"])
    op.create_index("ix_duel_state", "duel", ["desk_id", "state"])

    op.create_table(
        "duel_round",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("desk_id", sa.String(), nullable=False),
        sa.Column("duel_id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("set_id", sa.String(), nullable=False),
        sa.Column("conversation_id", sa.String(), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("messages", sa.JSON(), nullable=False),
        sa.Column("chat_template_kwargs", sa.JSON(), nullable=False),
        sa.Column("prompt_token_ids", sa.JSON(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("a_adapter", sa.String(), nullable=True),
        sa.Column("b_adapter", sa.String(), nullable=True),
        sa.Column("a_text", sa.Text(), nullable=True),
        sa.Column("b_text", sa.Text(), nullable=True),
        sa.Column("a_token_ids", sa.JSON(), nullable=True),
        sa.Column("b_token_ids", sa.JSON(), nullable=True),
        sa.Column("requests", sa.JSON(), nullable=False),
        sa.Column("drawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name="fk_duel_round_conversation_id"
        ),
        sa.ForeignKeyConstraint(["desk_id"], ["desk.id"], name="fk_duel_round_desk_id"),
        sa.ForeignKeyConstraint(["duel_id"], ["duel.id"], name="fk_duel_round_duel_id"),
        sa.ForeignKeyConstraint(["set_id"], ["suggestion_set.id"], name="fk_duel_round_set_id"),
        sa.PrimaryKeyConstraint("id", name="pk_duel_round"),
        sa.UniqueConstraint("duel_id", "position", name="uq_duel_round_duel_id_position"),
    )
    op.create_index("ix_duel_round_conversation_id", "duel_round", ["conversation_id"])
    op.create_index("ix_duel_round_duel_id", "duel_round", ["duel_id"])

    op.create_table(
        "duel_verdict",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("desk_id", sa.String(), nullable=False),
        sa.Column("duel_id", sa.String(), nullable=False),
        sa.Column("round_id", sa.String(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("judge", sa.String(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=True),
        sa.Column("undoes", sa.String(), nullable=True),
        sa.Column("dwell_ms", sa.Integer(), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["desk_id"], ["desk.id"], name="fk_duel_verdict_desk_id"),
        sa.ForeignKeyConstraint(["duel_id"], ["duel.id"], name="fk_duel_verdict_duel_id"),
        sa.ForeignKeyConstraint(["round_id"], ["duel_round.id"], name="fk_duel_verdict_round_id"),
        sa.ForeignKeyConstraint(["undoes"], ["duel_verdict.id"], name="fk_duel_verdict_undoes"),
        sa.PrimaryKeyConstraint("id", name="pk_duel_verdict"),
        sa.UniqueConstraint("round_id", "judge", "attempt", name="uq_duel_verdict_round_id_judge_attempt"),
        sa.UniqueConstraint("undoes", name="uq_duel_verdict_undoes"),
    )
    op.create_index("ix_duel_verdict_duel_id", "duel_verdict", ["duel_id"])
    op.create_index("ix_duel_verdict_round_id", "duel_verdict", ["round_id"])
    op.create_index("ix_duel_verdict_time", "duel_verdict", ["desk_id", "created_at"])
