"""Runs versions on the connection that `feedback.migrations` hands in; knows no URL and opens nothing."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlmodel import SQLModel

from feedback.store import tables


def render_item(kind: str, item: Any, autogen_context: AutogenContext) -> str | Literal[False]:
    """Our own column type by its short name; everything else as Alembic has it."""
    if kind == "type" and isinstance(item, tables.UtcDateTime):
        autogen_context.imports.add("from feedback.store.tables import UtcDateTime")
        return "UtcDateTime()"
    if kind == "type" and type(item).__name__ == "AutoString":
        return "sa.String()"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    render_as_batch=True,  # SQLite changes a table by copying it
    render_item=render_item,
    compare_type=True,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
