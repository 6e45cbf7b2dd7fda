"""Children of choices where a run reads them: their weight is in the loss, their pick is counted once."""

import pytest
from transformers import AutoTokenizer

from feedback.datasets.pair_lines import make_derived_pair
from tests.trainer.tiny import make_choice, write_lines
from trainer.data.choices import read_offers
from trainer.data.stage_parts import read_train_lines
from trainer.objectives.choice.examples import load_examples
from trainer.objectives.choice.noise_model import NO_NOISE, read_counted_picks
from trainer.recipes.recipe import Recipe


@pytest.fixture
def folder(tmp_path):
    parent = make_choice(1, "train") | {"source": "s"}
    made = {"parent": "c1-1", "operation": "order", "seed": 1}
    child = parent | {"id": "c1-1~order", "weight": 0.428571, "made": made}
    child["prompt"] = [{"role": "user", "content": "Today, please. Where is it?"}]
    for name, lines in (
        ("choices", [parent, child]),
        ("pairs", [make_derived_pair(each, "0", "Yes.", "No.") for each in (parent, child)]),
        ("thumbs", []),
    ):
        write_lines(tmp_path / f"{name}.jsonl", lines)
    return tmp_path


def test_a_child_is_an_example_of_its_weight_and_no_second_pick(folder, base):
    tokenizer = AutoTokenizer.from_pretrained(base)
    recipe = Recipe(name="here", max_length=512)
    found = load_examples(folder, "train", tokenizer, recipe, base_id="b", noise_model=NO_NOISE)
    assert {example.id: example.weight for example in found.examples} == {
        "choices/s/c1-1": 1.0,
        "choices/s/c1-1~order": 0.428571,
    }
    first, second = found.examples
    assert first.replies == second.replies and first.prompt_ids != second.prompt_ids
    offers, total = read_offers(folder, "train")
    assert ([offer.id for offer in offers], total) == (["c1-1"], 1)
    assert len(list(read_counted_picks(folder))) == 1


def test_a_stage_takes_a_child_and_its_pairs_for_as_hard_as_the_parent(folder):
    names = {(line.origin, line.record["id"]) for line in read_train_lines(folder)}
    assert names == {("choices", "c1-1")}
