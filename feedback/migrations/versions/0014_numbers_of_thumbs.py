"""A customer's page numbers its presses, so that a repeated thumb never overtakes a later one."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.add_column("thumb", sa.Column("number", sa.Integer(), nullable=True))
