"""Sources are rows, with what imports brought of each; changes of what the desk defines are kept.

The sources of records and conversations that are there are registered: `live` and `duel` as the desk's own,
others by their names.
"""

from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"

PUBLIC = ("abcd", "hh", "lmarena", "star", "taskmaster", "ultrafeedback")
CROWD = ("argilla", "label-studio")
OWN = ("live", "duel")

NAMES = ("id", "name", "kind", "owner", "licence", "language", "note", "state", "grade_override", "folder")
COUNTS = ("accepted", "usable", "duplicates", "refused")
desk = sa.table("desk", sa.column("id"), sa.column("created_at"))
imports = sa.table("import", sa.column("id"), sa.column("counts", sa.JSON()), sa.column("finished_at"))
source = sa.table("source", *(sa.column(name) for name in ("desk_id", *NAMES, "created_at")))
tally = sa.table(
    "import_tally",
    *(sa.column(name) for name in ("desk_id", "import_id", "source", *COUNTS)),
    sa.column("refusals", sa.JSON()),
)
records, conversations = (
    sa.table(name, *map(sa.column, ("desk_id", "source", "import_id", "created_at")))
    for name in ("record", "conversation")
)


def upgrade() -> None:
    op.create_table(
        "source",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("desk_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=True),
        sa.Column("licence", sa.String(), nullable=True),
        sa.Column("language", sa.String(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("grade_override", sa.String(), nullable=True),
        sa.Column("folder", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["desk_id"], ["desk.id"], name="fk_source_desk_id"),
        sa.PrimaryKeyConstraint("id", name="pk_source"),
        sa.UniqueConstraint("desk_id", "name", name="uq_source_desk_id_name"),
    )
    op.create_table(
        "import_tally",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("desk_id", sa.String(), nullable=False),
        sa.Column("import_id", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("accepted", sa.Integer(), nullable=False),
        sa.Column("usable", sa.Integer(), nullable=True),
        sa.Column("duplicates", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("refusals", sa.JSON(none_as_null=True), nullable=False),
        sa.ForeignKeyConstraint(["desk_id"], ["desk.id"], name="fk_import_tally_desk_id"),
        sa.ForeignKeyConstraint(["import_id"], ["import.id"], name="fk_import_tally_import_id"),
        sa.PrimaryKeyConstraint("id", name="pk_import_tally"),
        sa.UniqueConstraint("import_id", "source", name="uq_import_tally_import_id_source"),
    )
    op.create_index("ix_import_tally_source", "import_tally", ["desk_id", "source"])
    op.create_table(
        "change",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("desk_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("what", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["desk_id"], ["desk.id"], name="fk_change_desk_id"),
        sa.PrimaryKeyConstraint("id", name="pk_change"),
    )
    op.create_index("ix_change_key", "change", ["desk_id", "kind", "key"])
    connection = op.get_bind()
    register_sources(connection)
    tally_imports(connection)


def register_sources(connection: sa.Connection) -> None:
    """Each source from the time of the oldest row that names it."""
    since: dict[tuple[str, str], Any] = {}
    for table in (records, conversations):
        first = sa.select(table.c.desk_id, table.c.source, sa.func.min(table.c.created_at))
        for desk_id, name, at in connection.execute(first.group_by(table.c.desk_id, table.c.source)):
            since[desk_id, name] = min(at, since.get((desk_id, name), at))
    for desk_id, at in connection.execute(sa.select(desk.c.id, desk.c.created_at)):
        since |= {(desk_id, name): since.get((desk_id, name), at) for name in OWN}
    rows = [
        {
            **dict.fromkeys(NAMES),
            "id": str(uuid4()),
            "desk_id": desk_id,
            "name": name,
            "kind": name_kind(name),
        }
        | {"state": "active", "created_at": at}
        for (desk_id, name), at in sorted(since.items(), key=lambda item: item[0])
    ]
    if rows:
        connection.execute(source.insert(), rows)


def name_kind(name: str) -> str:
    if name in OWN:
        return "own"
    return "public" if name in PUBLIC else "crowd" if name in CROWD else "user"


def tally_imports(connection: sa.Connection) -> None:
    """What an import of one source came to is all its counts; of several only what was accepted is known."""
    accepted: dict[str, dict[tuple[str, str], int]] = {}
    for table in (records, conversations):
        named = sa.select(table.c.import_id, table.c.desk_id, table.c.source, sa.func.count())
        named = named.where(table.c.import_id.is_not(None))
        for import_id, *key, count in connection.execute(
            named.group_by(table.c.import_id, table.c.desk_id, table.c.source)
        ):
            of_import = accepted.setdefault(import_id, {})
            of_import[key[0], key[1]] = of_import.get((key[0], key[1]), 0) + count
    finished = sa.select(imports.c.id, imports.c.counts).where(imports.c.finished_at.is_not(None))
    rows = []
    for import_id, counts in connection.execute(finished):
        of_import = accepted.get(import_id, {})
        told = counts if len(of_import) == 1 else {}
        refusals = told.get("refused", {})
        rows += [
            {
                "desk_id": desk_id,
                "import_id": import_id,
                "source": name,
                "accepted": told.get("accepted", count),
                "usable": None,
                "duplicates": told.get("duplicates", 0),
                "refused": sum(refusals.values()),
                "refusals": refusals,
            }
            for (desk_id, name), count in of_import.items()
        ]
    if rows:
        connection.execute(tally.insert(), rows)
