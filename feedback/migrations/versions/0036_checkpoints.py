"""Versions that are checkpoints, whole models: so far all were adapters."""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"


def upgrade() -> None:
    op.add_column(
        "adapter", sa.Column("is_checkpoint", sa.Boolean(), nullable=False, server_default=sa.false())
    )
