"""Who opened a conversation without an app. What was opened before counts as opened by one."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("conversation", sa.Column("stranger_hash", sa.String(), nullable=True))
    op.create_index("ix_conversation_stranger_hash", "conversation", ["stranger_hash"])
