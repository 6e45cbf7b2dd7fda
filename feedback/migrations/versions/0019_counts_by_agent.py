"""Fits keep their counts by agent; those in the old form are dropped, and the trainer fits them anew."""

from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.execute("DELETE FROM fit")
