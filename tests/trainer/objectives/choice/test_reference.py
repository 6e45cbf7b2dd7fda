"""Stored base log-probabilities: computed once, looked at before they are trusted, safe under kills."""

import hashlib
import logging
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest

from feedback.datasets.difficulty import name_key, read_noted
from trainer.data.example import Example, Stage
from trainer.objectives.choice import reference_store
from trainer.objectives.choice.reference import BATCH, CHECKED, load_reference, make_keys
from trainer.objectives.choice.reference_store import FILE

BASE_ID = "b" * 64


def example(number, replies=4):
    """Replies that no other number has, and a stage, which the base does not read."""
    return Example(
        id=f"choices/c{number}",
        conversation=f"c{number}",
        prompt_ids=(1, 2, number),
        replies=tuple((10 + place, number, 3) for place in range(replies)),
        stages=(Stage(tuple(range(replies)), (0,), (0.0,) * replies, 0.1),),
        preferred=0,
        nll=0.1,
        thumb=None,
        weight=1.0,
    )


class Base:
    """A base that says what a hash says, and counts the replies it was asked for."""

    def __init__(self, shift=0.0):
        self.shift = shift
        self.asked = 0

    def value(self, prompt, reply):
        digest = hashlib.sha256(repr((prompt, reply)).encode()).digest()
        return -int.from_bytes(digest[:4], "big") / 2**28 + self.shift

    def __call__(self, examples):
        self.asked += sum(len(one.replies) for one in examples)
        return [[self.value(one.prompt_ids, reply) for reply in one.replies] for one in examples]


def load(folder, examples, base, **changes):
    options = {"data_dir": folder, "base_id": BASE_ID, "dtype": "float32", "seed": 17} | changes
    return load_reference(examples, base, **options)


def expected(examples, base):
    return [tuple(base.value(one.prompt_ids, reply) for reply in one.replies) for one in examples]


def test_a_second_night_computes_new_replies_and_eight_old_ones(tmp_path):
    base, old, new = Base(), [example(number) for number in range(20)], [example(20), example(21)]
    first = load(tmp_path, old, base)
    assert first.values == expected(old, base)
    assert (base.asked, first.report.stored, first.report.computed, first.report.checked) == (80, 0, 80, 0)
    second = load(tmp_path, old + new, base)
    assert second.values == expected(old + new, base)
    assert base.asked == 80 + 8 + CHECKED
    assert (second.report.stored, second.report.computed, second.report.checked) == (80, 8, CHECKED)
    assert (second.report.differed, second.report.dropped, second.report.problem) == (0.0, 0, None)


def test_an_edit_that_comes_later_keeps_the_values_of_the_others(tmp_path):
    base, before = Base(), example(1, replies=3)
    load(tmp_path, [before], base)
    after = replace(before, replies=(*before.replies, (99, 3)))
    found = load(tmp_path, [after], base)
    assert found.values == expected([after], base)
    assert (found.report.stored, found.report.computed) == (3, 1)


def test_one_reply_in_two_examples_is_one_value(tmp_path):
    base = Base()
    found = load(tmp_path, [example(1), replace(example(1), id="choices/again")], base)
    assert (found.report.wanted, found.report.computed) == (4, 4) and found.values[0] == found.values[1]


def test_which_ones_are_checked_follows_the_seed(tmp_path):
    asked = []
    base = Base()

    def watch(examples):
        asked.append(tuple((one.prompt_ids, one.replies) for one in examples))
        return base(examples)

    examples = [example(number) for number in range(50)]
    load(tmp_path, examples, base)
    for seed in (1, 1, 2):
        load(tmp_path, examples, watch, seed=seed)
    assert len(asked) == 3 and asked[0] == asked[1] != asked[2]
    assert [sum(len(replies) for _, replies in call) for call in asked] == [CHECKED] * 3


@pytest.mark.parametrize(
    ("dtype", "shift", "is_kept"),
    [
        ("float32", 7.5e-5, True),  # as 8 tokens of 1e-5
        ("float32", 8.5e-5, False),
        ("bfloat16", 0.15, True),  # as 8 tokens of 0.02
        ("bfloat16", 0.17, False),
    ],
)
def test_values_that_no_longer_come_out_are_dropped_and_this_is_said(tmp_path, caplog, dtype, shift, is_kept):
    old, new = Base(), Base(shift)
    examples = [example(number) for number in range(5)]
    load(tmp_path, examples, old, dtype=dtype)
    found = load(tmp_path, examples, new, dtype=dtype)
    warnings = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert found.values == expected(examples, old if is_kept else new)
    assert found.report.differed == pytest.approx(shift, abs=1e-9)
    assert (found.report.dropped, found.report.computed) == ((0, 0) if is_kept else (20, 20))
    assert [("dropped" in text) for text in warnings] == ([] if is_kept else [True])
    assert load(tmp_path, examples, new, dtype=dtype).report.computed == 0


KEY = {"base_id": BASE_ID, "dtype": "float32", "prompt_ids": (1, 2, 3), "reply": (4, 5)}


@pytest.mark.parametrize(
    "change",
    [
        {"base_id": "c" * 64},  # other weights, tokenizer or template
        {"dtype": "bfloat16"},
        {"prompt_ids": (1, 2, 4)},
        {"prompt_ids": (1, 2)},
        {"reply": (4, 6)},
        {"reply": (4,)},
        {"prompt_ids": (1, 2, 3, 4), "reply": (5,)},  # the same ids, cut elsewhere
        {"prompt_ids": (1, 2), "reply": (3, 4, 5)},
    ],
)
def test_a_key_tells_every_part_apart(change):
    def key(base_id, dtype, prompt_ids, reply):
        return make_keys(replace(example(1), prompt_ids=prompt_ids, replies=(reply,)), base_id, dtype)[0]

    assert key(**KEY) == key(**KEY) and len(key(**KEY)) == 32
    assert key(**(KEY | change)) != key(**KEY)


def test_a_key_is_the_same_for_ever():
    # 8-byte lengths and ids, all little-endian: another layout would silently forget every stored value.
    one = replace(example(1), prompt_ids=(1,), replies=((258,),))
    number = lambda value: value.to_bytes(8, "little")  # noqa: E731
    text = number(4) + b"base" + number(7) + b"float32" + number(8) + number(1) + number(258)
    assert make_keys(one, "base", "float32") == [hashlib.sha256(text).digest()]


def test_nats_per_token_of_the_preferred_reply_are_noted_for_records_of_this_base(tmp_path):
    base = Base()
    one, tie = example(1), replace(example(2), preferred=2)
    up = replace(example(3, replies=1), stages=(), preferred=None, thumb=True)
    load(tmp_path, [one, tie, up, replace(up, id="down", thumb=False)], base)
    noted = {
        each.id: -base.value(each.prompt_ids, each.replies[place]) / 3
        for each, place in ((one, 0), (tie, 2), (up, 0))
    }
    told = {name_key(name): pytest.approx(nats) for name, nats in noted.items()}
    assert read_noted(tmp_path / FILE) == (BASE_ID, told)
    load(tmp_path, [example(9)], base, base_id="c" * 64)
    found, numbers = read_noted(tmp_path / FILE)
    assert found == "c" * 64 and list(numbers) == [name_key(example(9).id)]


@pytest.mark.parametrize("content", [b"this is no database, and long enough to be looked at" * 100, None])
def test_a_broken_file_is_begun_anew(tmp_path, caplog, content):
    base, examples = Base(), [example(number) for number in range(200)]
    load(tmp_path, examples, base)
    path = tmp_path / "reference.db"
    if content is None:  # pages in the middle overwritten: the file opens, and breaks when it is read
        content = bytearray(path.read_bytes())
        content[8192:-4096] = b"\xa5" * (len(content) - 12288)
    path.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        found = load(tmp_path, examples, base)
    assert found.values == expected(examples, base) and found.report.computed == 800
    assert "broken" in found.report.problem and "begun anew" in caplog.text
    again = load(tmp_path, examples, base).report
    assert (again.stored, again.problem) == (800, None)


def test_a_data_directory_that_is_not_there_costs_time_only(tmp_path, caplog):
    base, examples = Base(), [example(1)]
    found = load(tmp_path / "gone", examples, base)
    assert found.values == expected(examples, base)
    assert "cannot be used" in found.report.problem and "cannot be used" in caplog.text


def test_a_read_only_data_directory_is_read_and_not_written():
    base = Base()
    with tempfile.TemporaryDirectory() as name:  # not tmp_path: nobody else may enter that
        folder = Path(name)
        load(folder, [example(1)], base)
        folder.joinpath("reference.db").chmod(0o444)
        folder.chmod(0o555)
        is_root = os.geteuid() == 0
        if is_root:
            os.seteuid(65534)  # root may write anywhere
        try:
            found = load(folder, [example(1), example(2)], base)
        finally:
            if is_root:
                os.seteuid(0)
            folder.chmod(0o755)
        assert found.values == expected([example(1), example(2)], base)
        assert (found.report.stored, found.report.computed) == (4, 4)
        assert "cannot be used" in found.report.problem
        assert load(folder, [example(2)], base).report.stored == 0


@pytest.mark.parametrize("version", [1, 9])
def test_a_file_of_another_version_is_begun_anew(tmp_path, version):
    base = Base()
    with sqlite3.connect(tmp_path / "reference.db") as connection:
        connection.execute("CREATE TABLE logprob (key BLOB PRIMARY KEY, basis INTEGER NOT NULL, nats REAL)")
        connection.execute(f"PRAGMA user_version = {version}")
    connection.close()
    found = load(tmp_path, [example(1)], base)
    assert found.values == expected([example(1)], base) and f"version {version}" in found.report.problem
    again = load(tmp_path, [example(1)], base).report
    assert (again.stored, again.problem) == (4, None)


def test_a_file_held_by_another_writer_costs_time_only(tmp_path, monkeypatch):
    monkeypatch.setattr(reference_store, "LOCK_TIMEOUT_S", 0.05)
    base = Base()
    load(tmp_path, [example(1)], base)
    other = sqlite3.connect(tmp_path / "reference.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    found = load(tmp_path, [example(1), example(2)], base)
    other.close()
    assert found.values == expected([example(1), example(2)], base)
    assert found.report.stored == 4 and "locked" in found.report.problem
    assert load(tmp_path, [example(1)], base).report.problem is None


def test_a_number_that_is_none_is_not_kept(tmp_path):
    found = load(tmp_path, [example(1, replies=2)], lambda examples: [[float("nan"), -1.0] for _ in examples])
    assert found.values[0][1] == -1.0
    assert load(tmp_path, [example(1, replies=2)], Base(), seed=1).report.checked == 1


def test_a_file_over_its_bound_is_begun_anew(tmp_path, monkeypatch):
    base = Base()
    load(tmp_path, [example(number) for number in range(300)], base)
    size = (tmp_path / "reference.db").stat().st_size
    monkeypatch.setattr(reference_store, "MAX_BYTES", size)
    assert load(tmp_path, [example(1)], base).report.stored == 4
    monkeypatch.setattr(reference_store, "MAX_BYTES", size - 1)
    found = load(tmp_path, [example(1)], base)
    assert (found.report.stored, found.report.computed) == (0, 4) and "begun anew" in found.report.problem
    assert (tmp_path / "reference.db").stat().st_size < size
    assert load(tmp_path, [example(1)], base).report.stored == 4


PROCESS = """
    import os, signal, sys
    from pathlib import Path
    from tests.trainer.objectives.choice.test_reference import Base, example, load

    folder, start, stop, last = Path(sys.argv[1]), *map(int, sys.argv[2:])
    base = Base()
    calls = 0

    def compute(examples):
        global calls
        calls += 1
        if calls == last:
            os.kill(os.getpid(), signal.SIGKILL)
        return base(examples)

    load(folder, [example(number) for number in range(start, stop)], compute)
"""


def start_process(folder, start, stop, last=0):
    command = [sys.executable, "-c", textwrap.dedent(PROCESS), folder, str(start), str(stop), str(last)]
    return subprocess.Popen(command, cwd=Path(__file__).parents[4])


def test_a_kill_between_batches_loses_one_batch_at_most(tmp_path):
    count = 3 * BATCH
    assert start_process(tmp_path, 0, count, last=3).wait(120) == -signal.SIGKILL
    base, examples = Base(), [example(number) for number in range(count)]
    found = load(tmp_path, examples, base)
    assert found.values == expected(examples, base)
    assert (found.report.stored, found.report.computed) == (2 * BATCH * 4, BATCH * 4)
    assert found.report.problem is None


def test_several_processes_fill_one_file(tmp_path):
    count = 4 * BATCH
    processes = [start_process(tmp_path, start, start + count) for start in (0, count // 2, count)]
    assert [process.wait(120) for process in processes] == [0, 0, 0]
    examples = [example(number) for number in range(2 * count)]
    base = Base()
    found = load(tmp_path, examples, base)
    assert found.values == expected(examples, base)
    assert (found.report.stored, found.report.computed, found.report.problem) == (2 * count * 4, 0, None)
    with sqlite3.connect(tmp_path / "reference.db") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


def test_progress_counts_the_examples_that_have_to_be_read(tmp_path):
    base, heard = Base(), []
    examples = [example(number) for number in range(2 * BATCH + 5)]
    load(tmp_path, examples[:3], base)
    load(tmp_path, examples, base, on_progress=lambda done, total: heard.append((done, total)))
    assert heard == [(BATCH, 2 * BATCH + 2), (2 * BATCH, 2 * BATCH + 2), (2 * BATCH + 2, 2 * BATCH + 2)]
    load(tmp_path, examples, base, on_progress=lambda *_: pytest.fail("nothing is missing"))
