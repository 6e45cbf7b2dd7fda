"""Messages say who sent them, and what one agent did of late is found without reading the rest."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.add_column("message", sa.Column("agent", sa.String(), nullable=True))
    by_agent = sa.text("agent IS NOT NULL")
    op.create_index(
        "ix_message_agent",
        "message",
        ["agent", "created_at"],
        sqlite_where=by_agent,
        postgresql_where=by_agent,
    )
    closed = sa.text("closed_as IS NOT NULL")
    op.create_index(
        "ix_turn_closed", "turn", ["desk_id", "closed_at"], sqlite_where=closed, postgresql_where=closed
    )
