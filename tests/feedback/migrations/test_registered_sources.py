"""An upgrade registers the sources that records and conversations name."""

from datetime import timedelta

from sqlalchemy import text
from sqlmodel import select

from feedback.migrations import upgrade_engine
from feedback.store import tables
from feedback.store.definition_changes import list_definition_changes
from feedback.store.engine import read
from feedback.store.sources import list_sources
from tests.databases import START

DAY = timedelta(days=1)


def test_an_upgrade_registers_what_the_store_names(empty_engine):
    upgrade_engine(empty_engine, "0027")
    rows = [
        ("desk (id, name, created_at) VALUES ('default', 'd', :at)", START),
        ("desk (id, name, created_at) VALUES ('second', 'e', :at)", START),
        (imported("one", '{"accepted": 2, "duplicates": 3, "refused": {"no_prompt": 4}}'), START),
        (imported("two", '{"accepted": 3, "duplicates": 1, "refused": {"no_prompt": 1}}'), START),
        (recorded("default", "live", "j", None), START + DAY),
        (recorded("default", "star", "r1", "one"), START + DAY),
        (recorded("default", "star", "r2", "one"), START + 2 * DAY),
        (recorded("default", "our tickets", "r3", "two"), START + 2 * DAY),
        (recorded("second", "star", "r1", None), START + 3 * DAY),
        (talked("default", "argilla", "c1", "two"), START + 2 * DAY),
        (talked("default", "our tickets", "c2", "two"), START + DAY),
    ]
    with empty_engine.execution_options(writing=True).begin() as connection:
        for row, at in rows:
            connection.execute(text(f"INSERT INTO {row}"), {"at": at})
    upgrade_engine(empty_engine)
    with read(empty_engine) as session:
        found = {desk: list_sources(session, desk_id=desk) for desk in ("default", "second")}
        tallies = session.exec(select(tables.ImportTally).order_by(tables.ImportTally.source)).all()
        assert list_definition_changes(session, desk_id="default", kind="source") == []
    assert [
        (row.name, row.kind, row.state, row.licence, row.created_at - START) for row in found["default"]
    ] == [
        ("argilla", "crowd", "active", None, 2 * DAY),
        ("duel", "own", "active", None, 0 * DAY),
        ("label", "own", "active", None, 0 * DAY),
        ("live", "own", "active", None, 1 * DAY),
        ("our tickets", "user", "active", None, 1 * DAY),
        ("star", "public", "active", None, 1 * DAY),
    ]
    assert [(row.name, row.created_at - START) for row in found["second"]] == [
        ("duel", 0 * DAY), ("label", 0 * DAY), ("live", 0 * DAY), ("star", 3 * DAY),
    ]  # fmt: skip
    # Of an import of several sources only what is there can be told apart.
    assert {row.source: (row.import_id, row.accepted, row.duplicates, row.refusals) for row in tallies} == {
        "star": ("one", 2, 3, {"no_prompt": 4}),
        "argilla": ("two", 1, 0, {}),
        "our tickets": ("two", 2, 0, {}),
    }


def imported(id, counts):
    return (
        "import (id, desk_id, file, counts, created_at, finished_at) "
        f"VALUES ('{id}', 'default', 'f', '{counts}', :at, :at)"
    )


def recorded(desk, source, identity, import_id):
    named = f"'{import_id}'" if import_id else "NULL"
    return (
        "record (desk_id, kind, source, identity, conversation, tags, body, import_id, created_at) "
        f"VALUES ('{desk}', 'choice', '{source}', '{identity}', 'c', '[]', '{{}}', {named}, :at)"
    )


def talked(desk, source, id, import_id):
    return (
        "conversation (id, desk_id, source, customer_details, fields, tags, import_id, created_at) "
        f"VALUES ('{id}', '{desk}', '{source}', '[]', '[]', '[]', '{import_id}', :at)"
    )


def test_what_came_in_as_label_gets_another_name(empty_engine):
    upgrade_engine(empty_engine, "0031")
    rows = [
        ("desk (id, name, created_at) VALUES ('default', 'd', :at)", START),
        *((sourced(name), START + DAY) for name in ("label", "label-2", "star")),
        (recorded("default", "label", "r1", None), START + DAY),
        (recorded("default", "star", "r2", None), START + DAY),
        (talked("default", "label", "c1", "one"), START + DAY),
    ]
    with empty_engine.execution_options(writing=True).begin() as connection:
        for row, at in rows:
            connection.execute(text(f"INSERT INTO {row}"), {"at": at})
    upgrade_engine(empty_engine)
    with read(empty_engine) as session:
        found = {
            row.name: (row.kind, row.created_at - START) for row in list_sources(session, desk_id="default")
        }
        records = session.exec(select(tables.Record.identity, tables.Record.source)).all()
        assert session.get_one(tables.Conversation, "c1").source == "label-3"
    assert found == {
        "label": ("own", 0 * DAY),
        "label-2": ("user", DAY),
        "label-3": ("user", DAY),
        "star": ("user", DAY),
    }
    assert dict(records) == {"r1": "label-3", "r2": "star"}


def sourced(name):
    return (
        "source (id, desk_id, name, kind, state, created_at) "
        f"VALUES ('{name}', 'default', '{name}', 'user', 'active', :at)"
    )
