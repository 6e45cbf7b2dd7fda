"""Duels of a rebase name the arm of each side: base and adapter alone do not tell two bases apart."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    op.add_column("duel", sa.Column("rebase_id", sa.String(), nullable=True))
    op.add_column("duel", sa.Column("arm", sa.String(), nullable=True))
    op.create_index("ix_duel_rebase_id", "duel", ["rebase_id"])
    op.add_column("duel_round", sa.Column("a_arm", sa.String(), nullable=True))
    op.add_column("duel_round", sa.Column("b_arm", sa.String(), nullable=True))
