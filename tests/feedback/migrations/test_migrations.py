"""An upgraded store has exactly the tables of the code, on both databases."""

import subprocess
import sys

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect
from sqlmodel import SQLModel

from feedback.migrations import find_version, newest_version, upgrade, upgrade_engine
from feedback.store import tables
from feedback.store.desks import ensure_desk
from feedback.store.engine import open_engine, read, unit_of_work
from tests.databases import START


def test_an_upgraded_store_has_the_tables_of_the_code(empty_engine):
    assert find_version(empty_engine) is None
    upgrade_engine(empty_engine)
    with empty_engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, SQLModel.metadata) == []
    assert find_version(empty_engine) == newest_version()


def test_the_constraints_are_those_of_the_code(empty_engine, tmp_path):
    upgrade_engine(empty_engine)
    upgraded = inspect(empty_engine)
    names = {table.name for table in SQLModel.metadata.sorted_tables}
    assert names | {"alembic_version"} == set(upgraded.get_table_names())
    for table in SQLModel.metadata.sorted_tables:
        unique = {
            tuple(constraint["column_names"]) for constraint in upgraded.get_unique_constraints(table.name)
        }
        expected = {
            tuple(column.name for column in constraint.columns)
            for constraint in table.constraints
            if constraint.__class__.__name__ == "UniqueConstraint"
        }
        assert unique == expected, table.name
        foreign = {
            (key["constrained_columns"][0], key["referred_table"])
            for key in upgraded.get_foreign_keys(table.name)
        }
        assert foreign == {(key.parent.name, key.column.table.name) for key in table.foreign_keys}, table.name


def test_upgrading_again_changes_nothing(empty_engine):
    upgrade_engine(empty_engine)
    with unit_of_work(empty_engine) as session:
        ensure_desk(session, now=START)
    upgrade_engine(empty_engine)
    with read(empty_engine) as session:
        assert session.get(tables.Desk, "default") is not None


def test_a_new_sqlite_store_gets_its_directory(tmp_path):
    url = f"sqlite:///{tmp_path / 'var' / 'rejoinder.db'}"
    upgrade(url)
    engine = open_engine(url)
    assert find_version(engine) == newest_version()
    engine.dispose()


def test_two_processes_that_start_at_once_both_find_the_newest_version(empty_engine):
    url = empty_engine.url.render_as_string(hide_password=False)
    command = [
        sys.executable,
        "-c",
        "import sys; from feedback.migrations import upgrade; upgrade(sys.argv[1])",
        url,
    ]
    both = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    assert [(process.communicate(timeout=120)[1], process.returncode) for process in both] == [
        ("", 0),
        ("", 0),
    ]
    assert find_version(empty_engine) == newest_version()
