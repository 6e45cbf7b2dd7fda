"""Two answers to choose from: which candidates a customer is shown, and which one they picked."""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"

OPEN = sa.text("answer IS NULL")


def upgrade() -> None:
    op.create_table(
        "two_answers",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("desk_id", sa.String(), nullable=False),
        sa.Column("conversation_id", sa.String(), nullable=False),
        sa.Column("set_id", sa.String(), nullable=False),
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("first_id", sa.String(), nullable=False),
        sa.Column("second_id", sa.String(), nullable=False),
        sa.Column("shown_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer", sa.String(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["desk_id"], ["desk.id"], name="fk_two_answers_desk_id"),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name="fk_two_answers_conversation_id"
        ),
        sa.ForeignKeyConstraint(["set_id"], ["suggestion_set.id"], name="fk_two_answers_set_id"),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name="fk_two_answers_message_id"),
        sa.ForeignKeyConstraint(["first_id"], ["candidate.id"], name="fk_two_answers_first_id"),
        sa.ForeignKeyConstraint(["second_id"], ["candidate.id"], name="fk_two_answers_second_id"),
        sa.PrimaryKeyConstraint("id", name="pk_two_answers"),
        sa.UniqueConstraint("message_id", name="uq_two_answers_message_id"),
    )
    op.create_index("ix_two_answers_conversation_id", "two_answers", ["conversation_id"])
    op.create_index("ix_two_answers_set_id", "two_answers", ["set_id"])
    op.create_index(
        "ix_two_answers_open", "two_answers", ["desk_id"], postgresql_where=OPEN, sqlite_where=OPEN
    )
