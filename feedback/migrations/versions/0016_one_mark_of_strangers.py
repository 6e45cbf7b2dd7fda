"""A stranger's conversation is told by `stranger_hash` alone; its source is that of what people do here. What
was imported under that name stays as it is.
"""

from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.execute("UPDATE conversation SET source = 'live' WHERE source = 'stranger' AND external_id IS NULL")
