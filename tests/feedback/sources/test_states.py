"""A paused source takes nothing and gives no dataset anything; what learned from a withdrawn one says so."""

from datetime import timedelta

import pytest

from feedback.datasets.build import build_dataset
from feedback.datasets.errors import NothingSelected
from feedback.deployment.model_cards import HEADING, refresh_cards
from feedback.errors import NotFound
from feedback.lineage.graph import Ref
from feedback.lineage.steps import Tracer
from feedback.store.definition_changes import list_definition_changes
from feedback.store.engine import read, unit_of_work
from feedback.store.sources import (
    SourceOwn,
    SourcePaused,
    SourceState,
    SourceWithdrawn,
    change_source_state,
    describe_source,
    hold_source,
    read_withdrawn,
)
from feedback.store.tables import Adapter, Import, Record
from tests.databases import START
from tests.feedback.formats.files import CLOCK, bring_in, choice, write
from tests.feedback.formats.test_importer import rows


def set_state(engine, name, state, reason="the customer asked"):
    with unit_of_work(engine) as session:
        told = {"actor": "ann", "reason": reason, "now": START}
        change_source_state(session, desk_id="default", name=name, state=state, **told)


def bring(engine, tmp_path, named, numbers, **asked):
    path = write(tmp_path / f"{named}.jsonl", *(choice(number, source=named) for number in numbers))
    return bring_in(engine, path, **asked)


def build(engine, tmp_path, **options):
    return build_dataset(engine, data_dir=tmp_path / "data", clock=CLOCK, **options)


def test_a_source_that_is_paused_or_withdrawn_takes_nothing(store_engine, tmp_path):
    bring(store_engine, tmp_path, "star", range(3))
    for state, error in (("paused", SourcePaused), ("withdrawn", SourceWithdrawn)):
        set_state(store_engine, "star", state)
        with pytest.raises(error) as refused:
            bring(store_engine, tmp_path, "other", range(3), source="star")
        assert (refused.value.status, refused.value.code) == (409, f"source_{state}")
        # Of a file of several sources the lines of the others come in.
        mixed = write(tmp_path / "mixed.jsonl", choice(7, source="star"), choice(7, source=f"not {state}"))
        report = bring_in(store_engine, mixed)
        assert (report.accepted, dict(report.refused)) == (1, {f"source_{state}": 1})
    assert len(rows(store_engine, Import)) == 3  # one that is refused as a whole leaves no row
    assert {row.source for row in rows(store_engine, Record)} == {"star", "not paused", "not withdrawn"}
    set_state(store_engine, "star", "active")
    assert bring(store_engine, tmp_path, "star", range(4)).accepted == 1


def test_a_dataset_takes_nothing_of_it_and_counts_what_it_leaves_out(store_engine, tmp_path):
    bring(store_engine, tmp_path, "star", range(4))
    bring(store_engine, tmp_path, "ours", range(10, 13))
    whole = build(store_engine, tmp_path)
    set_state(store_engine, "star", "paused")
    left = build(store_engine, tmp_path)
    assert (whole.counts["choices"]["all"], left.counts["choices"]["all"]) == (7, 3)
    assert (whole.refusals, left.refusals) == ({}, {"source_paused": 4})
    set_state(store_engine, "star", "withdrawn")
    assert build(store_engine, tmp_path).refusals == {"source_withdrawn": 4}
    set_state(store_engine, "ours", "paused")
    with pytest.raises(NothingSelected):
        build(store_engine, tmp_path)
    set_state(store_engine, "star", "active")
    set_state(store_engine, "ours", "active")
    assert build(store_engine, tmp_path).id == whole.id


def test_what_holds_records_of_a_withdrawn_source_says_so_until_it_is_resumed(sqlite_engine, tmp_path):
    bring(sqlite_engine, tmp_path, "star", range(4))
    dataset = build(sqlite_engine, tmp_path).id
    data_dir = tmp_path / "data"
    card = data_dir / "adapters" / "tuned-20261122-1" / "README.md"
    card.parent.mkdir(parents=True)
    card.write_text(f"# A card\n\n{HEADING}")
    with unit_of_work(sqlite_engine) as session:
        made = {"desk_id": "default", "dataset_id": dataset, "base_id": "b", "manifest_sha256": "f"}
        session.add(Adapter(name="tuned-20261122-1", created_at=START, **made))

    def read_marks():
        refresh_cards(sqlite_engine, data_dir, desk_id="default")
        tracer = Tracer(sqlite_engine, data_dir, "default")
        facts = [
            tracer.find_step(Ref("dataset", dataset)).facts.get("withdrawn"),
            tracer.find_step(Ref("adapter", "tuned-20261122-1")).facts.get("learned_withdrawn"),
        ]
        return [*facts, "a source withdrawn on 2026-11-22" in card.read_text()]

    unmarked = [None, None, False]
    assert read_marks() == unmarked
    set_state(sqlite_engine, "star", "paused")
    assert read_marks() == unmarked
    set_state(sqlite_engine, "star", "withdrawn")
    assert read_marks() == [["star"], ["star"], True]
    set_state(sqlite_engine, "star", "active", reason="they agreed after all")
    assert read_marks() == unmarked
    with read(sqlite_engine) as session:
        history = list_definition_changes(session, desk_id="default", kind="source", key="star")
    assert [(row.what["state"], row.actor, row.reason) for row in history] == [
        (["withdrawn", "active"], "ann", "they agreed after all"),
        (["paused", "withdrawn"], "ann", "the customer asked"),
        (["active", "paused"], "ann", "the customer asked"),
    ]


def test_what_people_do_here_is_never_paused_away(store_engine):
    for name in ("live", "duel", "label"):
        with pytest.raises(SourceOwn):
            set_state(store_engine, name, "paused")
    with pytest.raises(NotFound):
        set_state(store_engine, "star", "paused")


def test_a_withdrawal_is_undone_by_resuming_alone_and_saying_it_twice_is_once(store_engine, tmp_path):
    bring(store_engine, tmp_path, "star", range(1))
    set_state(store_engine, "star", "withdrawn")
    set_state(store_engine, "star", "withdrawn")
    with pytest.raises(SourceState):
        set_state(store_engine, "star", "paused")
    with read(store_engine) as session:
        assert hold_source(session, desk_id="default", name="star").state == "withdrawn"
        assert len(list_definition_changes(session, desk_id="default", kind="source")) == 1


def test_a_source_knows_when_it_was_withdrawn_however_often_it_is_described_since(store_engine, tmp_path):
    bring(store_engine, tmp_path, "star", range(1))
    set_state(store_engine, "star", "paused")
    set_state(store_engine, "star", "withdrawn")
    with unit_of_work(store_engine) as session:
        for number in range(101):
            values = {"note": f"note {number}"}
            later = {"actor": "ann", "now": START + timedelta(hours=number + 1)}
            describe_source(session, desk_id="default", name="star", values=values, **later)
    with read(store_engine) as session:
        assert read_withdrawn(session, desk_id="default") == {"star": START}
