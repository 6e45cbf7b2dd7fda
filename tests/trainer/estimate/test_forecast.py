"""Counts by hand; steps against runs that were made. How long steps take is reported, not tested."""

import hashlib

import pytest

from tests.trainer.conftest import TINY
from tests.trainer.conversations import make_conversation, write_talks
from tests.trainer.tiny import make_dataset, write_lines
from tests.trainer.training.test_train import train_here
from trainer.data.example import Example
from trainer.errors import NothingToTrainOn
from trainer.recipes.recipe import Recipe, RecipeStage

CHOICE = TINY.model_copy(update={"objective": "choice", "batch_size": 4, "epochs": 1})


def example(number: int, prompt: int, replies: tuple[int, ...]) -> Example:
    texts = tuple(
        tuple(100 * place + token for token in range(size)) for place, size in enumerate(replies, 1)
    )
    return Example(f"e{number}", f"c{number}", tuple(range(prompt)), texts, (), None, 0.0, None, 1.0)


def test_tokens_by_hand():
    from trainer.estimate.counts import count_apart, count_packed, count_pairs

    examples = [example(1, 40, (6, 6, 6, 6)), example(2, 10, (5, 4, 3)), example(3, 20, (7, 2, 1))]
    assert count_packed(CHOICE, examples) == 40 + 24 + 10 + 12 + 20 + 10
    assert count_apart(examples) == 4 * 46 + (15 + 14 + 13) + (27 + 22 + 21)
    assert count_pairs([{"prompt_ids": [1, 2, 3], "chosen_ids": [4], "rejected_ids": [5, 6]}]) == 9


@pytest.mark.parametrize(("method", "counts"), [("prompt", [204, 60, 96]), ("prefix", [184, 45, 81])])
def test_virtual_tokens_stand_before_each_reply_of_one_example(method, counts):
    """Rows are padded to the longest of an example: 4 x (5 + 40 + 6), 3 x (5 + 10 + 5), 3 x (5 + 20 + 7). The
    five of a prefix go through no layer.
    """
    from trainer.estimate.counts import choose_count
    from trainer.estimate.forecast import find_largest

    examples = [example(1, 40, (6, 6, 6, 6)), example(2, 10, (5, 4, 3)), example(3, 20, (7, 2, 1))]
    recipe = CHOICE.model_copy(update={"method": method, "virtual_tokens": 5})
    assert choose_count(recipe)(examples) == sum(counts)
    assert find_largest(examples, recipe) == counts[0]


def test_of_thumbs_the_reply_that_was_rated_waits_for_the_backward_pass():
    from trainer.estimate.forecast import find_largest

    rows = [{"prompt_ids": [1] * 5, "completion_ids": [2] * 3, "KL_completion_ids": [3] * 9}]
    assert find_largest(rows, TINY.model_copy(update={"objective": "kto", "batch_size": 4})) == 4 * (5 + 3)


def test_tokens_of_conversations_are_those_of_the_batches_of_a_run():
    from trainer.estimate.counts import count_packed
    from trainer.estimate.forecast import list_batches

    turns = [
        turn for name in "ab" for turn in make_conversation(5, name=name, first=200, reply=60, between=60)
    ]

    def count(size):
        recipe = CHOICE.model_copy(update={"batch_size": size})
        return sum(count_packed(recipe, batch) for batch in list_batches(turns, recipe))

    assert count(5) == 2 * 1_640
    # In fours: 4 turns of one, the fifth with 3 of the other, and 2 more, with the history twice.
    four, three = 560 + 3 * 180 + 240, 440 + 2 * 180 + 240
    assert count(4) == four + (680 + 240 + three) + 680 + 180 + 240
    assert count(1) == 2 * 3_400  # one example a row: as the reference is read


@pytest.mark.parametrize(
    ("examples", "changes", "steps"),
    [(24, {"batch_size": 4}, 6), (25, {"batch_size": 4}, 7), (25, {"batch_size": 4, "accumulation": 2}, 4),
     (25, {"batch_size": 4, "epochs": 2}, 14), (24, {"batch_size": 4, "epochs": 0.4}, 3),
     (1, {"batch_size": 16, "accumulation": 8}, 1)],
)  # fmt: skip
def test_steps_by_hand(examples, changes, steps):
    from trainer.estimate.forecast import count_steps

    assert count_steps(examples, CHOICE.model_copy(update=changes)) == steps


@pytest.mark.parametrize(
    "changes",
    [
        {"accumulation": 2, "batch_size": 5, "epochs": 1.5},
        {"objective": "dpo", "batch_size": 12},
        {"max_length": 256, "batch_size": 3},
        {"batch_size": 5, "epochs": 1, "min_steps": 9},
        {"objective": "dpo", "batch_size": 12, "epochs": 1, "min_steps": 9},
    ],
    ids=["choice", "dpo", "talks", "few_choices", "few_pairs"],
)
def test_forecast_names_the_steps_of_the_run(base, dataset, tmp_path, changes):
    from trainer.estimate.forecast import forecast

    if "max_length" in changes:
        dataset = write_talks(tmp_path / "talks")
    recipe = CHOICE.model_copy(update=changes)
    found = forecast(dataset, base, recipe, reference_dir=tmp_path)
    metrics = train_here(dataset, base, recipe, tmp_path / "run").metrics
    assert found.steps == metrics["steps"] >= recipe.min_steps
    names = ("pairs_trained", "pairs_held_out") if recipe.objective == "dpo" else (
        "examples_trained", "examples_held_out"
    )  # fmt: skip
    assert (found.examples, found.held_out) == tuple(metrics[name] for name in names)
    assert found.refusals == metrics["refusals"]
    assert found.timed.steps == min(found.steps, 5) - 1 and found.timed.skipped == 1
    assert 0 < found.timed.tokens < 2 * found.epochs * found.tokens.epoch
    assert found.timed.peak > 2**20
    assert found.seconds.training > 0 and found.seconds.checks > 0
    assert found.to_json()["seconds"]["total"] == found.seconds.total


def test_one_step_is_timed_where_there_is_no_other(base, dataset, tmp_path):
    from trainer.estimate.card import foresee_memory
    from trainer.estimate.forecast import forecast

    recipe = CHOICE.model_copy(update={"max_examples": 3, "reference": "run"})
    found = forecast(dataset, base, recipe, reference_dir=tmp_path)
    assert (found.steps, found.timed.steps, found.timed.skipped) == (1, 1, 0)
    assert found.refusals == {"over_limit": 21} and found.stored is None
    assert found.timed.tokens == found.tokens.epoch and found.seconds.reference == 0
    # Beside an engine the same is needed, but for what this process takes already.
    assert foresee_memory(dataset, base, recipe) == found.need.memory - found.need.program


def test_stored_references_cost_nothing_and_the_file_is_left_alone(base, dataset, tmp_path):
    from trainer.estimate.forecast import forecast

    before = forecast(dataset, base, CHOICE, reference_dir=tmp_path)
    assert before.stored == 0 and before.seconds.reference > 0
    assert list(tmp_path.iterdir()) == []
    from trainer.training.train import train

    train(dataset, base, CHOICE, tmp_path / "run", lambda report: None, reference_dir=tmp_path)
    file = tmp_path / "reference.db"
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    after = forecast(dataset, base, CHOICE, reference_dir=tmp_path)
    assert (after.stored, after.seconds.reference) == (48, 0.0)
    assert hashlib.sha256(file.read_bytes()).hexdigest() == digest


def test_empty_dataset_says_so(base, tmp_path):
    from trainer.estimate.forecast import forecast

    for name in ("choices", "pairs", "thumbs"):
        write_lines(tmp_path / f"{name}.jsonl", [])
    for objective in ("choice", "dpo"):
        recipe: Recipe = CHOICE.model_copy(update={"objective": objective})
        with pytest.raises(NothingToTrainOn, match="no rows at all"):
            forecast(tmp_path, base, recipe, reference_dir=tmp_path)


@pytest.mark.parametrize("objective", ["choice", "dpo"])
def test_a_dataset_whose_rows_are_all_held_out_says_so(base, tmp_path, objective):
    from trainer.estimate.forecast import forecast

    dataset = make_dataset(tmp_path / "data", train=0, validation=0, test=4)
    recipe = CHOICE.model_copy(update={"objective": objective})
    with pytest.raises(NothingToTrainOn, match="all its rows lie in test"):
        forecast(dataset, base, recipe, reference_dir=tmp_path)


def test_stages_add_up_to_the_steps_of_the_run_and_no_reference_is_read_twice(base, dataset, tmp_path):
    """24 choices and 24 held out, read once; 6 steps of one epoch, then 9 of one and a half."""
    from trainer.estimate.stages import add_up, forecast_stages, stages_to_json

    stages = (RecipeStage(epochs=1), RecipeStage(epochs=1.5))
    recipe = CHOICE.model_copy(update={"stages": stages})
    found = forecast_stages(dataset, base, recipe, reference_dir=tmp_path)
    assert [one.steps for one in found] == [6, 9] and [one.stored for one in found] == [0, 48]
    assert found[0].tokens.reference > 0 == found[1].tokens.reference
    told = stages_to_json(found)
    assert told["steps"] == 15 and told["seconds"]["total"] == pytest.approx(
        sum(one.seconds.total for one in found)
    )
    assert add_up(found).load == found[0].seconds.load + found[1].seconds.load
    assert told["need"]["memory"] == max(one.need.memory for one in found)
    assert told["need"]["seconds"] == pytest.approx(sum(one.need.seconds for one in found))
    assert list(tmp_path.iterdir()) == []
