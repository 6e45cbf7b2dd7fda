"""Runs count how often a worker that was stopped gave them back."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("run", sa.Column("given_back", sa.Integer(), nullable=False, server_default="0"))
