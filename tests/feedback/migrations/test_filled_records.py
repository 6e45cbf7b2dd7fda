"""An upgrade fills the records of judgements and thumbs, by the rules but from tables of its own."""

from pathlib import Path

from sqlalchemy import MetaData, select

from feedback import migrations
from feedback.migrations import upgrade_engine
from feedback.store.engine import open_engine
from feedback.store.tables import Record
from tests.feedback.experiments.log import write_log
from tests.feedback.experiments.meanings import rederive
from tests.feedback.migrations.old_tables import fill

READ = ("desk", "conversation", "message", "turn", "suggestion_set", "candidate", "judgement", "thumb")


def read_tables(engine):
    found = MetaData()
    with engine.connect() as connection:
        found.reflect(connection)
    return found.tables


def read_rows(engine, table):
    with engine.connect() as connection:
        return [dict(row._mapping) for row in connection.execute(select(table))]


def list_records(engine):
    """Every record but for the number that it got, by what it is of."""
    rows = read_rows(engine, Record.__table__)
    return sorted(([*row.items()][1:] for row in rows), key=lambda row: str(dict(row)["origin_id"]))


def test_the_records_of_an_upgrade_are_those_that_follow_from_its_rows(empty_engine, tmp_path):
    source = open_engine(f"sqlite:///{tmp_path / 'source.db'}")
    upgrade_engine(source)
    upgrade_engine(empty_engine, "0016")
    new, old = read_tables(source), read_tables(empty_engine)
    with source.execution_options(writing=True).begin() as connection:
        connection.execute(new["desk"].insert().values(fill(new["desk"]) | {"id": "default"}))
    write_log(source, seed=3, sets=150)
    with empty_engine.execution_options(writing=True).begin() as connection:
        for name in READ:
            usual = fill(old[name])
            rows = [
                usual | {key: value for key, value in row.items() if key in old[name].columns}
                for row in read_rows(source, new[name])
            ]
            connection.execute(old[name].insert(), rows)
    source.dispose()
    upgrade_engine(empty_engine)
    filled = list_records(empty_engine)
    rederive(empty_engine)
    assert filled == list_records(empty_engine)
    assert len(filled) > 200


def test_no_version_reads_the_tables_of_today():
    versions = sorted((Path(migrations.__file__).parent / "versions").glob("*.py"))
    assert [path.name for path in versions if "feedback.store" in path.read_text(encoding="utf-8")] == []
