"""One line that a base cannot read is left out, counted and named; the run goes on with the others."""

import logging

import pytest
from transformers import AutoTokenizer

from tests.chats import FAMILIES, write_family
from tests.trainer.tiny import derive_pairs, make_choice, write_lines
from trainer.data.pair_rows import load_rows
from trainer.data.tokens import encode_prompt
from trainer.objectives.choice.examples import load_examples
from trainer.objectives.choice.noise_model import NO_NOISE
from trainer.recipes.recipe import Recipe

TWICE = ("Where is my order ?", "Number 105 .")
MERGED = [{"role": "user", "content": "\n".join(TWICE)}]
TOOL = {"role": "tool", "content": "no parcel"}


@pytest.fixture
def gemma(tmp_path):
    write_family(tmp_path / "base", FAMILIES["gemma2"], extra="parcelshop")
    beyond = len(AutoTokenizer.from_pretrained(tmp_path / "base")) - 1
    write_family(tmp_path / "base", FAMILIES["gemma2"], extra="parcelshop", rows=beyond)
    return AutoTokenizer.from_pretrained(tmp_path / "base")


@pytest.fixture
def dataset(tmp_path):
    """Five choices: a good one, one each with a tool's result, with a thought alone, with a token that the
    base has no row for, and one whose customer wrote twice, which Gemma's template refuses as it stands.
    """
    choices = [make_choice(number, "train") for number in range(5)]
    choices[1]["prompt"] += [{"role": "assistant", "content": "I look."}, TOOL]
    choices[2]["candidates"][choices[2]["picked"][0]]["text"] = "<think>No order at all is known to me"
    choices[3]["prompt"][0]["content"] += " at the parcelshop"
    choices[4]["prompt"] = [{"role": "user", "content": text} for text in TWICE]
    folder = tmp_path / "data"
    folder.mkdir()
    write_lines(folder / "choices.jsonl", choices)
    write_lines(folder / "pairs.jsonl", [pair for choice in choices for pair in derive_pairs(choice)])
    write_lines(folder / "thumbs.jsonl", [])
    return folder


def test_choice_goes_on_without_lines_that_cannot_be_read(gemma, dataset, caplog):
    caplog.set_level(logging.INFO)
    found = load_examples(dataset, "train", gemma, Recipe(name="r"), base_id="b", noise_model=NO_NOISE)
    kept = {example.id: example.prompt_ids for example in found.examples}
    assert set(kept) == {"choices//c0-1", "choices//c4-1"}
    assert kept["choices//c4-1"] == tuple(encode_prompt(gemma, MERGED, {}))
    assert found.refusals == {"template_refuses": 1, "thoughts_alone": 1, "unknown_token": 1}
    assert "choices//c1-1 is left out (template_refuses): the chat template refuses" in caplog.text


def test_dpo_goes_on_without_lines_that_cannot_be_read(gemma, dataset, caplog):
    caplog.set_level(logging.INFO)
    found = load_rows(dataset, "train", gemma, max_length=512, limit=None, seed=0)
    assert len(found.examples) == 6
    assert [row["prompt_ids"] for row in found.examples].count(encode_prompt(gemma, MERGED, {})) == 3
    assert found.refusals == {"template_refuses": 3, "thoughts_alone": 3, "unknown_token": 3}
    assert "c1-1-0 is left out (template_refuses): the chat template refuses" in caplog.text
