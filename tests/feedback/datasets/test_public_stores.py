"""The public sets of ../shared/data in one store: the first lines of each, so that it takes seconds.
docs/duplicates.md has the figures of the whole sets.
"""

import gzip
from itertools import islice

import pytest

from feedback.datasets.check import check_dataset
from feedback.datasets.duplicates_report import read_duplicates_report
from feedback.formats.importer import import_file
from feedback.records.redact import KEY_FILE
from feedback.records.split import split_of
from tests.feedback.datasets.test_build import all_of, build
from tests.feedback.formats.files import CLOCK, SHARED

pytestmark = pytest.mark.skipif(
    not SHARED.is_dir(), reason="the shared data files are not beside the repository"
)
FIRST = 200
SETS = (
    "choices_star.jsonl.gz",
    "preferences_star.jsonl.gz",
    "support_dialogues_star.jsonl.gz",
    "preferences_taskmaster.jsonl",
    "feedback_thumbs_taskmaster.jsonl.gz",
    "support_dialogues_taskmaster_coffee.jsonl",
    "support_dialogues_crosswoz_zh.jsonl",
    "support_queries_banking77.jsonl.gz",
    "support_dialogues_multiwoz.jsonl.gz",
    "support_dialogues_dstc11_grounded.jsonl.gz",
    "preferences_oasst_zh.jsonl.gz",
    "general_oasst_zh.jsonl",
    "preferences_hh_harmless.jsonl.gz",
)


@pytest.fixture
def lines():
    found = {}
    for name in SETS:
        with (gzip.open if name.endswith(".gz") else open)(SHARED / name, "rb") as file:
            found[name] = list(islice(file, FIRST))
    return found


def bring_sets(engine, folder, lines, step=1):
    """Imports every record, or every second one, without a kind."""
    for name, own in lines.items():
        path = folder / name.removesuffix(".gz")
        path.write_bytes(b"".join(own[::step]))
        import_file(engine, path, clock=CLOCK)


def read_splits(info):
    """By form, source and id: conversation and split."""
    return {
        (form, record["source"], record["id"]): (
            record["conversation" if form == "choices" else "group"],
            record["split"],
        )
        for form in ("choices", "pairs", "thumbs")
        for record in all_of(info, form)
    }


@pytest.mark.real
def test_public_sets_give_one_dataset_without_leaks_in_any_order(
    sqlite_engine, postgres_engine, tmp_path, lines
):
    """SQLite gets half of each set, a build, and then all; PostgreSQL gets all in the opposite order."""
    here, there = tmp_path / "here", tmp_path / "there"
    bring_sets(sqlite_engine, tmp_path, lines, step=2)
    half = build(sqlite_engine, here)
    bring_sets(sqlite_engine, tmp_path, lines)
    whole = build(sqlite_engine, here)
    there.mkdir()
    (there / KEY_FILE).write_bytes((here / KEY_FILE).read_bytes())
    bring_sets(postgres_engine, tmp_path, dict(reversed(lines.items())))
    opposite = build(postgres_engine, there)

    report = read_duplicates_report(whole.path)
    assert opposite.id == whole.id != half.id
    assert report is not None and report == read_duplicates_report(opposite.path)
    assert check_dataset(half.path) == check_dataset(whole.path) == []
    # 53 of these pairs are named after one of these choices, and 96 of the 1,414 replies in the dialogues say
    # what another one says to the same words
    assert [line.records for line in report.copies if line.refused == "star"] == [53 + 96]
    before, after = read_splits(half), read_splits(whole)
    assert len(before.keys() & after.keys()) > 300
    assert all(after[name] == before[name] for name in before.keys() & after.keys())
    assert all(split == split_of(conversation) for conversation, split in after.values())
