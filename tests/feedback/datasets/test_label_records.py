"""What settled items came to as training data: in their split, weighed by who labelled, counted once."""

from collections import Counter

import pytest

from feedback.datasets.build import Selection, build_dataset, read_dataset_manifest, read_split
from feedback.datasets.duplicates_report import read_duplicates_report
from feedback.records.redact import open_redactor
from feedback.records.split import split_of
from feedback.store.engine import unit_of_work
from feedback.store.records import add_records
from feedback.store.tables import Turn
from tests.clock import FrozenClock
from tests.databases import START
from tests.feedback.chain import record
from tests.feedback.desk import put_set
from tests.feedback.labelling.settled import (
    ASKED,
    NO,
    YES,
    come_to,
    put_item,
    put_task,
    rate_labeller,
    settle,
)

ONE = {"reply": YES}
BETTER = "Yes, within 30 days, and we pay for the parcel."
OTHERS = ("Please read our page.", "We cannot say.")


def build(engine, data_dir, **selection):
    clock, asked = FrozenClock(START), Selection(**selection)
    return build_dataset(engine, data_dir=data_dir, clock=clock, selection=asked)


def read(info, kind):
    return [row for split in ("train", "validation", "test") for row in read_split(info.path, kind, split)]


def put_all(engine):
    """One item of each kind that trains, in four conversations."""
    text = {"rewrite": BETTER}
    said = {
        "compare": ({"a": YES, "b": NO}, {"side": "a"}),
        "pick": ({"replies": [YES, NO, OTHERS[0]]}, {"picked": [0, 2]}),
        "rate": (ONE, {"score": 2}),
        "rewrite": (ONE, {"unchanged": False}),
    }
    ids = {}
    for kind, (shown, value) in said.items():
        item = put_item(engine, put_task(engine, kind), shown=shown, conversation=f"c-{kind}")
        settle(engine, item, value, text=text.get(kind))
        ids[kind] = item
    return ids


def test_outcomes_are_in_the_files_under_the_source_label(store_engine, tmp_path):
    ids = put_all(store_engine)
    info = build(store_engine, tmp_path)
    choices = {row["id"]: (row["kind"], row["picked"], row["source"]) for row in read(info, "choices")}
    assert choices == {ids["compare"]: ("pick", [0], "label"), ids["pick"]: ("tie", [0, 2], "label")}
    (thumb,) = read(info, "thumbs")
    assert (thumb["id"], thumb["label"], thumb["group"]) == (ids["rate"], False, "c-rate")
    (pair,) = [row for row in read(info, "pairs") if row["kind"] == "pair"]
    sides = [pair[name][0]["content"] for name in ("chosen", "rejected")]
    assert (pair["id"], sides) == (ids["rewrite"], [BETTER, YES])
    assert {row["split"] for row in (thumb, pair)} <= {"train", "validation", "test"}
    assert info.counts["sources"]["label"]["all"] == 4 and info.counts["agents"] == 0
    assert read_dataset_manifest(info.path)["refusals"] == {}


@pytest.mark.parametrize(("sources", "count"), [((), 4), (("label",), 4), (("live", "label"), 4)])
def test_labels_are_a_source_by_name(sqlite_engine, tmp_path, sources, count):
    put_all(sqlite_engine)
    assert build(sqlite_engine, tmp_path, sources=sources).counts["sources"]["label"]["all"] == count


def test_a_label_of_a_held_out_conversation_stays_held_out(store_engine, tmp_path):
    task = put_task(store_engine)
    for number in range(30):
        item = put_item(store_engine, task, position=number + 1, conversation=f"c{number}")
        settle(store_engine, item, {"side": "a"})
    info = build(store_engine, tmp_path)
    found = {row["conversation"]: row["split"] for row in read(info, "choices")}
    assert found and found == {talk: split_of(talk) for talk in found}


def test_the_evidence_of_unsure_labellers_weighs_less(store_engine, tmp_path):
    """0.6 of 40 labels: (0.6 - 1/4) / (0.9 - 1/4) = 0.538462; the other item is by people nobody knows."""
    rate_labeller(store_engine, "ann", 0.6)
    rate_labeller(store_engine, "ben", 0.6)
    rate_labeller(store_engine, "kim", 0.1, items=19)
    task = put_task(store_engine)
    unsure = put_item(store_engine, task, conversation="c1")
    settle(store_engine, unsure, {"side": "a"})
    new = put_item(store_engine, task, position=2, conversation="c2", shown={"a": OTHERS[0], "b": OTHERS[1]})
    settle(store_engine, new, {"side": "a"}, labellers=("kim", "eva"))
    weights = {row["id"]: row["weight"] for row in read(build(store_engine, tmp_path), "choices")}
    assert weights == {unsure: 0.538462, new: 1.0}


def put_judged_set(desk, texts):
    """A set of a live conversation that an agent has judged for the first card, and the conversation."""
    opened = desk.open(ASKED)
    with unit_of_work(desk.engine) as session:
        talk = session.get_one(Turn, opened["turn_id"]).conversation_id
    messages = [{"role": "user", "content": ASKED}]
    set_id = put_set(desk.engine, opened["turn_id"], texts=texts, messages=messages)
    shown = desk.get(f"/v1/turns/{opened['turn_id']}/suggestions", "agent").json
    desk.pick(shown)
    return set_id, talk


def label_set(desk, set_id, talk, value, kind="compare", position=1, shown=None):
    item = put_item(
        desk.engine,
        put_task(desk.engine, kind),
        position=position,
        shown=shown or {"a": YES, "b": NO},
        conversation=talk,
        conversation_id=talk,
        subject=("set", set_id),
    )
    settle(desk.engine, item, value)
    return item


def test_a_label_that_says_what_the_judgement_said_counts_once(desk, tmp_path):
    texts = (YES, NO, *OTHERS)
    set_id, talk = put_judged_set(desk, texts)
    label_set(desk, set_id, talk, {"side": "a"})
    label_set(desk, set_id, talk, {"picked": [0]}, "pick", shown={"replies": list(texts)})
    info = build(desk.engine, tmp_path)
    assert [row["source"] for row in read(info, "choices")] == ["live"] and info.refusals == {"copy": 2}
    (copies,) = read_duplicates_report(info.path).copies
    assert (copies.kept, copies.refused, copies.records) == ("live", "label", 2)


def test_a_label_that_says_something_else_stays_and_is_a_contradiction(desk, tmp_path):
    set_id, talk = put_judged_set(desk, (YES, NO, *OTHERS))
    other = label_set(desk, set_id, talk, {"side": "b"})
    among = label_set(desk, set_id, talk, {"side": "a"}, shown={"a": OTHERS[0], "b": OTHERS[1]})
    info = build(desk.engine, tmp_path)
    found = Counter(row["source"] for row in read(info, "choices"))
    assert found == {"live": 1, "label": 2} and {other, among} <= {row["id"] for row in read(info, "choices")}
    assert read_duplicates_report(info.path).contradictions == 1


def test_the_same_words_in_another_conversation_are_evidence(desk, tmp_path):
    put_judged_set(desk, (YES, NO, *OTHERS))
    label_set(desk, "another", "another talk", {"side": "a"})
    info = build(desk.engine, tmp_path)
    assert Counter(row["source"] for row in read(info, "choices")) == {"live": 1, "label": 1}


@pytest.mark.parametrize("annotator", [None, "zoe"])
def test_a_label_that_agrees_with_its_imported_record_counts_once(store_engine, tmp_path, annotator):
    body = {
        "prompt": [{"role": "user", "content": ASKED}],
        "candidates": [{"text": YES}, {"text": NO}, {"text": OTHERS[0]}],
        "picked": [0],
        "annotator": annotator,
    }
    with unit_of_work(store_engine) as session:
        add_records(session, rows=[record("star", "one", body=body, at=START)])
    about = {"conversation": "star-1", "subject": ("record", 1)}
    agreeing = put_item(store_engine, put_task(store_engine), **about)
    settle(store_engine, agreeing, {"side": "a"})
    info = build(store_engine, tmp_path)
    assert [row["source"] for row in read(info, "choices")] == ["star"] and info.refusals == {"copy": 1}
    come_to(store_engine, agreeing, {"side": "b"})
    assert Counter(row["source"] for row in read(build(store_engine, tmp_path), "choices")) == {
        "star": 1,
        "label": 1,
    }


def test_two_tasks_that_came_to_the_same_count_once(store_engine, tmp_path):
    for _ in range(2):
        settle(store_engine, put_item(store_engine, put_task(store_engine)), {"side": "a"})
    info = build(store_engine, tmp_path)
    assert len(read(info, "choices")) == 1 and info.refusals == {"copy": 1}


def test_personal_data_does_not_hide_that_both_say_the_same(desk, tmp_path):
    """People are shown surrogates, so the texts of the set and of the item are not equal as they stand."""
    asked = "I am at +49 171 2345678, call me"
    opened = desk.open(asked)
    with unit_of_work(desk.engine) as session:
        talk = session.get_one(Turn, opened["turn_id"]).conversation_id
    messages, texts = [{"role": "user", "content": asked}], (YES, NO, *OTHERS)
    set_id = put_set(desk.engine, opened["turn_id"], texts=texts, messages=messages)
    desk.pick(desk.get(f"/v1/turns/{opened['turn_id']}/suggestions", "agent").json)
    hidden = open_redactor(tmp_path).redact(asked, talk)
    assert hidden != asked
    shown = {"messages": [{"role": "user", "content": hidden}], "a": YES, "b": NO}
    label_set(desk, set_id, talk, {"side": "a"}, shown=shown)
    assert build(desk.engine, tmp_path).refusals == {"copy": 1}
