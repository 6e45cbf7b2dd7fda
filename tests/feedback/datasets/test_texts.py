"""What people wrote in imported conversations, as a fourth file of a dataset: by hand on a small import."""

import json

import pytest
from sqlmodel import select

from feedback.clock import SystemClock
from feedback.datasets.build import Selection, build_dataset, read_split
from feedback.datasets.check import check_dataset
from feedback.datasets.errors import NothingSelected
from feedback.datasets.members import read_members
from feedback.datasets.movements import diff_datasets
from feedback.erasure.files import find_holders
from feedback.erasure.undo import undo_import
from feedback.errors import NotFound
from feedback.exports.files import Export
from feedback.exports.own import OWN_LINES
from feedback.exports.records import open_for_export
from feedback.lineage.graph import Ref
from feedback.lineage.steps import Tracer
from feedback.records.split import split_of
from feedback.store.engine import read, unit_of_work
from feedback.store.erasures import find_conversation, list_members
from feedback.store.sources import change_source_state
from feedback.store.tables import Message
from tests.feedback.builders import DESK
from tests.feedback.formats.files import CLOCK, bring_in, choice, write

SPLITS = ("train", "validation", "test")


def name_in(split, start="talk"):
    """A conversation that lies in this split."""
    return next(name for number in range(1000) if split_of(name := f"{start}{number}") == split)


def say(*turns):
    return [{"role": role, "text": text} for role, text in turns]


TRAIN, OTHER, TEST = name_in("train"), name_in("train", "more"), name_in("test")
ASKED = "My parcel 4711 has not come, though you said it would be here on Monday"
TALK = {
    "id": TRAIN,
    "source": "zendesk",
    "language": "en",
    "tags": ["delivery"],
    "customer_details": ["Ann Example"],
    "turns": say(
        ("customer", ASKED),
        ("agent", "I am sorry, Ann Example."),
        ("agent", "It leaves today."),
        ("customer", "Thanks"),
        ("bot", "How did we do?"),
    ),
}
BY_BOT = {"id": OTHER, "source": "zendesk", "turns": say(("customer", "Are you there?"), ("bot", "Always."))}


def bring(engine, tmp_path, *lines, kind="conversations"):
    path = write(tmp_path / f"{abs(hash(json.dumps(lines)))}.jsonl", *lines)
    return bring_in(engine, path, kind)


def build(engine, tmp_path, **wanted):
    return build_dataset(engine, data_dir=tmp_path, clock=CLOCK, selection=Selection(**wanted))


def read_all(info):
    return [record for split in SPLITS for record in read_split(info.path, "texts", split)]


def test_the_replies_of_people_are_a_file_of_their_own(store_engine, tmp_path):
    bring(store_engine, tmp_path, TALK, BY_BOT)
    info = build(store_engine, tmp_path)
    (line,) = read_all(info)
    said = line.pop("completion")[0]["content"]
    assert said.startswith("I am sorry, ") and said.endswith("\nIt leaves today.")
    assert "Ann Example" not in said  # the customer's name has become another one
    assert line == {
        "id": f"{TRAIN}/2",
        "group": TRAIN,
        "source": "zendesk",
        "language": "en",
        "tags": ["delivery"],
        "prompt": [{"role": "user", "content": ASKED}],
        "weight": 1.0,
        "split": "train",
    }
    assert info.refusals == {"not_by_person": 2}
    assert info.counts["texts"] == {"train": 1, "validation": 0, "test": 0, "all": 1}
    assert info.counts["sources"]["zendesk"]["all"] == 1 and info.counts["conversations"] == 1
    assert "| texts | 1 | 0 | 0 | 1 |" in (info.path / "README.md").read_text()
    held = read_members(info.path)
    assert held.counts == {"text": 1} and held.find("text", "zendesk", f"{TRAIN}/2") == "train"
    assert check_dataset(info.path) == []


def test_a_dataset_without_texts_is_what_it_was(sqlite_engine, tmp_path):
    bring(sqlite_engine, tmp_path, *(choice(number) for number in range(9)), kind="choices")
    before = build(sqlite_engine, tmp_path)
    bring(sqlite_engine, tmp_path, BY_BOT)
    after = build(sqlite_engine, tmp_path)
    assert after.id == before.id and not after.is_new
    assert not (after.path / "texts.jsonl").exists() and "texts" not in after.counts


def test_conversations_that_say_of_nobody_that_they_wrote_are_no_dataset(sqlite_engine, tmp_path):
    bring(sqlite_engine, tmp_path, BY_BOT)
    with pytest.raises(NothingSelected):
        build(sqlite_engine, tmp_path)


def test_stores_of_any_kind_and_order_give_one_dataset(sqlite_engine, postgres_engine, tmp_path):
    talks = [TALK | {"id": name, "source": source} for name in (TRAIN, OTHER, "Émile") for source in "ab"]
    talks = [talk | {"turns": say(("customer", f"{number} of six?"), ("agent", f"{number}!"))}
             for number, talk in enumerate(talks)]  # fmt: skip
    bring(sqlite_engine, tmp_path, *talks)
    bring(postgres_engine, tmp_path, *reversed(talks))
    one, other = (build(engine, tmp_path / "d") for engine in (sqlite_engine, postgres_engine))
    assert one.id == other.id and one.counts["texts"]["all"] == 6


def test_twins_copies_and_caps_are_those_of_other_records(sqlite_engine, tmp_path):
    question = "Could you please tell me when the blue bicycle that I ordered last week will be delivered"
    asked = say(("customer", question + " to me?"), ("agent", "On Friday."))
    near = say(("customer", question + " to us?"), ("agent", "On Monday."))
    many = [
        turn for number in range(12) for turn in say(("customer", f"And {number}?"), ("agent", f"{number}!"))
    ]
    talks = [("here", TRAIN, asked), ("here", TEST, near), ("there", name_in("test", "twin"), near),
             ("here", OTHER, many)]  # fmt: skip
    bring(sqlite_engine, tmp_path, *({"id": id, "source": of, "turns": turns} for of, id, turns in talks))
    info = build(sqlite_engine, tmp_path)
    # The question in train is nearly one that is held out; one of the two that are held out is a copy.
    assert info.refusals == {"twin_held_out": 1, "copy": 1}
    kept = read_all(info)
    assert [line["group"] for line in kept if line["split"] == "test"] == [TEST]
    weights = [line["weight"] for line in kept if line["group"] == OTHER]
    assert weights == [pytest.approx(5 / 12, abs=1e-6)] * 12  # one conversation counts 5 at most
    lines = (info.path / "texts.jsonl").read_text().splitlines()
    planted = json.loads(lines[-1]) | {"split": "train", "group": TRAIN, "id": "x"}
    (info.path / "texts.jsonl").write_text("\n".join([*lines, json.dumps(planted)]) + "\n")
    assert "file_changed" in {fault.code for fault in check_dataset(info.path)}


def test_a_leak_among_texts_is_found(sqlite_engine, tmp_path):
    bring(sqlite_engine, tmp_path, TALK | {"id": TEST})
    info = build(sqlite_engine, tmp_path)
    (line,) = read_all(info)
    with (info.path / "texts.jsonl").open("a") as file:
        file.write(json.dumps(line | {"split": "train", "group": TRAIN, "id": f"{TRAIN}/2"}) + "\n")
    leak = next(fault for fault in check_dataset(info.path) if fault.code == "leak")
    assert leak.count == 1 and leak.examples[0][0].name == f"texts zendesk/{TRAIN}/2"


GERMAN = {"language": "de", "tags": [], "turns": say(("customer", "Wo?"), ("agent", "Hier."))}


def test_sources_tags_and_languages_select_texts(sqlite_engine, tmp_path):
    bring(sqlite_engine, tmp_path, TALK, TALK | {"id": OTHER, "source": "shop"} | GERMAN)
    names = {"sources": ("shop",), "tags": ("delivery",), "languages": ("de",)}
    picked = [read_all(build(sqlite_engine, tmp_path, **{key: value})) for key, value in names.items()]
    assert [[line["source"] for line in lines] for lines in picked] == [["shop"], ["zendesk"], ["shop"]]
    with pytest.raises(NothingSelected):
        build(sqlite_engine, tmp_path, sources=("live",))


def test_the_texts_of_a_withdrawn_source_leave_and_the_difference_says_why(sqlite_engine, tmp_path):
    bring(sqlite_engine, tmp_path, TALK, TALK | {"id": OTHER, "source": "shop"} | GERMAN)
    told = {"desk_id": DESK, "actor": "ada", "reason": "x", "now": CLOCK.now()}
    whole = build(sqlite_engine, tmp_path)
    with unit_of_work(sqlite_engine) as session:
        change_source_state(session, name="zendesk", state="withdrawn", **told)
    rest = build(sqlite_engine, tmp_path)
    assert [line["source"] for line in read_all(rest)] == ["shop"]
    assert rest.refusals == {"source_withdrawn": 2}
    found = diff_datasets(sqlite_engine, data_dir=tmp_path, desk_id=DESK, old=whole.id, new=rest.id)
    assert (found.kept, found.left.total, dict(found.left.by["form"])) == (1, 1, {"text": 1})
    assert dict(found.left.by["why"]) == {"source_withdrawn": 1}


def test_erasure_and_undo_find_the_datasets_that_hold_a_conversations_texts(sqlite_engine, tmp_path):
    report = bring(sqlite_engine, tmp_path, TALK)
    info = build(sqlite_engine, tmp_path)
    bring(sqlite_engine, tmp_path, TALK | {"id": OTHER, "source": "shop"})
    with read(sqlite_engine) as session:
        for conversation, holders in ((TRAIN, [info.id]), (OTHER, [])):
            subject = find_conversation(session, desk_id=DESK, conversation_id=conversation)
            names = list_members(session, subject=subject)
            assert find_holders(tmp_path, [info.id], names) == holders
    undone = undo_import(
        sqlite_engine, start=report.import_id, desk_id=DESK, data_dir=tmp_path, clock=SystemClock()
    )
    assert undone.datasets == [info.id] and undone.conversations == 1


def test_a_text_leads_from_its_message_to_its_datasets_and_back(store_engine, tmp_path):
    bring(store_engine, tmp_path, TALK, BY_BOT)
    info = build(store_engine, tmp_path)
    tracer = Tracer(store_engine, tmp_path, DESK)
    with read(store_engine) as session:
        said = {row.text: row.id for row in session.exec(select(Message))}
    first = said["I am sorry, Ann Example."]
    text = Ref("text", f"zendesk/{TRAIN}/2")
    step = tracer.find_step(text)
    assert (step.before, step.after) == ((Ref("message", first),), (Ref("dataset", info.id),))
    assert step.facts["splits"] == {info.id: "train"} and step.facts["source"] == "zendesk"
    assert tracer.find_step(Ref("message", first)).after == (text,)
    for other in ("It leaves today.", "How did we do?", "Always."):
        assert tracer.find_step(Ref("message", said[other])).after == ()
    assert text in tracer.find_step(Ref("dataset", info.id)).before
    for unknown in (f"zendesk/{TRAIN}/3", f"zendesk/{OTHER}/2", f"shop/{TRAIN}/2", "zendesk/x"):
        with pytest.raises(NotFound):
            tracer.find_step(Ref("text", unknown))


def test_an_export_says_that_it_holds_no_texts(sqlite_engine, tmp_path):
    bring(sqlite_engine, tmp_path, TALK)
    bring(sqlite_engine, tmp_path, choice(1), kind="choices")
    records = open_for_export(tmp_path, build(sqlite_engine, tmp_path).id, left_out={})
    export = Export(records, OWN_LINES)
    export.survey()
    assert export.report.lost == {"texts": {"whole": 1}} and "texts" not in export.columns
