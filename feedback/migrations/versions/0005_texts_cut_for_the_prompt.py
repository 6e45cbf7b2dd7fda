"""Sets count the characters of long texts that their prompt leaves out."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("suggestion_set", sa.Column("left_out", sa.Integer(), nullable=False, server_default="0"))
