"""bench.order: both objectives meet the choices in one order."""

from contextlib import nullcontext

import pytest

from bench.held_out import settle_lines, write_train
from bench.order import place_choice, same_order
from tests.trainer.conftest import TINY
from tests.trainer.tiny import make_choice
from trainer.data.pair_rows import select_pairs
from trainer.objectives.choice.examples import load_examples
from trainer.objectives.choice.noise_model import NO_NOISE
from trainer.recipes.recipe import Recipe


class Noted(Exception):
    """The order is known: nothing needs to be trained."""


def test_pairs_of_a_choice_stand_where_the_choice_stands(base, tmp_path):
    import json

    from transformers import AutoTokenizer

    lines = [json.dumps(make_choice(number, "train")) for number in range(12)]
    data = write_train(tmp_path / "data", list(settle_lines(lines, "test")))
    recipe = Recipe(name="here", max_length=512, max_examples=None)

    def read():
        found = load_examples(
            data, "train", AutoTokenizer.from_pretrained(base), recipe, base_id="b", noise_model=NO_NOISE
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


@pytest.mark.parametrize("objective", ["choice", "dpo"])
def test_trainers_go_through_in_that_order_and_otherwise_shuffle(base, dataset, objective, tmp_path):
    import transformers

    from trainer.training.train import train

    recipe = TINY.model_copy(update={"objective": objective, "epochs": 0.1})
    orders = []

    def note(trainer, **_):
        """Instead of training: what one epoch takes, in its order."""
        batches = trainer.get_train_dataloader().base_dataloader.batch_sampler
        rows = trainer.train_dataset
        orders.append([getattr(rows[place], "id", place) for batch in batches for place in batch])
        raise Noted

    with pytest.MonkeyPatch.context() as patches:
        patches.setattr(transformers.Trainer, "train", note)
        for number, order in enumerate((same_order, nullcontext)):
            with pytest.raises(Noted), order():
                train(dataset, base, recipe, tmp_path / str(number), lambda report: None)
    in_order, shuffled = orders
    assert len(in_order) == {"choice": 24, "dpo": 72}[objective]
    if objective == "choice":
        assert in_order == sorted(in_order, key=lambda name: place_choice("select", recipe.seed, name))
    else:
        assert in_order == list(range(72))
    assert shuffled != in_order and sorted(shuffled) == sorted(in_order)
