"""What `dataset check` finds: changed files, a foreign manifest, a conversation in two splits, leaks."""

import json
from pathlib import Path

import pytest

from feedback.canonical import canonical_hash
from feedback.datasets.build import build_dataset
from feedback.datasets.check import check_dataset, hash_file
from feedback.datasets.errors import DatasetMissing
from feedback.datasets.manifest import read_dataset_manifest, write_dataset_manifest
from feedback.records.split import split_of
from tests.feedback.formats.files import CLOCK, bring_in, choice, write

LONG = "Where is the parcel with the red bicycle that I ordered for my daughter last week, please?"


@pytest.fixture
def built(sqlite_engine, tmp_path):
    bring_in(sqlite_engine, write(tmp_path / "c.jsonl", *(choice(number) for number in range(12))))
    return build_dataset(sqlite_engine, data_dir=tmp_path, clock=CLOCK).path


def seal(path: Path, **files: list[dict[str, object]]) -> None:
    """Writes these lines and a manifest that fits, as an earlier version would have built them."""
    for name, lines in files.items():
        (path / f"{name}.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    hashes = {name: hash_file(path / f"{name}.jsonl") for name in ("choices", "pairs", "thumbs")}
    told = {"id": canonical_hash({"form": 1, "files": hashes}), "form": 1}
    manifest = read_dataset_manifest(path) | told
    write_dataset_manifest(
        path, manifest | {"files": {name: f"sha256:{each}" for name, each in hashes.items()}}
    )


def test_a_dataset_as_it_was_built_has_no_fault(built):
    assert check_dataset(built) == []


def test_a_file_that_was_changed_and_a_directory_of_another_name_are_found(built):
    with (built / "thumbs.jsonl").open("a") as file:
        file.write("\n")
    (built / "thumbs.jsonl").write_text("")
    with (built / "pairs.jsonl").open() as file:
        lines = file.readlines()
    (built / "pairs.jsonl").write_text("".join(lines[1:]))
    (fault,) = check_dataset(built)
    assert (fault.code, fault.count, fault.examples) == ("file_changed", 1, ((("pairs.jsonl", ""),),))
    moved = built.rename(built.parent / ("0" * 64))
    (moved / "pairs.jsonl").write_text("".join(lines))
    (fault,) = check_dataset(moved)
    assert (fault.code, fault.examples) == ("wrong_id", ((("0" * 64, ""),),))
    write_dataset_manifest(moved, read_dataset_manifest(moved) | {"form": 9, "id": "0" * 64})
    assert [(each.code, each.examples) for each in check_dataset(moved)] == [
        ("wrong_id", ((("0" * 64, ""),),))
    ]


def test_a_conversation_in_two_splits_is_named_once(built, tmp_path):
    path = built.rename(tmp_path / "copy")
    rows = [json.loads(line) for line in (path / "choices.jsonl").read_text().splitlines()]
    train = next(row for row in rows if row["split"] == "train")
    seal(
        path,
        choices=[*rows, train | {"id": "x", "split": "test"}, train | {"id": "y", "split": "validation"}],
    )
    found = {fault.code: fault for fault in check_dataset(path)}
    assert found["two_splits"].count == 1
    assert found["two_splits"].examples == (
        ((train["conversation"], "train"), (train["conversation"], "test")),
    )


def test_a_leak_is_told_with_both_records(built, tmp_path):
    path = built.rename(tmp_path / "copy")
    test = next(name for name in (f"t{number}" for number in range(99)) if split_of(name) == "test")
    train = next(name for name in (f"t{number}" for number in range(99)) if split_of(name) == "train")
    told = {"prompt": [{"role": "user", "content": LONG}], "source": "s"}
    leaking = [
        choice(1, id="held", conversation=test, split="test", **told),
        choice(2, id="seen", conversation=train, split="train", **told),
    ]
    seal(path, choices=leaking, pairs=[])
    (fault,) = check_dataset(path)
    assert (fault.code, fault.count) == ("leak", 1)
    assert fault.examples == ((("choices s/seen", "train"), ("s/held", "test")),)


def test_files_that_are_gone_are_named(built):
    (built / "choices.jsonl").unlink()
    with pytest.raises(DatasetMissing, match=built.name):
        check_dataset(built)
