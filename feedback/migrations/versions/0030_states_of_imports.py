"""An import has a state, and says how far it is and who began it."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    imports = sa.table("import", sa.column("state"), sa.column("finished_at"))
    for column in (
        sa.Column("state", sa.String(), nullable=False, server_default="running"),
        sa.Column("asked", sa.JSON(none_as_null=True), nullable=False, server_default="{}"),
        sa.Column("size", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("done", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("actor", sa.String(), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
    ):
        op.add_column("import", column)
    op.execute(imports.update().where(imports.c.finished_at.is_not(None)).values(state="done"))
