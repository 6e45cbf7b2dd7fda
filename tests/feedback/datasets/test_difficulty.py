"""Records by how hard they are for the base: quarters by language, worked out by hand."""

import sqlite3

import pytest

from feedback.datasets.build import Selection, build_dataset, read_dataset_manifest, read_split
from feedback.datasets.difficulty import difficulty_key
from feedback.datasets.errors import DifficultyUnknown, NothingSelected
from tests.feedback.formats.files import CLOCK, bring_in, choice, write

BASE = "b" * 64
NATS = {("en", number): float(number) for number in range(1, 9)} | {("zh-CN", 1): 9.0, ("zh", 2): 5.0}


def name(language, number):
    return f"{language}{number}-1"


@pytest.fixture
def engine(sqlite_engine, tmp_path):
    """Eight choices in English with 1 to 8 nats a token, two in Chinese, and one that no run has read."""
    lines = [choice(0, id=name(*key), language=key[0]) for key in NATS]
    bring_in(sqlite_engine, write(tmp_path / "c.jsonl", *lines, choice(0, id="new-1")))
    return sqlite_engine


@pytest.fixture
def noted(tmp_path):
    with sqlite3.connect(tmp_path / "reference.db") as connection:
        connection.execute("CREATE TABLE difficulty (record BLOB PRIMARY KEY, base TEXT, nats REAL)")
        rows = [(difficulty_key("choices", "test", name(*key)), BASE, nats) for key, nats in NATS.items()]
        connection.executemany("INSERT INTO difficulty VALUES (?, ?, ?)", rows)
    connection.close()


def build(engine, tmp_path, **selection):
    return build_dataset(engine, data_dir=tmp_path, clock=CLOCK, selection=Selection(**selection))


def ids(info):
    splits = ("train", "validation", "test")
    return sorted(row["id"] for split in splits for row in read_split(info.path, "choices", split))


def test_quarters_are_of_each_language_and_what_is_not_known_is_refused(engine, noted, tmp_path):
    hard = build(engine, tmp_path, difficulty=(3, 4))
    # In English the quarters end at 2.75, 4.5 and 6.25; in Chinese at 6, 7 and 8.
    assert ids(hard) == ["en5-1", "en6-1", "en7-1", "en8-1", "zh-CN1-1"]
    assert hard.refusals == {"no_difficulty": 1}
    assert ids(build(engine, tmp_path, difficulty=(1,))) == ["en1-1", "en2-1", "zh2-1"]
    assert ids(build(engine, tmp_path, difficulty=(2,), languages=("en",))) == ["en3-1", "en4-1"]
    manifest = read_dataset_manifest(hard.path)
    assert manifest["selection"]["difficulty"] == [3, 4]
    bounds = {"en": [2.75, 4.5, 6.25], "zh": [6.0, 7.0, 8.0]}
    assert manifest["difficulty"] == {"base": BASE, "bounds": bounds}
    assert Selection.from_json(manifest["selection"]) == Selection(difficulty=(3, 4))
    with pytest.raises(NothingSelected):
        build(engine, tmp_path, difficulty=(2,), languages=("zh",))


def test_before_any_run_the_fault_says_what_to_do(engine, tmp_path):
    with pytest.raises(DifficultyUnknown, match="rejoinder train --now"):
        build(engine, tmp_path, difficulty=(4,))
    (tmp_path / "reference.db").write_bytes(b"no database")
    with pytest.raises(DifficultyUnknown):
        build(engine, tmp_path, difficulty=(4,))
    assert "difficulty" not in read_dataset_manifest(build(engine, tmp_path).path)
