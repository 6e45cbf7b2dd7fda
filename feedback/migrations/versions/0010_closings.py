"""Turns that need no reply say why, who closed them and when."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.add_column("turn", sa.Column("closed_as", sa.String(), nullable=True))
    op.add_column("turn", sa.Column("closed_by", sa.String(), nullable=True))
    op.add_column("turn", sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True))
