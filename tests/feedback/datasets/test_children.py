"""Made records in a dataset: children of train alone, half a weight, found by lineage beside their parent."""

import pytest
from sqlmodel import select

from feedback.datasets.build import Selection, read_dataset_manifest
from feedback.datasets.check import check_dataset
from feedback.datasets.members import read_members
from feedback.datasets.movements import diff_datasets
from feedback.erasure.erase import ErasureRequest, erase, finish
from feedback.lineage.graph import Ref
from feedback.lineage.steps import Tracer
from feedback.records.weights import WeightInput, WeightRules, weigh_choices
from feedback.store.engine import unit_of_work
from feedback.store.erasures import ErasedSubject
from feedback.store.tables import Record
from tests.databases import START
from tests.feedback.datasets.test_build import all_of, ask, bring, build
from tests.feedback.datasets.test_sifting import talks
from tests.feedback.erasure.traces import find_traces
from tests.feedback.formats.files import CLOCK, choice
from trainer.jobs.erasures import rebuild

BOTH = ("synonym", "order")
# No two of them are alike, and each has a word of the list and two sentences.
TEXTS = (
    "My parcel with the blue lamp arrived very late and the box was open. Who pays for that?",
    "I bought garden chairs in spring whose legs wobble on the terrace every evening. How sad is this!",
    "Somebody returned my umbrella to the wrong branch and forgot a note. Kindly forward it.",
    "The papers for those curtains show another street, and I tried to find out why. Who helps me?",
)


@pytest.fixture
def data(tmp_path):
    return tmp_path / "data"


def bring_talks(engine, tmp_path, *, train=3, others=1, **fields):
    names = [*talks("train", train), *talks("validation", others), *talks("test", others)]
    lines = [
        choice(number, id=f"{name}-1", prompt=ask(TEXTS[number % len(TEXTS)]), **fields)
        for number, name in enumerate(names)
    ]
    bring(engine, tmp_path, *lines)
    return names


def augmented(engine, data, operations=BOTH, **wishes):
    return build(engine, data, selection=Selection(augment=operations, **wishes))


def children_of(info):
    return [record for record in all_of(info, "choices") if "made" in record]


def erase_record(engine, data, identity):
    with unit_of_work(engine) as session:
        row = session.exec(select(Record).where(Record.identity == identity)).one()
        request = ErasureRequest("customer", "ada", "default", data)
        erasure = erase(session, ErasedSubject(records=[row.id]), request, now=START)
    assert finish(engine, erasure.id, data_dir=data, backup_dir=None, clock=CLOCK)


def test_children_of_train_count_half_and_nothing_else_changes(sqlite_engine, tmp_path, data):
    names = bring_talks(sqlite_engine, tmp_path, train=4, others=0)
    plain, info = build(sqlite_engine, data), augmented(sqlite_engine, data)
    assert info.id != plain.id and "augment" not in read_dataset_manifest(plain.path)["selection"]
    children, parents = children_of(info), all_of(plain, "choices")
    assert [child["id"] for child in children] == [
        f"{name}-1~{each}" for name in names for each in sorted(BOTH)
    ]
    assert all_of(info, "choices") == [*parents, *children]
    # Of 4 parents of weight 1 and 8 children of 0.5 the children may have three tenths: 12 / 7 in all.
    assert {round(child["weight"], 4) for child in children} == {round(12 / 7 / 8, 4)}
    assert {pair["weight"] for pair in all_of(info, "pairs") if "~" in pair["id"]} == {children[0]["weight"]}
    assert info.counts["made"] == {
        name: {"train": 4, "validation": 0, "test": 0, "all": 4} for name in sorted(BOTH)
    }
    manifest = read_dataset_manifest(info.path)
    assert (manifest["seed"], manifest["selection"]["augment"]) == (1, ["order", "synonym"])
    assert "| synonym | 4 | 0 | 0 | 4 |" in (info.path / "README.md").read_text()
    assert check_dataset(info.path) == []
    assert augmented(sqlite_engine, tmp_path / "again", BOTH[::-1]).id == info.id
    assert build(sqlite_engine, tmp_path / "third").id == plain.id


def test_what_is_held_out_has_no_children_and_its_twins_keep_none(sqlite_engine, tmp_path, data):
    (held_out,) = talks("test", 1)
    train = talks("train", 2)
    lines = [(held_out, TEXTS[0]), (train[0], TEXTS[0] + "!"), (train[1], TEXTS[1])]
    bring(sqlite_engine, tmp_path, *(choice(1, id=f"{name}-1", prompt=ask(text)) for name, text in lines))
    info = augmented(sqlite_engine, data)
    assert {child["made"]["parent"] for child in children_of(info)} == {f"{train[1]}-1"}
    assert info.refusals == {"twin_held_out": 1}


def test_a_child_like_another_conversation_is_refused_and_counted(sqlite_engine, tmp_path, data):
    """Where two parents are alike, so are their children to the other parent."""
    one, other = talks("train", 2)
    text = "The gate of our garden squeaks since the men arrived on Sunday, and nobody "
    text += "knows who left all of that there, my wife says"
    texts = {one: text, other: f"{text}!"}
    bring(
        sqlite_engine,
        tmp_path,
        *(choice(1, id=f"{name}-1", prompt=ask(text)) for name, text in texts.items()),
    )
    info = augmented(sqlite_engine, data, ("synonym",))
    assert (children_of(info), info.refusals) == ([], {"made_twin": 2})


def test_why_there_is_no_child_is_counted_by_name(sqlite_engine, tmp_path, data):
    names = talks("train", 2)
    texts = ("No word of this is listed", "Well, well. " + TEXTS[0])
    lines = [
        choice(n, id=f"{name}-1", prompt=ask(text))
        for n, (name, text) in enumerate(zip(names, texts, strict=True))
    ]
    bring(sqlite_engine, tmp_path, *lines)
    assert augmented(sqlite_engine, data, ("order",)).refusals == {"made_unchanged": 1}


def test_lineage_leads_from_a_child_to_its_parent_and_back(sqlite_engine, tmp_path, data):
    (name,) = bring_talks(sqlite_engine, tmp_path, train=1, others=0)
    info = augmented(sqlite_engine, data, ("synonym",))
    tracer = Tracer(sqlite_engine, data, "default")
    parent = Ref("choice", f"test/{name}-1")
    child = Ref("choice", f"test/{name}-1~synonym")
    found = tracer.find_step(child)
    assert (found.before, found.after) == ((parent,), (Ref("dataset", info.id),))
    assert (found.facts["operation"], found.facts["seed"]) == ("synonym", 1)
    assert tracer.find_step(parent).after == (child, Ref("dataset", info.id))
    assert child in tracer.find_step(Ref("dataset", info.id)).before


def test_a_difference_says_that_children_were_not_asked_for(store_engine, tmp_path, data):
    bring_talks(store_engine, tmp_path, train=2, others=0)
    plain, info = build(store_engine, data), augmented(store_engine, data, ("synonym",))
    found = diff_datasets(store_engine, data_dir=data, desk_id="default", old=info.id, new=plain.id)
    assert (found.kept, found.left.total, dict(found.left.by["why"])) == (2, 2, {"not_selected": 2})


def test_a_child_is_erased_with_its_parent(sqlite_engine, tmp_path, data):
    names = bring_talks(sqlite_engine, tmp_path, train=2, others=0)
    info = augmented(sqlite_engine, data)
    assert find_traces(sqlite_engine, data, "umbrella") == []
    assert len(find_traces(sqlite_engine, data, "terrace")) > 1
    erase_record(sqlite_engine, data, f"{names[1]}-1")
    assert find_traces(sqlite_engine, data, "terrace") == []
    again = rebuild(sqlite_engine, data_dir=data, clock=CLOCK, desk_id="default")[info.id]
    members = read_members(data / "datasets" / again)
    assert members is not None and members.size == 3
    assert find_traces(sqlite_engine, data, "terrace") == []


def test_the_limits_of_made_weights():
    def said(name, siblings=0):
        return WeightInput("pick", name, None, None, siblings=siblings)

    (train, other) = talks("train", 2)
    (test,) = talks("test", 1)
    free = WeightRules(made_share=0.9)
    assert weigh_choices([said(train), said(train, 1)], free) == [1.0, 0.5]
    assert weigh_choices([said(train), *[said(train, 4)] * 4], free) == [1.0, *[0.25] * 4]
    # 0.5 beside 1 is a third of train; three tenths are 3/7 of what people said there.
    assert weigh_choices([said(train), said(train, 1), said(test)], WeightRules()) == [1.0, 0.428571, 1.0]
    assert weigh_choices([said(train), said(other), said(train, 1)], WeightRules()) == [1.0, 1.0, 0.5]
