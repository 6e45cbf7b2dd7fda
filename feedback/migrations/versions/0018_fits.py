"""What is fitted to the picks of an adapter is kept; the trainer makes it at its next look."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.create_table(
        "fit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("desk_id", sa.String(), nullable=False),
        sa.Column("adapter", sa.String(), nullable=False),
        sa.Column("judgements", sa.Integer(), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["desk_id"], ["desk.id"], name="fk_fit_desk_id"),
        sa.ForeignKeyConstraint(["adapter"], ["adapter.name"], name="fk_fit_adapter"),
        sa.PrimaryKeyConstraint("id", name="pk_fit"),
        sa.UniqueConstraint("desk_id", "adapter", name="uq_fit_desk_id_adapter"),
    )
