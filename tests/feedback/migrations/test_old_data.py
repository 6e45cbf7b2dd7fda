"""What an upgrade makes of records, tags and imports of an older version, on both databases."""

from sqlalchemy import text
from sqlmodel import select

from feedback.migrations import upgrade_engine
from feedback.store import tables
from feedback.store.engine import read
from feedback.store.imports import name_state
from feedback.store.tags import read_tag_tree
from tests.databases import START


def test_what_came_in_before_imports_were_rows_belongs_to_none(empty_engine):
    upgrade_engine(empty_engine, "0023")
    rows = (
        "desk (id, name, created_at) VALUES ('default', 'd', :at)",
        "conversation (id, desk_id, source, customer_details, fields, tags, created_at) "
        "VALUES ('c1', 'default', 'star', '[]', '[]', '[]', :at)",
        "record (desk_id, kind, source, identity, conversation, tags, body, created_at) "
        "VALUES ('default', 'choice', 'star', 'r1', 'c1', '[]', '{}', :at)",
    )
    with empty_engine.execution_options(writing=True).begin() as connection:
        for row in rows:
            connection.execute(text(f"INSERT INTO {row}"), {"at": START})
    upgrade_engine(empty_engine)
    with read(empty_engine) as session:
        (record,) = session.exec(select(tables.Record))
        assert (record.identity, record.import_id) == ("r1", None)
        assert session.get_one(tables.Conversation, "c1").import_id is None
        assert session.exec(select(tables.Import)).all() == []


def test_tags_of_before_the_tree_stay_the_strings_they_were(empty_engine):
    upgrade_engine(empty_engine, "0028")
    rows = (
        "desk (id, name, created_at) VALUES ('default', 'd', :at)",
        "conversation (id, desk_id, source, customer_details, fields, tags, created_at) "
        "VALUES ('c1', 'default', 'star', '[]', '[]', '[\"domain\\:hotel\"]', :at)",
    )
    with empty_engine.execution_options(writing=True).begin() as connection:
        for row in rows:
            connection.execute(text(f"INSERT INTO {row}"), {"at": START})
    upgrade_engine(empty_engine)
    with read(empty_engine) as session:
        assert session.get_one(tables.Conversation, "c1").tags == ["domain:hotel"]
        tree = read_tag_tree(session, desk_id="default")
        assert not tree.nodes and tree.resolve("domain:hotel") == "domain:hotel"
        assert tree.expand(["domain:hotel"]) == {"domain:hotel"}


def test_an_import_of_the_version_before_states_is_done_or_interrupted(empty_engine):
    upgrade_engine(empty_engine, "0029")
    with empty_engine.execution_options(writing=True).begin() as connection:
        connection.execute(
            text("INSERT INTO desk (id, name, created_at) VALUES ('default', 'd', :at)"), {"at": START}
        )
        for id, finished in (("whole", START), ("half", None)):
            connection.execute(
                text(
                    "INSERT INTO import (id, desk_id, file, counts, created_at, finished_at)"
                    " VALUES (:id, 'default', 'a.jsonl', '{}', :at, :finished)"
                ),
                {"id": id, "at": START, "finished": finished},
            )
    upgrade_engine(empty_engine)
    with read(empty_engine) as session:
        rows = {row.id: row for row in session.exec(select(tables.Import))}
    assert {id: name_state(row, now=START) for id, row in rows.items()} == {
        "whole": "done",
        "half": "interrupted",
    }
    assert (rows["half"].asked, rows["half"].size, rows["half"].actor) == ({}, 0, None)
