"""What an app knows of its customer, for redaction."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column(
        "conversation", sa.Column("customer_details", sa.JSON(), nullable=False, server_default="[]")
    )
