"""The grade of a source: worked out by hand, explained in a sentence, and felt by a dataset."""

import pytest

from feedback.datasets.build import Selection, build_dataset, read_dataset_manifest, read_split
from feedback.erasure.undo import undo_import
from feedback.sources.grade import SourceCounts, explain_grade, grade_source
from feedback.store.definition_changes import list_definition_changes
from feedback.store.engine import read, unit_of_work
from feedback.store.sources import SourceOwn, override_grade, read_grades
from tests.databases import START
from tests.feedback.formats.files import CLOCK, bring_in, choice, thumb, write

CHECKED = "nobody has checked a sample, so it is at most B."


@pytest.mark.parametrize(
    ("counts", "grade", "quality"),
    [
        ({"accepted": 29}, None, None),
        ({"accepted": 30}, "B", 1.0),  # A by its figures, which nobody has checked
        ({"accepted": 15, "refused": 15, "usable": 15, "usable_of": 15}, "C", 0.5),  # one part alone
        ({"accepted": 45, "refused": 35, "usable": 45, "usable_of": 45}, "B", 0.75),  # root of 45/80
        ({"accepted": 44, "refused": 36, "usable": 44, "usable_of": 44}, "C", 0.7416),
        ({"accepted": 30, "refused": 270, "usable": 30, "usable_of": 30}, "D", 0.3162),
        ({"accepted": 90, "usable": 57, "usable_of": 90}, "B", 0.7958),
        ({"accepted": 90, "usable": 0, "usable_of": 90}, "D", 0.1),
    ],
)
def test_a_grade_is_the_geometric_mean_of_the_parts_that_have_thirty_cases(counts, grade, quality):
    found = grade_source(SourceCounts(**counts))
    assert (found.computed, found.in_force, found.quality) == (grade, grade, quality)


def test_a_sentence_says_why():
    counts = SourceCounts(accepted=1999, refused=1, usable=90, usable_of=100)
    assert explain_grade(grade_source(counts)) == (
        f"99.9 % of 2000 lines were accepted; 90 % of 100 records can be learned from; {CHECKED}"
    )
    poor = SourceCounts(accepted=40, refused=60)
    assert explain_grade(grade_source(poor)) == "40 % of 100 lines were accepted."
    assert explain_grade(grade_source(SourceCounts())).startswith("No grade yet: it needs 30 lines")
    given = grade_source(counts, "D")
    assert (given.computed, given.given, given.in_force) == ("B", "D", "D")


def bring_poor(engine, tmp_path):
    """A source with 31 records and 60 lines that are none, read twice; and a good one."""
    poor = [choice(number, source="poor") for number in range(30)]
    broken = [{"id": f"x{number}", "source": "poor"} for number in range(60)]
    bring_in(engine, write(tmp_path / "poor.jsonl", *poor, *broken), source="poor")
    bring_in(engine, write(tmp_path / "again.jsonl", *poor, *broken), source="poor")
    bring_in(engine, write(tmp_path / "ups.jsonl", thumb(1, source="poor")), "thumbs")
    bring_in(engine, write(tmp_path / "fine.jsonl", *(choice(n, source="fine") for n in range(40, 80))))


def build(engine, tmp_path, **options):
    return build_dataset(engine, data_dir=tmp_path / "data", clock=CLOCK, **options)


def weigh(info, source, kind="choices"):
    """The weights of a source's records, which are all equal."""
    found = (row for split in ("train", "validation", "test") for row in read_split(info.path, kind, split))
    return {row["weight"] for row in found if row["source"] == source}


def give(engine, name, grade, reason="read 50 of them"):
    with unit_of_work(engine) as session:
        told = {"actor": "ann", "reason": reason, "now": START}
        override_grade(session, desk_id="default", name=name, grade=grade, **told)


def test_a_dataset_weighs_a_poor_source_less_and_leaves_a_bad_one_out(store_engine, tmp_path):
    bring_poor(store_engine, tmp_path)
    with read(store_engine) as session:
        grades = read_grades(session, desk_id="default")
    assert {name: (grade.in_force, dict(grade.parts)) for name, grade in grades.items()} == {
        "fine": ("B", {"accepted": (40, 40), "usable": (40, 40)}),
        "poor": ("C", {"accepted": (61, 181), "usable": (31, 31)}),
    }
    first = build(store_engine, tmp_path)
    (fine,), (poor,) = weigh(first, "fine"), weigh(first, "poor")
    assert poor == pytest.approx(fine / 2, abs=1e-6)
    assert weigh(first, "poor", "thumbs") == {0.15}
    assert read_dataset_manifest(first.path)["grades"] == {"fine": "B", "poor": "C"}
    give(store_engine, "poor", "D")
    left = build(store_engine, tmp_path)
    assert (left.counts["choices"]["all"], left.refusals) == (40, {"source_grade": 31})
    assert read_dataset_manifest(left.path)["grades"] == {"fine": "B"}
    named = build(store_engine, tmp_path, selection=Selection(sources=("poor", "fine")))
    assert named.id == first.id  # D weighs like C where somebody names it
    give(store_engine, "poor", "A", "we mended the export")
    assert weigh(build(store_engine, tmp_path), "poor", "thumbs") == {0.3}
    give(store_engine, "poor", None, "it was another export")
    assert build(store_engine, tmp_path).id == first.id
    with read(store_engine) as session:
        assert [
            (row.what["grade_override"], row.reason)
            for row in list_definition_changes(session, desk_id="default", kind="source", key="poor")
        ] == [
            (["A", None], "it was another export"),
            (["D", "A"], "we mended the export"),
            ([None, "D"], "read 50 of them"),
        ]


def test_what_people_do_here_has_no_grade(store_engine):
    with read(store_engine) as session:
        assert read_grades(session, desk_id="default") == {}
    with pytest.raises(SourceOwn):
        give(store_engine, "live", "D")


def test_an_import_that_was_undone_counts_for_no_grade(store_engine, tmp_path):
    bad = [{"id": f"x{number}"} for number in range(40)]
    report = bring_in(store_engine, write(tmp_path / "bad.jsonl", choice(1), *bad), source="tickets")
    with read(store_engine) as session:
        assert read_grades(session, desk_id="default")["tickets"].in_force == "D"
    undo_import(
        store_engine, start=report.import_id, desk_id="default", data_dir=tmp_path / "data", clock=CLOCK
    )
    with read(store_engine) as session:
        assert read_grades(session, desk_id="default")["tickets"].in_force is None


def test_a_choice_whose_replies_say_the_same_is_accepted_and_not_usable(sqlite_engine, tmp_path):
    said = "Your parcel has left our warehouse today and will be with you on Friday morning"
    close = [{"text": f"{said}."}, {"text": f"{said}!"}]
    lines = [choice(number, candidates=close) for number in range(10)]
    bring_in(
        sqlite_engine, write(tmp_path / "c.jsonl", *lines, *(choice(n) for n in range(10, 40))), source="ours"
    )
    with read(sqlite_engine) as session:
        grade = read_grades(session, desk_id="default")["ours"]
    assert dict(grade.parts) == {"accepted": (40, 40), "usable": (30, 40)}
    assert grade.quality == 0.866  # root of 3/4
