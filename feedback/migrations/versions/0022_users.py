"""Who signs in is called a user: the table, the columns that name one, and the names in the event log."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"

NAMED = ("api_token", "sign_in_link", "web_session")  # tables with a column that names a user
ACTORS = ("event", "thumb", "erasure")  # tables that keep a person as "operator:<id>"


def upgrade() -> None:
    op.create_table(
        "user",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("desk_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["desk_id"], ["desk.id"], name="fk_user_desk_id"),
        sa.PrimaryKeyConstraint("id", name="pk_user"),
        sa.UniqueConstraint("desk_id", "name", name="uq_user_desk_id_name"),
    )
    columns = "id, desk_id, name, role, language, active, created_at"
    op.execute(f'INSERT INTO "user" ({columns}) SELECT {columns} FROM operator')  # noqa: S608 (our own words)
    op.drop_index("ix_web_session_operator_id", "web_session")
    for table in NAMED:
        op.execute(f"ALTER TABLE {table} RENAME COLUMN operator_id TO user_id")
        with op.batch_alter_table(table) as batch:  # SQLite keeps the names of constraints otherwise
            batch.drop_constraint(f"fk_{table}_operator_id", type_="foreignkey")
            batch.create_foreign_key(f"fk_{table}_user_id", "user", ["user_id"], ["id"])
    op.create_index("ix_web_session_user_id", "web_session", ["user_id"])
    op.drop_table("operator")
    for table in ACTORS:
        actors = sa.table(table, sa.column("actor"))
        bare = sa.func.substr(actors.c.actor, len("operator:") + 1)
        named = actors.update().where(actors.c.actor.startswith("operator:"))
        op.execute(named.values(actor=sa.literal("user:") + bare))
    rename_in_sessions()


def rename_in_sessions() -> None:
    """The data of a browser session name its user, too."""
    sessions = sa.table("web_session", sa.column("id_hash"), sa.column("data", sa.JSON()))
    connection = op.get_bind()
    for id_hash, data in connection.execute(sa.select(sessions.c.id_hash, sessions.c.data)).all():
        if "operator_id" in data:
            named = {"user_id" if key == "operator_id" else key: value for key, value in data.items()}
            connection.execute(sessions.update().where(sessions.c.id_hash == id_hash).values(data=named))
