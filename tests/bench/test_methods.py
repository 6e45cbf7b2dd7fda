"""bench.methods: the same choices told to each objective, and its figures on a few sets."""

import json
from itertools import product

import pytest

from bench.methods import BASES, build_recipe_of, list_ways, main, train_here
from bench.told_again import write_for
from feedback.datasets.build import read_split
from tests.trainer.tiny import WARM, make_choice
from trainer.data.texts import read_texts
from trainer.data.thumb_rows import read_thumbs


@pytest.fixture
def records():
    own = make_choice(2, "train", kind="own") | {"picked": [], "own": "Parcel 2 left ."}
    return [line | {"source": "test"} for line in (make_choice(0, "train"), make_choice(1, "train"), own)]


def test_what_was_taken_is_told_as_texts(records, tmp_path):
    folder = write_for("sft", tmp_path / "data", records)
    assert [text.text for text in read_texts(folder, "train")] == [WARM[0], WARM[1], "Parcel 2 left ."]


def test_what_was_taken_and_one_that_was_not_are_told_as_thumbs(records, tmp_path):
    folder = write_for("kto", tmp_path / "data", records)
    thumbs = list(read_thumbs(folder, "train"))
    assert [thumb.reply for thumb in thumbs if thumb.up] == [WARM[0], WARM[1], "Parcel 2 left ."]
    down = [thumb.reply for thumb in thumbs if not thumb.up]
    assert len(down) == 3 and not set(down) & {WARM[0], WARM[1], "Parcel 2 left ."}
    assert {thumb.conversation for thumb in thumbs} == {"c0", "c1", "c2"}
    again = write_for("kto", tmp_path / "again", records)
    assert [thumb.reply for thumb in read_thumbs(again, "train") if not thumb.up] == down


def test_choice_and_dpo_learn_from_them_as_they_are(records, tmp_path):
    folder = write_for("dpo", tmp_path / "data", records)
    assert [choice["id"] for choice in read_split(folder, "choices", "train")] == ["c0-1", "c1-1", "c2-1"]
    assert list(read_split(folder, "pairs", "train"))


def test_each_way_is_a_recipe_of_each_base():
    for base, way in product(BASES, list_ways()):
        recipe = build_recipe_of(way, BASES[base], {"epochs": 2})
        assert way in (recipe.method, recipe.objective) and recipe.epochs == 2


def test_figures_of_a_few_sets(capsys, monkeypatch):
    """In this process, since another one takes seconds to begin."""
    monkeypatch.setattr("bench.methods.train_apart", train_here)
    main(["--ways", "prompt", "--picks", "16", "--fresh", "3", "--set", "epochs=1"])
    figures = json.loads(capsys.readouterr().out.splitlines()[-1])["figures"]
    assert figures["prompt_off"] == pytest.approx(
        figures["prompt_measured_mib"] / figures["prompt_told_mib"] - 1
    )
    assert abs(figures["prompt_off"]) < 0.25
    assert 1 <= figures["prompt_steps"] <= 4 and figures["prompt_cpu_s"] > 0
    assert 0 < figures["prompt_support"] < 1 and figures["prompt_nats"] > 0 and figures["prompt_uniform"] > 0
