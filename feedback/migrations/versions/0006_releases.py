"""A release is a fact with a place in an order, no longer a time to compare with."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

HELD = sa.text("release_no IS NULL AND retracted_at IS NULL")


def upgrade() -> None:
    op.add_column("message", sa.Column("released_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("message", sa.Column("release_no", sa.Integer(), nullable=True))
    # Whatever was not taken back has been released: a store is upgraded while nothing runs.
    op.execute(
        "UPDATE message SET released_at = release_at, release_no = ranked.number - 1 FROM ("
        "SELECT id, row_number() OVER (PARTITION BY conversation_id ORDER BY release_at, position) AS number "
        "FROM message WHERE retracted_at IS NULL) AS ranked WHERE ranked.id = message.id"
    )
    op.drop_column("message", "release_at")
    op.create_index("ix_message_release", "message", ["conversation_id", "release_no"], unique=True)
    op.create_index("ix_message_held", "message", ["created_at"], sqlite_where=HELD, postgresql_where=HELD)
