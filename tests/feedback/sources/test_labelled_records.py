"""What people say of a source's records holds their texts, so it is left out, and marked, with the source."""

import pytest
from sqlmodel import select

from feedback.datasets.build import Selection
from feedback.datasets.movements import diff_datasets
from feedback.lineage.graph import Ref
from feedback.lineage.steps import Tracer
from feedback.store.engine import read, unit_of_work
from feedback.store.source_views import list_holders
from feedback.store.sources import describe_source, override_grade
from feedback.store.tables import Record
from tests.databases import START
from tests.feedback.labelling.settled import put_item, put_task, settle
from tests.feedback.sources.test_states import bring, build, set_state

LABELS = Selection(sources=("label",))


def label_records(engine, tmp_path):
    """Three records of star and two of ours, each labelled, and an item that shows no record."""
    bring(engine, tmp_path, "star", range(3))
    bring(engine, tmp_path, "ours", range(10, 12))
    with read(engine) as session:
        found = [(row.id, row.conversation) for row in session.exec(select(Record).order_by(Record.id))]
    task = put_task(engine)
    for position, (row_id, talk) in enumerate(found, 1):
        item = put_item(engine, task, position=position, conversation=talk, subject=("record", row_id))
        settle(engine, item, {"side": "b"})
    settle(engine, put_item(engine, task, position=9), {"side": "a"})


def count_all(info, name):
    return {source: splits["all"] for source, splits in info.counts[name].items()}


@pytest.mark.parametrize("state", ["paused", "withdrawn"])
def test_what_is_said_of_records_is_left_out_with_their_source(store_engine, tmp_path, state):
    label_records(store_engine, tmp_path)
    whole = build(store_engine, tmp_path)
    assert count_all(whole, "sources") == {"label": 6, "ours": 2, "star": 3}
    assert count_all(whole, "labelled_sources") == {"ours": 2, "star": 3}
    set_state(store_engine, "star", state)
    left = build(store_engine, tmp_path)
    assert (count_all(left, "sources"), left.refusals) == ({"label": 3, "ours": 2}, {f"source_{state}": 6})
    alone = build(store_engine, tmp_path, selection=LABELS)
    assert (count_all(alone, "sources"), alone.refusals) == ({"label": 3}, {f"source_{state}": 3})
    asked = {"data_dir": tmp_path / "data", "desk_id": "default", "old": whole.id, "new": left.id}
    assert diff_datasets(store_engine, **asked).left.by["why"] == {f"source_{state}": 6}
    set_state(store_engine, "star", "active")
    assert build(store_engine, tmp_path).id == whole.id


def test_what_is_said_of_records_with_grade_d_is_taken_where_the_source_is_named(store_engine, tmp_path):
    label_records(store_engine, tmp_path)
    told = {"desk_id": "default", "name": "star", "grade": "D", "actor": "ada", "reason": "r", "now": START}
    with unit_of_work(store_engine) as session:
        override_grade(session, **told)
    assert build(store_engine, tmp_path, selection=LABELS).refusals == {"source_grade": 3}
    named = build(store_engine, tmp_path, selection=Selection(sources=("label", "star")))
    assert count_all(named, "sources") == {"label": 6, "star": 3}


def test_a_dataset_of_labels_says_whose_texts_it_holds(sqlite_engine, tmp_path):
    label_records(sqlite_engine, tmp_path)
    with unit_of_work(sqlite_engine) as session:
        told = {"actor": "ada", "reason": "r", "now": START}
        describe_source(session, desk_id="default", name="star", values={"licence": "cc-by-4.0"}, **told)
    alone = build(sqlite_engine, tmp_path, selection=LABELS)
    assert "- cc-by-4.0" in (alone.path / "README.md").read_text()
    with read(sqlite_engine) as session:
        (holder,) = list_holders(session, desk_id="default", name="star")
    assert holder[0].id == alone.id
    find_step = Tracer(sqlite_engine, tmp_path / "data", "default").find_step
    assert "withdrawn" not in find_step(Ref("dataset", alone.id)).facts
    set_state(sqlite_engine, "star", "withdrawn")
    assert find_step(Ref("dataset", alone.id)).facts["withdrawn"] == ["star"]
