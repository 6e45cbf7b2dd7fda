"""From what people labelled to the adapter that learned from it, and back; on both databases."""

from datetime import timedelta
from itertools import pairwise

import pytest
from sqlmodel import select

from feedback.datasets.build import build_dataset
from feedback.errors import NotFound
from feedback.lineage.graph import Ref, walk
from feedback.lineage.steps import Tracer
from feedback.store.engine import unit_of_work
from feedback.store.records import add_records
from feedback.store.tables import Adapter, Label, Record, Run
from tests.clock import FrozenClock
from tests.databases import START
from tests.feedback.builders import BASE_ID, DESK
from tests.feedback.chain import record
from tests.feedback.desk import put_set
from tests.feedback.labelling.settled import ASKED, come_to, put_item, put_label, put_task, settle

NAME = "tuned-20261123-1"


def learn(engine, data_dir):
    """A night on what is there."""
    info = build_dataset(engine, data_dir=data_dir, clock=FrozenClock(START + timedelta(hours=1)))
    at = START + timedelta(hours=2)
    with unit_of_work(engine) as session:
        run = Run(desk_id=DESK, kind="night", slot="1", state="done", dataset_id=info.id, created_at=at)
        session.add(run)
        session.flush()
        made = {"run_id": run.id, "dataset_id": info.id, "base_id": BASE_ID, "manifest_sha256": "f" * 64}
        session.add(Adapter(desk_id=DESK, name=NAME, created_at=at, **made))
    return Ref("dataset", info.id), Ref("run", run.id)


def test_lineage_walks_from_a_set_by_its_label_to_the_adapter_and_back(desk, tmp_path):
    opened = desk.open(ASKED)
    set_id = put_set(desk.engine, opened["turn_id"], messages=[{"role": "user", "content": ASKED}])
    item = put_item(desk.engine, put_task(desk.engine), subject=("set", set_id))
    labels = settle(desk.engine, item, {"side": "a"})
    other = put_label(desk.engine, item, {"side": "b"}, labeller="eva")
    dataset, run = learn(desk.engine, tmp_path)
    find_step = Tracer(desk.engine, tmp_path, DESK).find_step
    way = [Ref("set", set_id), Ref("item", item), Ref("label", labels[1]), Ref("choice", f"label/{item}")]
    way += [dataset, run, Ref("adapter", NAME)]
    for step, follower in pairwise(way):
        assert follower in find_step(step).after and step in find_step(follower).before
    told = find_step(way[1]).facts
    assert [told[name] for name in ("task", "kind", "state", "outcome", "confidence")] == [
        "compares", "compare", "settled", {"side": "a"}, 0.95,
    ]  # fmt: skip
    assert find_step(Ref("label", other)).facts["said"] == {"side": "b"}
    facts = find_step(way[3]).facts
    assert (facts["source"], facts["kind"], facts["conversation"]) == ("label", "pick", "c")
    onwards = walk(find_step, Ref("label", labels[0]), ["after"]).steps
    assert {ref.kind for ref in onwards} >= {"label", "choice", "dataset", "run", "adapter"}
    assert Ref("item", item) in walk(find_step, way[3], ["before"]).steps


@pytest.mark.parametrize(
    ("kind", "form", "value", "text"),
    [
        ("rate", "thumb", {"score": 5}, None),
        ("rewrite", "pair", {"unchanged": False}, "Something else, at length."),
    ],
)
def test_an_imported_record_leads_to_its_items_and_they_to_thumbs_and_pairs(
    store_engine, tmp_path, kind, form, value, text
):
    with unit_of_work(store_engine) as session:
        add_records(session, rows=[record("star", "one")])
        row_id = session.exec(select(Record.id)).one()
    task = put_task(store_engine, kind)
    item = put_item(store_engine, task, shown={"reply": "A bot."}, subject=("record", row_id))
    (label,) = settle(store_engine, item, value, labellers=["ann"], text=text)
    dataset, _ = learn(store_engine, tmp_path)
    find_step = Tracer(store_engine, tmp_path, DESK).find_step
    way = [
        Ref("choice", "star/one"),
        Ref("item", item),
        Ref("label", label),
        Ref(form, f"label/{item}"),
        dataset,
    ]
    for step, follower in pairwise(way):
        assert follower in find_step(step).after and step in find_step(follower).before


def test_what_was_said_of_an_item_is_told_once_it_is_settled(store_engine, tmp_path):
    item = put_item(store_engine, put_task(store_engine))
    label = put_label(store_engine, item, {"side": "a"})
    find_step = Tracer(store_engine, tmp_path, DESK).find_step
    assert find_step(Ref("item", item)).after == () and "outcome" not in find_step(Ref("item", item)).facts
    with pytest.raises(NotFound):
        find_step(Ref("label", label))
    come_to(store_engine, item, {"side": "a"})
    assert find_step(Ref("item", item)).after == (Ref("label", label),)
    come_to(store_engine, item, None)
    step = find_step(Ref("choice", f"label/{item}"))
    assert (step.before, step.facts["refused"]) == ((), "reopened")
    with pytest.raises(NotFound):
        find_step(Ref("label", label))


def test_a_label_that_was_taken_back_says_so(store_engine, tmp_path):
    item = put_item(store_engine, put_task(store_engine))
    ann, ben, _ = settle(store_engine, item, {"side": "a"}, labellers=("ann", "ben", "kim"))
    with unit_of_work(store_engine) as session:
        row = session.get_one(Label, ann)
        kept = row.model_dump(
            include={"desk_id", "task_id", "item_id", "labeller", "role", "guideline_version"}
        )
        session.add(Label(**kept, undoes=ann, occurred_at=START, created_at=START))
    find_step = Tracer(store_engine, tmp_path, DESK).find_step
    assert find_step(Ref("label", ann)).facts["undone"] is True
    assert "undone" not in find_step(Ref("label", ben)).facts
