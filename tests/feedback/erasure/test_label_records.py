"""What people labelled goes with its customer, and with the import that brought it; on both databases."""

import pytest
from sqlmodel import select

from feedback.datasets.build import build_dataset, read_dataset_manifest
from feedback.erasure.undo import undo_import
from feedback.store.engine import read, unit_of_work
from feedback.store.tables import DEFAULT_DESK, Conversation, Dataset, Item, Record
from tests.feedback.desk import make_desk
from tests.feedback.erasure.lives import OTHER, WORD, import_record
from tests.feedback.erasure.traces import find_traces
from tests.feedback.formats.files import CLOCK, bring_in, choice, write
from tests.feedback.labelling.settled import NO, YES, put_item, put_task, settle
from trainer.jobs.erasures import rebuild


@pytest.fixture
def desk(store_engine, tmp_path):
    return make_desk(store_engine, tmp_path)


def label_all(desk):
    """A live conversation and an imported record of each of two customers, all of them labelled."""
    kinds = {
        "compare": ({"a": f"{YES} A {{}}.", "b": NO}, {"side": "a"}),
        "rewrite": ({"reply": f"{NO} {{}}."}, {"unchanged": False}),
        "rate": ({"reply": f"{YES} {{}}."}, {"score": 5}),
        "tag": ({}, {"tags": ["orders"]}),
    }
    tasks = {kind: put_task(desk.engine, kind) for kind in kinds}
    items = {}
    for place, word in enumerate((WORD, OTHER)):
        talk = desk.open(f"A {word}?", customer_id=f"{word}-77")["conversation_id"]
        import_record(desk, word)
        with read(desk.engine) as session:
            row = session.exec(select(Record).where(Record.identity == f"{len(word)}-1")).one()
        subjects = {
            "c": {"conversation": talk, "conversation_id": talk, "subject": ("conversation", talk)},
            "r": {"conversation": row.conversation, "subject": ("record", row.id)},
        }
        for number, (kind, (shown, value)) in enumerate(kinds.items()):
            for step, (name, about) in enumerate(subjects.items()):
                texts = {key: text.format(word) for key, text in shown.items()}
                item = put_item(desk.engine, tasks[kind], position=4 * place + step, shown=texts, **about)
                text = f"We sell the {word} for ever." if kind == "rewrite" else None
                settle(desk.engine, item, value, text=text, reasons=["fine"])
                items[word, kind, name, number] = item
    return items


def test_an_erased_customer_is_in_no_record_of_labels_and_the_other_stays(desk, tmp_path):
    items = label_all(desk)
    info = build_dataset(desk.engine, data_dir=tmp_path, clock=desk.clock)
    assert info.counts["sources"]["label"]["all"] == 12
    answer = desk.post("/v1/erasures", customer_id=f"{WORD}-77")
    assert (answer.json["conversations"], answer.json["records"]) == (1, 1)
    assert find_traces(desk.engine, tmp_path, WORD) == [] != find_traces(desk.engine, tmp_path, OTHER)
    theirs = {item for (word, *_), item in items.items() if word == WORD}
    with read(desk.engine) as session:
        rows = session.exec(select(Record).where(Record.origin_kind == "label")).all()
        states = {row.state for row in session.exec(select(Item)) if row.id in theirs}
        erased = session.get_one(Dataset, info.id)
        assert erased.erased_at is not None and states == {"dropped"}
    told = {(row.identity in theirs, row.rejection, row.pairs > 0 or row.kind == "thumb") for row in rows}
    assert told == {(False, None, True), (True, "erased", False), (True, "erased", True)}
    assert {row.kind for row in rows if row.rejection and (row.pairs or row.settled)} == set()
    (again,) = rebuild(desk.engine, data_dir=tmp_path, clock=desk.clock, desk_id=DEFAULT_DESK).values()
    manifest = read_dataset_manifest(tmp_path / "datasets" / again)
    assert manifest["counts"]["sources"]["label"]["all"] == 6 and manifest["refusals"]["erased"] >= 6


def test_what_was_labelled_of_an_import_goes_when_it_is_undone(store_engine, tmp_path):
    brought = bring_in(store_engine, write(tmp_path / "a.jsonl", choice(1), choice(2)))
    bring_in(store_engine, write(tmp_path / "b.jsonl", choice(3)))
    task = put_task(store_engine)
    with read(store_engine) as session:
        ids = {row.identity: (row.id, row.import_id) for row in session.exec(select(Record))}
    items = {
        name: put_item(store_engine, task, position=id, subject=("record", id))
        for name, (id, _) in ids.items()
    }
    for item in items.values():
        settle(store_engine, item, {"side": "b"})
    undo_import(store_engine, start=brought.import_id, desk_id=DEFAULT_DESK, data_dir=tmp_path, clock=CLOCK)
    with read(store_engine) as session:
        rows = session.exec(select(Record).where(Record.origin_kind == "label")).all()
        told = {row.identity: row.rejection for row in rows}
        states = {row.id: (row.state, row.reason) for row in session.exec(select(Item))}
    is_gone = {items[name]: import_id == brought.import_id for name, (_, import_id) in ids.items()}
    assert told == {item: "import_undone" if gone else None for item, gone in is_gone.items()}
    assert states == {
        item: ("dropped", "import_undone") if gone else ("settled", None) for item, gone in is_gone.items()
    }


def test_a_conversation_that_was_labelled_stays_when_its_import_is_undone(store_engine, tmp_path):
    talks = [
        {
            "id": name,
            "turns": [{"role": "customer", "text": f"Hello {name}"}, {"role": "agent", "text": "Hi"}],
        }
        for name in ("one", "two", "three")
    ]
    brought = bring_in(store_engine, write(tmp_path / "t.jsonl", *talks), kind="conversations")
    with read(store_engine) as session:
        ids = {row.external_id: row.id for row in session.exec(select(Conversation))}
    task = put_task(store_engine, "tag")
    items = {
        name: put_item(store_engine, task, position=n, conversation=ids[name], conversation_id=ids[name])
        for n, name in enumerate(("one", "two"))
    }
    settle(store_engine, items["one"], {"tags": ["orders"]})
    undone = undo_import(
        store_engine, start=brought.import_id, desk_id=DEFAULT_DESK, data_dir=tmp_path, clock=CLOCK
    )
    assert (undone.conversations, undone.kept) == (2, 1)
    with unit_of_work(store_engine) as session:
        assert [row.external_id for row in session.exec(select(Conversation))] == ["one"]
        assert session.get_one(Item, items["two"]).reason == "import_undone"
        assert session.get_one(Item, items["one"]).state == "settled"
