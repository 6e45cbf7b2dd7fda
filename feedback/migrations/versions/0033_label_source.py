"""What people label is a source of the desk's own, `label`.

A source that somebody brought under this name gets another one, with its records and conversations.
"""

from itertools import count
from uuid import uuid4

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"

LABEL = "label"
COLUMNS = ("id", "desk_id", "name", "kind", "state", "created_at")
desk = sa.table("desk", sa.column("id"), sa.column("created_at"))
source = sa.table("source", *(sa.column(name) for name in COLUMNS))
change = sa.table("change", *(sa.column(name) for name in ("desk_id", "kind", "key")))
named = [
    sa.table(name, sa.column("desk_id"), sa.column("source"))
    for name in ("record", "conversation", "import_tally", "import")
]


def upgrade() -> None:
    connection = op.get_bind()
    for desk_id, created_at in connection.execute(sa.select(desk.c.id, desk.c.created_at)).all():
        free_name(connection, desk_id)
        row = {"desk_id": desk_id, "name": LABEL, "kind": "own", "state": "active", "created_at": created_at}
        connection.execute(sa.insert(source), row | {"id": str(uuid4())})


def free_name(connection: sa.Connection, desk_id: str) -> None:
    """Renames what came in under the name."""
    names = set(connection.scalars(sa.select(source.c.name).where(source.c.desk_id == desk_id)))
    if LABEL not in names:
        return
    other = next(name for number in count(2) if (name := f"{LABEL}-{number}") not in names)
    its = sa.update(source).where(source.c.desk_id == desk_id, source.c.name == LABEL)
    connection.execute(its.values(name=other))
    for table in named:
        of_it = sa.update(table).where(table.c.desk_id == desk_id, table.c.source == LABEL)
        connection.execute(of_it.values(source=other))
    told = sa.update(change).where(change.c.desk_id == desk_id, change.c.kind == "source")
    connection.execute(told.where(change.c.key == LABEL).values(key=other))
