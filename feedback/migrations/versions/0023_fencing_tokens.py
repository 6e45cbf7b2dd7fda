"""The number that each deployment and each claim of a run raises is called what it is: a fencing token."""

from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    for table in ("deployment", "run"):
        op.execute(f"ALTER TABLE {table} RENAME COLUMN fence TO fencing_token")
    with op.batch_alter_table("deployment") as batch:
        batch.drop_constraint("uq_deployment_desk_id_fence", type_="unique")
        batch.create_unique_constraint("uq_deployment_desk_id_fencing_token", ["desk_id", "fencing_token"])
