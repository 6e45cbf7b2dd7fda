"""What a build leaves out, and what it says about it: copies, twins of held-out prompts, contradictions."""

import pytest

from feedback.datasets.build import read_dataset_manifest
from feedback.datasets.duplicates_report import read_duplicates_report
from feedback.datasets.twins import find_leaks
from feedback.erasure.files import remove_datasets
from feedback.records.split import split_of
from feedback.store.engine import unit_of_work
from feedback.store.sources import override_grade
from feedback.store.tables import DEFAULT_DESK
from tests.feedback.datasets.test_build import all_of, ask, bring, build
from tests.feedback.formats.files import CLOCK, choice, thumb

ORDER = "Hello, my order {} has not come and I would like to know when it does."


@pytest.fixture
def data(tmp_path):
    return tmp_path / "data"


def talks(split, count, word="talk"):
    """Names of conversations in a split."""
    names = (f"{word}{number}" for number in range(10_000))
    found = (name for name in names if split_of(name) == split)
    return [name for name, _ in zip(found, range(count), strict=False)]


def asked(conversation, text, **fields):
    return choice(1, id=f"{conversation}-1", prompt=ask(text), **{"annotator": None, **fields})


def pair(id, chosen, rejected, prompt, **fields):
    sides = ([{"role": "assistant", "content": text}] for text in (chosen, rejected))
    return dict(zip(("chosen", "rejected"), sides, strict=True)) | {"id": id, "prompt": ask(prompt), **fields}


def tell(info):
    found = read_duplicates_report(info.path)
    assert found is not None
    return found


def test_pairs_that_choices_imply_are_refused_and_counted_by_source(sqlite_engine, tmp_path, data):
    bring(sqlite_engine, tmp_path, *(asked(f"t{n}", f"Where is {n}?", source="star") for n in range(3)))
    pairs = [
        pair(f"p{n}", "It leaves today.", "No idea at all.", f"Where is {n}?", source="pairs")
        for n in range(4)
    ]
    bring(sqlite_engine, tmp_path, *pairs, kind="pairs")
    info = build(sqlite_engine, data)
    assert info.refusals == {"copy": 3}
    assert [record["id"] for record in all_of(info, "pairs") if record["source"] == "pairs"] == ["p3"]
    assert info.counts["sources"]["pairs"]["all"] == 1
    report = tell(info)
    assert [(line.kept, line.refused, line.records) for line in report.copies] == [("star", "pairs", 3)]
    ((lost,),) = [report.losing]
    assert (lost.source, lost.read, lost.copies, lost.winner) == ("pairs", 4, 3, "star")


@pytest.mark.parametrize(
    ("first", "second", "stays"), [("C", "B", "b"), (None, "B", "b"), ("C", None, "b"), ("B", None, "a")]
)
def test_of_copies_the_one_of_the_better_grade_stays(sqlite_engine, tmp_path, data, first, second, stays):
    bring(sqlite_engine, tmp_path, *(asked("t", "Where is it?", source=source) for source in ("a", "b")))
    (kept,) = all_of(build(sqlite_engine, data), "choices")
    assert kept["source"] == "a"
    with unit_of_work(sqlite_engine) as session:
        for name, grade in (("a", first), ("b", second)):
            said = {"grade": grade, "actor": "ada", "reason": "read 20", "now": CLOCK.now()}
            override_grade(session, desk_id=DEFAULT_DESK, name=name, **said)
    graded = build(sqlite_engine, data)
    (kept,) = all_of(graded, "choices")
    assert kept["source"] == stays
    assert [(line.kept, line.refused) for line in tell(graded).copies] == [
        (stays, "b" if stays == "a" else "a")
    ]


def test_a_twin_of_a_held_out_prompt_is_left_out_of_train_and_counted(sqlite_engine, tmp_path, data):
    train, validation, test = (talks(split, 2) for split in ("train", "validation", "test"))
    bring(
        sqlite_engine,
        tmp_path,
        asked(train[0], ORDER.format(17), tags=["orders", "late"]),
        asked(train[1], "Something else altogether, about a blue jacket that I sent back."),
        asked(validation[0], ORDER.format(4), tags=[]),
        asked(test[0], ORDER.format(99)),
    )
    info = build(sqlite_engine, data)
    assert info.refusals == {"twin_held_out": 2}
    assert sorted(record["conversation"] for record in all_of(info, "choices")) == sorted([train[1], test[0]])
    report = tell(info)
    assert {(line.name, line.split): line.records for line in report.twins_by_source} == {
        ("test", "train"): 1,
        ("test", "validation"): 1,
    }
    assert {(line.name, line.split): line.records for line in report.twins_by_tag} == {
        ("orders", "train"): 1,
        ("late", "train"): 1,
        ("", "validation"): 1,
    }
    assert find_leaks(info.path) == []


def test_a_copy_that_was_refused_is_no_twin(sqlite_engine, tmp_path, data):
    """Else the same evidence would be lost in both splits."""
    (train,), (test,) = talks("train", 1), talks("test", 1)
    bring(sqlite_engine, tmp_path, asked(train, ORDER.format(1), source="a"))
    bring(sqlite_engine, tmp_path, asked(test, ORDER.format(1), source="b"))
    info = build(sqlite_engine, data)
    assert info.refusals == {"copy": 1}
    assert [record["conversation"] for record in all_of(info, "choices")] == [train]


def make_lines():
    """Records of three sources with copies, twins and contradictions among them."""
    names = [name for split in ("train", "validation", "test") for name in talks(split, 8)]
    return [
        asked(
            name,
            ORDER.format(number) if number % 3 else "What about it?",
            source=source,
            picked=[number % 2],
        )
        for number, name in enumerate(names)
        for source in ("a", "b", "c")[: 1 + number % 3]
    ]


@pytest.mark.real
def test_the_order_of_import_and_the_database_make_no_other_dataset(sqlite_engine, postgres_engine, tmp_path):
    lines = make_lines()
    bring(sqlite_engine, tmp_path, *lines)
    for line in reversed(lines):
        bring(postgres_engine, tmp_path, line)
    here, there = build(sqlite_engine, tmp_path / "here"), build(postgres_engine, tmp_path / "there")
    assert here.id == there.id
    assert tell(here) == tell(there)
    assert {"copy", "twin_held_out"} <= set(here.refusals)
    assert tell(here).contradictions > 0
    assert read_dataset_manifest(here.path)["form"] == 2


def test_after_growth_no_record_has_changed_its_split(sqlite_engine, tmp_path, data):
    lines = make_lines()
    bring(sqlite_engine, tmp_path, *lines[::2])
    small = build(sqlite_engine, data)
    bring(sqlite_engine, tmp_path, *lines)
    large = build(sqlite_engine, data)
    before, after = (
        {(record["source"], record["id"]): record["split"] for record in all_of(info, "choices")}
        for info in (small, large)
    )
    assert before and all(after.get(name, split) == split for name, split in before.items())
    assert find_leaks(large.path) == []


def test_near_duplicates_of_different_conversations_weigh_five_in_all(sqlite_engine, tmp_path, data):
    alike = [asked(name, ORDER.format(n)) for n, name in enumerate(talks("train", 20))]
    others = [asked(name, f"What about {name}?") for name in talks("train", 3, "other")]
    for number, line in enumerate(alike):
        line["picked"] = [number % 3]
        line["candidates"] = [{"text": f"{reply['text']} {number}"} for reply in line["candidates"]]
    bring(sqlite_engine, tmp_path, *alike, *others)
    weights = {record["id"]: record["weight"] for record in all_of(build(sqlite_engine, data), "choices")}
    assert sum(weights[line["id"]] for line in alike) == pytest.approx(5.0, abs=1e-4)
    assert [weights[line["id"]] for line in others] == [1.0, 1.0, 1.0]


def test_contradictions_name_their_records(sqlite_engine, tmp_path, data):
    bring(sqlite_engine, tmp_path, asked("one", "Where is it?"), asked("two", "Where is it?", picked=[1]))
    bring(sqlite_engine, tmp_path, thumb(1, True), thumb(2, False), kind="thumbs")
    report = tell(build(sqlite_engine, data))
    assert report.contradictions == 2
    named = sorted(
        sorted((record.form, record.id, record.name) for side in sides for record in side.records)
        for sides in report.listed
    )
    assert [[side.count for side in sides] for sides in report.listed] == [[1, 1], [1, 1]]
    assert named == [
        [("choice", "one-1", "test/one-1"), ("choice", "two-1", "test/two-1")],
        [("thumb", "thumb1-1", "test/thumb1-1"), ("thumb", "thumb2-1", "test/thumb2-1")],
    ]


def test_the_report_goes_with_the_files_of_an_erased_dataset(sqlite_engine, tmp_path, data):
    bring(sqlite_engine, tmp_path, asked("one", "Where is it?"))
    info = build(sqlite_engine, data)
    assert f"datasets/{info.id}/duplicates.json" in remove_datasets(data, [info.id])
    assert read_duplicates_report(info.path) is None
