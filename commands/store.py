"""Opens the store for commands, for the length of a block, and only if its schema fits this version."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from commands.errors import CommandFailed
from commands.frame import Frame
from feedback.clock import SystemClock
from feedback.migrations import configure, find_version, newest_version, upgrade_engine
from feedback.store.desks import ensure_desk
from feedback.store.engine import open_engine, unit_of_work
from serving.files import make_private_dir


class SchemaOld(CommandFailed):
    """The store has the schema of an earlier version, or none yet."""

    def __init__(self, found: str | None, needed: str) -> None:
        if found is None:
            super().__init__("There is no store here yet. `rejoinder init` makes it, and `rejoinder up` too.")
        else:
            super().__init__(
                f"The store has schema {found}, this version needs {needed}. Back it up (deploy/backup.sh), "
                "then `rejoinder init` migrates it."
            )


class SchemaNewer(CommandFailed):
    """A later version of Rejoinder has migrated the store."""

    def __init__(self, found: str, needed: str) -> None:
        super().__init__(
            f"The store has schema {found}, which this version (it knows up to {needed}) does not know: a "
            "later version migrated it. Use that version, or restore a backup made before."
        )


class StoreEmptied(CommandFailed):
    """The store's file has lost its content: opening it would create a new, empty store."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} is empty, and something was kept here before. Restore a backup (deploy/restore.sh), or "
            "remove the file to begin anew."
        )


def check_whole(frame: Frame) -> None:
    """Raises StoreEmptied if the SQLite file is empty where this instance has run (its key is there)."""
    path = frame.data_dir / "rejoinder.db"
    ran = (frame.data_dir / "secret.key").exists()
    if not frame.feedback().database_url and ran and path.exists() and path.stat().st_size == 0:
        raise StoreEmptied(path)


@contextmanager
def open_store(frame: Frame) -> Iterator[Engine]:
    """Opens the store's engine for a block. Raises SchemaOld or SchemaNewer if the schema does not fit."""
    settings = frame.feedback()
    if not settings.database_url and not (frame.data_dir / "rejoinder.db").exists():
        raise SchemaOld(None, newest_version())
    check_whole(frame)
    engine = open_engine(settings.store_url())
    try:
        found = check_schema(engine)
        if found != newest_version():
            raise SchemaOld(found, newest_version())
        yield engine
    finally:
        engine.dispose()


def check_schema(engine: Engine) -> str | None:
    """The schema version of the store; None for an empty store. Raises SchemaNewer for an unknown version."""
    found = find_version(engine)
    known = {script.revision for script in ScriptDirectory.from_config(configure()).walk_revisions()}
    if found is not None and found not in known:
        raise SchemaNewer(found, newest_version())
    return found


def migrate_store(frame: Frame) -> tuple[str | None, str]:
    """Migrates the store and creates the desk if needed; returns the versions before and after."""
    make_private_dir(frame.data_dir)
    check_whole(frame)
    engine = open_engine(frame.feedback().store_url())
    try:
        before = check_schema(engine)
        upgrade_engine(engine)
        with unit_of_work(engine) as session:
            ensure_desk(session, now=SystemClock().now())
    finally:
        engine.dispose()
    return before, newest_version()
