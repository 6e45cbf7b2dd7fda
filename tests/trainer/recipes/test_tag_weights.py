"""Tags with weights: what an example weighs, worked out by hand, and that a weight of 1 changes nothing."""

import json
import logging

import pytest

from feedback.tags.tree import TagNode, TagTree
from tests.trainer.conftest import TINY
from tests.trainer.tiny import derive_pairs, make_choice, write_lines
from tests.trainer.training.test_train import digest, train_here
from trainer.data.pair_rows import hash_share, select_pairs
from trainer.data.tagged import count_tagged
from trainer.errors import RecipeRefused
from trainer.recipes.recipe import Recipe, build_recipe, recall_recipe
from trainer.recipes.tag_weights import TagWeight, take_in, weigh_tags

# billing > refund; "topic:refund" means the latter; "vip" is a string that no tag is named like.
TREE = TagTree(
    {"b": TagNode("b", "billing"), "r": TagNode("r", "refund", "b"), "s": TagNode("s", "smalltalk")},
    {"topic:refund": "r"},
)


def recipe_with(**tag_weights):
    return build_recipe({"name": "here", "tag_weights": tag_weights})


@pytest.mark.parametrize(
    ("tags", "weight"),
    [
        ([], 1.0),
        (["delivery"], 1.0),
        (["billing"], 2.0),
        (["billing/refund"], 0.5),  # the lower one holds, although the tag above it is heavier
        (["topic:refund"], 0.5),
        (["topic:refund", "vip"], 3.0),  # the largest of several, not their product
        (["billing", "billing/refund"], 2.0),
        (["delivery", "smalltalk"], 0.2),  # a tag that the recipe does not name says nothing
    ],
)
def test_the_lowest_tag_holds_and_of_several_the_largest(tags, weight):
    recipe = recipe_with(billing=2, **{"billing/refund": 0.5}, vip=3, smalltalk=0.2)
    assert weigh_tags(take_in(recipe.tag_weights, TREE, "here"), tags) == weight


def test_two_names_of_one_tag_are_refused():
    weights = recipe_with(**{"billing/refund": 2, "topic:refund": 3}).tag_weights
    with pytest.raises(RecipeRefused, match=r"'billing/refund' and 'topic:refund' mean one tag"):
        take_in(weights, TREE, "here")


@pytest.mark.parametrize("weight", [0, -1, 10.5, "much", None])
def test_a_weight_that_is_none_is_refused_by_name(weight):
    with pytest.raises(RecipeRefused, match=r"tag_weights\.billing"):
        recipe_with(billing=weight)


def test_a_recipe_keeps_what_its_tags_took_in_and_without_tags_its_digest():
    plain = Recipe(name="here")
    assert "tag_weights" not in plain.model_dump(mode="json") and "tag_weights" not in plain.to_yaml()
    recipe = recipe_with(billing=2)
    settled = recipe.model_copy(update={"tag_weights": take_in(recipe.tag_weights, TREE, "here")})
    assert recall_recipe(settled.model_dump(mode="json"), "r1") == settled
    assert settled.tag_weights["billing"].strings == ("billing", "billing/refund", "topic:refund")
    assert len({plain.digest, recipe.digest, settled.digest}) == 3


def tagged(number, *tags, weight=1.0):
    return make_choice(number, "train") | {"tags": list(tags), "weight": weight}


def test_a_pair_is_repeated_as_often_as_its_tags_weigh(tmp_path):
    """Of weight 0.5 and 3: one row each, and a second one where the hash of the pair lies below a half."""
    choices = [tagged(0, "a"), tagged(1, "b"), tagged(2), tagged(3, "a", weight=0.5)]
    pairs = [derived | {"tags": choice["tags"]} for choice in choices for derived in derive_pairs(choice)]
    write_lines(tmp_path / "pairs.jsonl", pairs)
    weights = {"a": TagWeight(weight=3), "b": TagWeight(weight=0.25)}
    rows, found, refusals = select_pairs(tmp_path, "train", limit=None, seed=1, weights=weights)
    counts = {pair["id"]: sum(row["id"] == pair["id"] for row in rows) for pair in pairs}
    share = {pair["id"]: hash_share("weight", pair["id"]) for pair in pairs}
    assert found == 12
    assert counts == {
        pair["id"]: {
            "c0": 3,
            "c1": int(share[pair["id"]] < 0.25),
            "c2": 1,
            "c3": 1 + (share[pair["id"]] < 0.5),
        }[pair["group"]]
        for pair in pairs
    }
    assert refusals == {"thinned_by_weight": sum(count == 0 for count in counts.values())}
    _, _, limited = select_pairs(tmp_path, "train", limit=4, seed=1, weights=weights)
    assert limited["over_limit"] == len(rows) - 4


def test_a_tag_that_nothing_has_is_told_with_its_weight(tmp_path, caplog):
    write_lines(tmp_path / "choices.jsonl", [tagged(0, "a"), tagged(1, "a", "b"), tagged(2)])
    write_lines(tmp_path / "pairs.jsonl", derive_pairs(tagged(0, "a")))
    write_lines(tmp_path / "thumbs.jsonl", [])
    weights = {"a": TagWeight(weight=1), "bling": TagWeight(weight=2.5)}
    with caplog.at_level(logging.WARNING):
        assert count_tagged(tmp_path, weights) == {"a": 2, "bling": 0}
    assert [record.getMessage() for record in caplog.records] == [
        "tag_weights: no record of the train split has the tag 'bling' or one below it: 2.5 weighs nothing"
    ]


@pytest.fixture(scope="module")
def own_tags(dataset, tmp_path_factory):
    """The dataset, every third choice and its pairs with a tag."""
    folder = tmp_path_factory.mktemp("tagged")
    choices = [json.loads(line) for line in (dataset / "choices.jsonl").read_text().splitlines()]
    choices = [choice | {"tags": ["a"] if n % 3 == 0 else []} for n, choice in enumerate(choices)]
    write_lines(folder / "choices.jsonl", choices)
    pairs = [pair | {"tags": choice["tags"]} for choice in choices for pair in derive_pairs(choice)]
    write_lines(folder / "pairs.jsonl", pairs)
    write_lines(folder / "thumbs.jsonl", [])
    return folder


@pytest.mark.parametrize(("objective", "batch_size"), [("choice", 4), ("dpo", 12)])
def test_weights_of_one_change_no_byte_and_others_do(own_tags, base, objective, batch_size, tmp_path):
    """Three steps of each."""
    changes = {"objective": objective, "epochs": 0.5, "batch_size": batch_size}
    recipe = TINY.model_copy(update=changes)

    def train(name, **weights):
        given = {tag: TagWeight(weight=weight) for tag, weight in weights.items()}
        return train_here(own_tags, base, recipe.model_copy(update={"tag_weights": given}), tmp_path / name)

    plain, one, four = train("plain"), train("one", a=1), train("four", a=4)
    assert digest(plain.adapter_dir) == digest(one.adapter_dir) != digest(four.adapter_dir)
    assert "tags" not in plain.metrics and one.metrics["tags"] == four.metrics["tags"] == {"a": 8}
    assert one.metrics["held_out_loss"] == plain.metrics["held_out_loss"]
