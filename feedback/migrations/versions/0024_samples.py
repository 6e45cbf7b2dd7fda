"""Replies are sampled: a set names the arm that is resampled, a reply its number among the samples."""

from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    op.execute("ALTER TABLE suggestion_set RENAME COLUMN redraw_arm TO resampled_arm")
    op.execute("ALTER TABLE candidate RENAME COLUMN draw_no TO sample_no")
