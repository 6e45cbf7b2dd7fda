"""Verdicts of closed duels as training data of a later night, in the split of their conversation."""

from collections import Counter

import pytest

from feedback.datasets.build import build_dataset, read_split
from feedback.datasets.collect import Collector
from feedback.datasets.selection import Selection
from feedback.duels.start import TooFewPrompts
from feedback.errors import NotFound
from feedback.lineage.graph import Ref
from feedback.lineage.steps import Tracer
from feedback.records.redact import open_redactor
from feedback.records.split import split_of
from feedback.store.engine import unit_of_work
from feedback.store.tables import Adapter, Dataset
from tests.clock import FrozenClock
from tests.feedback.builders import BASE_ID, DESK
from tests.feedback.duels.duel_desk import (
    ADAPTER,
    RIVAL,
    STARTED,
    add_prompt,
    close,
    list_items,
    put_duel,
    start,
    take_back,
)
from tests.feedback.duels.duel_desk import judge as judge_round


def judge_all(store, duel_id, *sides, judge="eva"):
    return [judge_round(store, duel_id, number, side, judge) for number, side in enumerate(sides, start=1)]


def collect(store, data_dir, **selection):
    refusals = Counter()
    collector = Collector(store, DESK, Selection(**selection), STARTED, open_redactor(data_dir), refusals)
    return [item.record for item in collector.collect_choices()], refusals


def test_a_verdict_is_a_choice_of_two_in_its_own_conversation(store_engine, tmp_path):
    duel_id, conversations = put_duel(store_engine, tmp_path, adapter_on="abab")
    ids = judge_all(store_engine, duel_id, "a", "a", "tie", "both_bad")
    close(store_engine, duel_id)
    records, refusals = collect(store_engine, tmp_path)
    assert refusals == {"none": 1, "tie_of_all": 1}
    assert {record["id"] for record in records} == set(ids[:2])
    by_id = {record["id"]: record for record in records}
    first, second = by_id[ids[0]], by_id[ids[1]]
    assert (first["source"], first["kind"], first["picked"], first["annotator"]) == (
        "duel",
        "pick",
        [0],
        "eva",
    )
    assert (first["conversation"], second["conversation"]) == tuple(conversations[:2])
    assert first["candidates"] == [
        {"text": "Left answer 1.", "arm": "tuned", "adapter": ADAPTER, "token_ids": [3]},
        {"text": "Quite another right one, number 1.", "arm": "base", "token_ids": [4]},
    ]
    assert [reply["arm"] for reply in second["candidates"]] == ["base", "tuned"]
    assert (first["dwell_ms"], first["base_id"], first["prompt_token_ids"]) == (5000, BASE_ID, [1, 2])


def test_lineage_finds_the_choice_of_a_verdict_and_its_dataset(store_engine, tmp_path):
    duel_id, conversations = put_duel(store_engine, tmp_path)
    (verdict,) = judge_all(store_engine, duel_id, "a")
    tracer = Tracer(store_engine, tmp_path, DESK)
    ref = Ref("choice", f"duel/{verdict}")
    with pytest.raises(NotFound):
        tracer.find_step(ref)  # a verdict of an open duel is no choice yet
    close(store_engine, duel_id)
    built = build_dataset(store_engine, data_dir=tmp_path, clock=FrozenClock(STARTED))
    step = tracer.find_step(ref)
    told = [step.facts[name] for name in ("source", "conversation", "kind", "picked")]
    assert told == ["duel", conversations[0], "pick", [0]]
    assert (step.before, step.after) == ((Ref("verdict", verdict),), (Ref("dataset", built.id),))
    assert tracer.find_step(Ref("dataset", built.id)).before == (ref,)


def test_only_closed_duels_and_active_verdicts_train(store_engine, tmp_path):
    duel_id, _ = put_duel(store_engine, tmp_path)
    ids = judge_all(store_engine, duel_id, "a", "b")
    take_back(store_engine, ids[0])
    assert collect(store_engine, tmp_path) == ([], {})
    close(store_engine, duel_id)
    records, refusals = collect(store_engine, tmp_path)
    assert [record["id"] for record in records] == [ids[1]] and refusals == {"undone": 1}


@pytest.mark.parametrize(
    ("sources", "count"), [((), 1), (("duel",), 1), (("live",), 0), (("live", "duel"), 1), (("shop",), 0)]
)
def test_duels_are_a_source_by_name(sqlite_engine, tmp_path, sources, count):
    duel_id, _ = put_duel(sqlite_engine, tmp_path)
    judge_all(sqlite_engine, duel_id, "a")
    close(sqlite_engine, duel_id)
    records, _ = collect(sqlite_engine, tmp_path, sources=sources)
    assert len(records) == count


def test_two_judges_of_a_round_are_two_choices_of_one_conversation(sqlite_engine, tmp_path):
    duel_id, conversations = put_duel(sqlite_engine, tmp_path)
    judge_all(sqlite_engine, duel_id, "a")
    judge_all(sqlite_engine, duel_id, "b", judge="ada")
    close(sqlite_engine, duel_id)
    records, _ = collect(sqlite_engine, tmp_path)
    assert sorted((record["annotator"], record["picked"]) for record in records) == [
        ("ada", [1]),
        ("eva", [0]),
    ]
    assert {record["conversation"] for record in records} == {conversations[0]}


def test_what_a_verdict_trained_is_never_tested_on_it(store_engine, tmp_path):
    """The whole way: a duel is judged, its verdicts become a dataset, an adapter comes of it, and its own
    duel may take only what this adapter did not learn: prompts of the test split, and new ones.
    """
    duel_id, conversations = put_duel(store_engine, tmp_path, states="r" * 40, adapter_on="ab" * 20)
    judge_all(store_engine, duel_id, *["a", "b"] * 20)
    close(store_engine, duel_id)
    built = build_dataset(store_engine, data_dir=tmp_path, clock=FrozenClock(STARTED))
    with unit_of_work(store_engine) as session:
        assert session.get_one(Dataset, built.id).created_at == STARTED
        session.add(
            Adapter(
                name=RIVAL,
                desk_id=DESK,
                dataset_id=built.id,
                base_id=BASE_ID,
                manifest_sha256="f" * 64,
                created_at=STARTED,
            )
        )
    splits = {conversation: split_of(conversation) for conversation in conversations}
    for split in ("train", "validation", "test"):
        found = {record["conversation"] for record in read_split(built.path, "choices", split)}
        assert found == {conversation for conversation in conversations if splits[conversation] == split}
    held_out = {conversation for conversation in conversations if splits[conversation] == "test"}
    new = add_prompt(store_engine, "Something new?", arrived=STARTED.replace(year=2027))
    with pytest.raises(TooFewPrompts):
        start(store_engine, tmp_path, wanted=len(held_out) + 2, adapter=RIVAL)
    duel = start(store_engine, tmp_path, wanted=len(held_out) + 1, adapter=RIVAL, event_id="e2")
    rows = list_items(store_engine, duel.id)
    assert {row.conversation_id for row in rows} == held_out | {new}
    assert {row.conversation_id: row.hidden["origin"] for row in rows} == dict.fromkeys(held_out, "test") | {
        new: "later"
    }
