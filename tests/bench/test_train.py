"""bench.train on a toy model: its report, the choices it reads, and the rows it gives to TRL."""

import json

import pytest
import torch
import trl

from bench.report import NotedFigures
from bench.train import (
    MeasuredTask,
    find_size,
    list_measured,
    main,
    measure_task,
    read_train_options,
)
from bench.train_shapes import Shape, derive_pairs, draw_choices, draw_talks, read_picked
from bench.train_sides import Pass, SidePlan
from tests.trainer.tiny import make_choice, write_lines
from trainer.recipes.recipe import load_recipe

QUICK = ["--shape", "tiny", "--threads", "1", "--step", "2", "--steps", "1", "--rounds", "1"]
TALKS = [*QUICK, "--lengths", "24/6/4", "--turns", "2"]


def test_report_names_every_figure_and_ends_with_one_json_line(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("bench.train.TALK", Shape(20, 6, 4))
    monkeypatch.setattr("bench.train.DPO_SIZES", (3,))
    monkeypatch.setattr("bench.train.ROW_SIZES", (1, 2048))
    main([*TALKS, "--results", str(tmp_path)])

    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    figures = line["figures"]
    assert line["bench"] == "train"
    for mode in ("run_reference", "stored_reference"):
        assert figures[f"ratio_{mode}"] > 0
        assert figures[f"choices_per_second_{mode}"] > 0
    assert figures["ratio_bf16"] is None or figures["bf16_product_ratio"] > 1
    assert line["versions"]["trl"] == trl.__version__
    # TRL's forward and backward pass costs three products a weight, its reference one more, and the pairs of
    # four short replies four times the tokens.
    assert 1.2 < figures["bound_dpo_stored"] < 1.5
    assert 4 < figures["bound_stored_reference"] < figures["bound_run_reference"] * 1.2
    for name in ("dpo_stored", "run_reference", "stored_reference", "trees_talk"):
        reached = figures[f"processor_ratio_{name}"] / figures[f"bound_{name}"]
        assert figures[f"share_of_bound_{name}"] == pytest.approx(reached)
    assert 0.1 < figures["peak_memory_ratio"] < 10
    assert figures["ratio_trees_over_rows_talk"] > 0
    assert 1 < figures["bound_trees_over_rows_talk"] < 100 / 74  # tokens: 44 and 56 apart, 74 as a tree
    assert figures["ratio_stored_reference_choices"] is None  # no file was given
    kept = json.loads((tmp_path / "train.jsonl").read_text().splitlines()[-1])
    assert kept["figures"] == figures and kept["model"] == "tiny" and kept["versions"] == line["versions"]


def test_each_kind_of_reference_is_compared_to_the_same_kind_of_trl(monkeypatch):
    """TRL takes 12 s, with its reference stored 9 s; ours 3 and 2 s: 4 and 4.5 times as fast, not 6."""
    seconds = {"dpo": 12.0, "dpo_stored": 9.0, "run_reference": 3.0, "stored_reference": 2.0}

    class Timed:
        def __init__(self, plan, mode, examples, size):
            self.mode, self.run, self.close = mode, lambda: Pass(seconds[mode], seconds[mode]), lambda: None

    monkeypatch.setattr("bench.train.TrainSide", Timed)
    monkeypatch.setattr("bench.train.compare_memory", lambda *_: None)
    found = NotedFigures()
    choices = draw_choices(Shape(5, 3, 4), 2, vocabulary=50)
    measure_task(MeasuredTask("", SidePlan("tiny", "cpu", 1, 2), choices, list(seconds)), 1, None, found)
    ratios = {name: value for name, value in found.figures.items() if name.startswith("ratio")}
    assert ratios == {"ratio_dpo_stored": 12 / 9, "ratio_run_reference": 4, "ratio_stored_reference": 4.5}


def test_later_lengths_have_their_own_suffix():
    asked = read_train_options([*QUICK, "--lengths", "8/4/2", "6/3/3"])
    plain, other, talk = list_measured(
        asked, SidePlan("tiny", "cpu", threads=1, step=2), ["stored_reference"]
    )
    assert (plain.suffix, other.suffix, talk.suffix) == ("", "_6_3_3", "_talk")
    assert [len(reply) for reply in other.examples[0].replies] == [3, 3, 3]
    assert len(plain.examples) == len(other.examples) == 2
    assert (talk.plan.step, len(talk.examples)) == (5, 5)  # a step over whole conversations


def test_picks_of_a_file_become_the_pairs_trl_reads(tmp_path):
    """A tie and a choice that is too long stay out; each pick of four replies makes three pairs."""
    tie = make_choice(3, "train") | {"id": "tie-1", "kind": "tie", "picked": [0, 1]}
    long = make_choice(4, "train") | {"prompt": [{"role": "user", "content": "order " * 600}]}
    write_lines(tmp_path / "choices.jsonl", [make_choice(1, "train"), tie, long, make_choice(2, "train")])

    found = read_picked(tmp_path / "choices.jsonl", 9, load_recipe("imported"))

    assert len(found) == 2
    rows = derive_pairs(found)
    assert len(rows) == 6
    for example in found:
        ids = list(example.replies[example.stages[0].won[0]])
        assert sum(row["chosen_ids"] == ids for row in rows) >= 3
    lengths = [sum(map(len, row.values())) for row in rows]
    assert lengths == sorted(lengths, reverse=True)


def test_the_next_prompt_goes_on_with_the_reply_that_was_picked():
    first, second, *rest = draw_talks(Shape(5, 3, 2), 3, 2, vocabulary=50)
    picked = first.replies[first.stages[0].won[0]]
    assert second.prompt_ids[:8] == first.prompt_ids + picked
    assert (len(second.prompt_ids), second.conversation) == (11, first.conversation)
    assert len(rest) == 2 and rest[0].conversation != first.conversation


@pytest.mark.parametrize(
    ("mode", "times", "chosen"),
    [
        ("stored_reference", (1.0, 0.97, 0.99), 1),
        ("stored_reference", (1.0, 0.9, 0.88), 2),
        ("stored_reference", (2.0, 1.0, 2.0), 2),
        ("dpo", (1.0, 0.97, 0.99), 2),
    ],
)
def test_longer_rows_have_to_be_worth_their_memory(monkeypatch, mode, times, chosen):
    """Of rows within a twentieth of the fastest the shortest are taken; TRL runs at its fastest."""
    found = dict(zip((1, 2, 3), times, strict=True))

    class Timed:
        def __init__(self, plan, mode, examples, size):
            self.run = lambda: Pass(0.0, found[size])
            self.close = lambda: None

    monkeypatch.setattr("bench.train.TrainSide", Timed)
    examples = draw_choices(Shape(5, 3, 4), 2, vocabulary=50)
    assert find_size(SidePlan("tiny", "cpu", 1, 2), mode, examples, (1, 2, 3)) == chosen


def test_a_size_that_does_not_fit_ends_the_search_and_leaves_no_memory_behind(monkeypatch):
    left_open = set()

    class Large:
        def __init__(self, plan, mode, examples, size):
            self.size = size
            left_open.add(size)

        def run(self):
            if self.size > 1:
                raise torch.OutOfMemoryError
            return Pass(1.0, 1.0)

        def close(self):
            left_open.remove(self.size)

    monkeypatch.setattr("bench.train.TrainSide", Large)
    examples = draw_choices(Shape(5, 3, 4), 2, vocabulary=50)
    assert find_size(SidePlan("tiny", "cpu", 1, 2), "dpo", examples, (1, 2, 3)) == 1
    assert not left_open


def test_drawn_choices_are_the_same_each_time_and_end_alike():
    shape = Shape.parse("5/3/2")
    first, again = (draw_choices(shape, 4, vocabulary=50) for _ in range(2))
    assert first == again
    assert {reply[-1] for example in first for reply in example.replies} == {9}
    assert {len(example.prompt_ids) for example in first} == {5}


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
def test_cuda_without_a_gpu_says_what_takes_its_place(capsys):
    with pytest.raises(SystemExit):
        read_train_options(["--device", "cuda", "--shape", "qwen2.5-0.5b"])
    assert "--device cpu takes the same options" in capsys.readouterr().err
