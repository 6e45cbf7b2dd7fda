"""Counts by hand; steps against runs that were made. How long steps take is reported, not tested."""

import hashlib
import sys

import pytest

from tests.trainer.conftest import TINY
from tests.trainer.conversations import make_conversation, write_talks
from tests.trainer.tiny import write_lines
from tests.trainer.training.test_train import train_here
from trainer.data.example import Example, Stage
from trainer.errors import NothingToTrainOn
from trainer.recipes.recipe import Recipe

CHOICE = TINY.model_copy(update={"objective": "choice", "batch_size": 4, "epochs": 1})


def example(number: int, prompt: int, replies: tuple[int, ...], *stages: Stage) -> Example:
    texts = tuple(
        tuple(100 * place + token for token in range(size)) for place, size in enumerate(replies, 1)
    )
    return Example(f"e{number}", f"c{number}", tuple(range(prompt)), texts, stages, None, 0.0, None, 1.0)


def decide(options: int, *won: int) -> Stage:
    return Stage(tuple(range(options)), won, (0.0,) * options, 0.0)


def test_tokens_by_hand():
    from trainer.estimate.forecast import count_choices

    examples = [
        example(1, 40, (6, 6, 6, 6), decide(4, 2)),  # 3 pairs of 2 x 46
        example(2, 10, (5, 4, 3), decide(3, 0, 1)),  # a tie: 2 x 10 + 5 + 3, 2 x 10 + 4 + 3
        example(3, 20, (7, 2, 1), decide(3, 0), Stage((1, 2), (1,), (0.0, 0.0), 0.1)),  # 49, 48, 43
        example(4, 8, (9,)),  # a thumb
    ]
    found = count_choices(examples, examples[:2], CHOICE, packed=True)
    assert (found.prompt, found.reply) == (78, 24 + 12 + 10 + 9)
    assert found.packed == 78 + 55
    assert found.pairs == 3 * 92 + 28 + 27 + 49 + 48 + 43
    assert found.held_out == 64 + 22
    apart = count_choices(examples, [], CHOICE, packed=False)
    assert apart.packed == 4 * 46 + (15 + 14 + 13) + (27 + 22 + 21) + 17


def test_tokens_of_conversations_are_those_of_the_batches_of_a_run():
    from trainer.estimate.forecast import count_alone, count_choices

    turns = [
        turn for name in "ab" for turn in make_conversation(5, name=name, first=200, reply=60, between=60)
    ]
    trees = CHOICE.model_copy(update={"trees": True, "batch_size": 5})
    assert count_choices(turns, [], CHOICE, packed=True).packed == 2 * 3_400
    assert count_choices(turns, turns, trees, packed=True).packed == 2 * 1_640
    assert count_alone(turns) == 2 * 3_400  # the reference is read one example a row
    # In fours: 4 turns of one, the fifth with 3 of the other, and 2 more, with the history twice.
    fours = trees.model_copy(update={"batch_size": 4})
    four, three = 560 + 3 * 180 + 240, 440 + 2 * 180 + 240
    two = 680 + 180 + 240
    assert count_choices(turns, [], fours, packed=True).packed == four + (680 + 240 + three) + two


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
        {"trees": True, "batch_size": 3},
        {"batch_size": 5, "epochs": 1, "min_steps": 9},
        {"objective": "dpo", "batch_size": 12, "epochs": 1, "min_steps": 9},
    ],
    ids=["choice", "dpo", "trees", "few_choices", "few_pairs"],
)
def test_forecast_names_the_steps_of_the_run(base, dataset, tmp_path, changes):
    from trainer.estimate.forecast import forecast

    if "trees" in changes:
        dataset = write_talks(tmp_path / "talks")
        changes = changes | {"max_length": 256}
    recipe = CHOICE.model_copy(update=changes)
    found = forecast(dataset, base, recipe, reference_dir=tmp_path)
    metrics = train_here(dataset, base, recipe, tmp_path / "run").metrics
    assert found.steps == metrics["steps"] >= recipe.min_steps
    names = ("pairs_trained", "pairs_held_out") if recipe.objective == "dpo" else (
        "examples_trained", "examples_held_out"
    )  # fmt: skip
    assert (found.examples, found.held_out) == tuple(metrics[name] for name in names)
    assert found.refusals == metrics["refusals"]
    assert found.measured.steps == min(found.steps, 5) - 1 and found.measured.skipped == 1
    assert 0 < found.measured.tokens < found.tokens.pairs
    assert found.seconds.training > 0 and found.seconds.checks > 0
    assert found.to_json()["seconds"]["total"] == found.seconds.total


def test_one_step_is_timed_where_there_is_no_other(base, dataset, tmp_path):
    from trainer.estimate.forecast import forecast

    recipe = CHOICE.model_copy(update={"max_examples": 3, "reference": "run"})
    found = forecast(dataset, base, recipe, reference_dir=tmp_path)
    assert (found.steps, found.measured.steps, found.measured.skipped) == (1, 1, 0)
    assert found.refusals == {"over_limit": 21} and found.stored is None
    assert found.measured.tokens == found.tokens.packed and found.seconds.reference == 0


def test_stored_references_cost_nothing_and_the_file_is_left_alone(base, dataset, tmp_path):
    from trainer.estimate.forecast import forecast

    before = forecast(dataset, base, CHOICE, reference_dir=tmp_path)
    assert (before.stored, before.replies) == (0, 192) and before.seconds.reference > 0
    assert list(tmp_path.iterdir()) == []
    from trainer.training.train import train

    train(dataset, base, CHOICE, tmp_path / "run", lambda report: None, reference_dir=tmp_path)
    file = tmp_path / "reference.db"
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    after = forecast(dataset, base, CHOICE, reference_dir=tmp_path)
    assert (after.stored, after.seconds.reference) == (192, 0.0)
    assert hashlib.sha256(file.read_bytes()).hexdigest() == digest


def test_empty_dataset_says_so(base, tmp_path):
    from trainer.estimate.forecast import forecast

    for name in ("choices", "pairs", "thumbs"):
        write_lines(tmp_path / f"{name}.jsonl", [])
    for objective in ("choice", "dpo"):
        recipe: Recipe = CHOICE.model_copy(update={"objective": objective})
        with pytest.raises(NothingToTrainOn):
            forecast(tmp_path, base, recipe, reference_dir=tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not tell")
def test_the_peak_of_a_block_is_seen_after_it_is_gone():
    import torch

    from trainer.estimate.peak_memory import watch_peak

    if torch.cuda.is_available():
        pytest.skip("the accelerator is watched where there is one")
    with watch_peak() as found:
        torch.ones(64 * 2**20, dtype=torch.uint8)
    if found.grown is None:
        pytest.skip("this system forbids the reset of the peak")
    assert 60 * 2**20 < found.grown < 200 * 2**20
