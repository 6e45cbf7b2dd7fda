"""The decisions on picks are called what they decide on: the rollout."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"

OLD, NEW = "exposure_decision", "rollout_decision"


def upgrade() -> None:
    op.drop_index(f"ix_{OLD}_adapter", OLD)
    op.rename_table(OLD, NEW)
    op.create_index(f"ix_{NEW}_adapter", NEW, ["adapter", "id"])
    if op.get_bind().dialect.name == "postgresql":  # SQLite has no statement for it
        for kind, column in (("pk", ""), ("fk", "_adapter"), ("fk", "_desk_id")):
            names = f"{kind}_{OLD}{column} TO {kind}_{NEW}{column}"
            op.execute(sa.text(f"ALTER TABLE {NEW} RENAME CONSTRAINT {names}"))
        op.execute(sa.text(f"ALTER SEQUENCE {OLD}_id_seq RENAME TO {NEW}_id_seq"))
