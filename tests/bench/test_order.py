"""bench.order: both objectives meet the choices in one order."""

from types import SimpleNamespace

from bench.held_out import settle_lines, write_train
from bench.order import same_order
from tests.trainer.tiny import make_choice
from trainer.examples import load_examples
from trainer.habits import NO_HABITS
from trainer.recipe import Recipe
from trainer.rows import select_pairs


def test_pairs_of_a_choice_stand_where_the_choice_stands(base, tmp_path):
    import json

    from transformers import AutoTokenizer

    lines = [json.dumps(make_choice(number, "train")) for number in range(12)]
    data = write_train(tmp_path / "data", list(settle_lines(lines, "test")))
    recipe = Recipe(name="here", max_length=512, max_examples=None)

    def read():
        found = load_examples(
            data, "train", AutoTokenizer.from_pretrained(base), recipe, base_id="b", habits=NO_HABITS
        )
        pairs, _, _ = select_pairs(data, "train", limit=None, seed=recipe.seed)
        choices = [example.conversation for example in found.examples]
        return choices, [pair["group"] for pair in pairs]

    with same_order():
        choices, of_pairs = read()
    assert len(choices) == 12 and choices != sorted(choices)
    assert of_pairs == [name for name in choices for _ in range(3)]
    _, otherwise = read()
    assert otherwise != of_pairs and sorted(otherwise) == sorted(of_pairs)


def test_every_epoch_goes_through_in_that_order():
    from transformers import Trainer

    holder = SimpleNamespace(train_dataset=["a", "b", "c"])
    with same_order():
        assert list(Trainer._get_train_sampler(holder)) == [0, 1, 2]
        assert list(Trainer._get_train_sampler(holder, ["a", "b"])) == [0, 1]
