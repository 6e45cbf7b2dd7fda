"""Training on whole conversations: the same step as on rows apart, the same order wherever a run begins."""

from dataclasses import replace

import pytest

from tests.trainer.causal import make_causal, read_gradients
from tests.trainer.conftest import TINY
from tests.trainer.conversations import make_conversation, write_talks
from tests.trainer.tiny import find_rounding
from tests.trainer.training.test_train import digest, train_here
from trainer.data.example import Example, Stage
from trainer.packing.rows import count_tokens, pack_row
from trainer.progress import Report

pytestmark = pytest.mark.rounding

TREES = TINY.model_copy(update={"objective": "choice", "batch_size": 4, "row_tokens": 400, "max_length": 256})


@pytest.fixture(scope="module")
def talks(tmp_path_factory):
    """24 choices of 6 conversations to learn from: 12 steps of 4 in two epochs."""
    return write_talks(tmp_path_factory.mktemp("talks") / "data")


def test_turns_stand_together_in_an_order_of_seed_and_epoch_alone():
    from trainer.objectives.choice.example_set import ConversationSet

    turns = [turn for name in "abcdef" for turn in make_conversation(3, name=name)]
    mixed = [*turns[2::3], *turns[1::3], *turns[::3]]

    def order(*, epoch, seed=1, examples=mixed):
        found = ConversationSet(examples, seed)
        found.set_epoch(epoch)
        return [found[place].id for place in range(len(found))]

    names = [name.split("-")[0] for name in order(epoch=0)]
    assert names == [name for name in names[::3] for _ in range(3)] and sorted(names[::3]) == list("abcdef")
    assert [name.split("-")[1] for name in order(epoch=0)] == ["0", "1", "2"] * 6
    assert order(epoch=1) != order(epoch=0) != order(epoch=0, seed=2)
    again = ConversationSet(mixed, 1)
    for epoch in (0, 1, 2, 1):  # wherever a run came from
        again.set_epoch(epoch)
    assert [again[place].id for place in range(len(again))] == order(epoch=1)


def test_the_examples_of_the_tokenizer_share_their_history(base, talks):
    """What the template renders after a reply and before the next is in the tree, too."""
    from transformers import AutoTokenizer

    from trainer.objectives.choice.prepare import read_choices

    tokenizer = AutoTokenizer.from_pretrained(base)
    examples = read_choices(talks, base, tokenizer, TREES).found.examples
    assert len(examples) == 24
    for name in {example.conversation for example in examples}:
        turns = [example for example in examples if example.conversation == name]
        row = pack_row(turns)
        prefixes = [block for number, block in enumerate(row.blocks) if block.prefix_block == number]
        assert len(turns) == 4 and len(prefixes) == 1
        assert prefixes[0].stop == max(len(turn.prompt_ids) for turn in turns)
        assert row.ids.numel() < 0.6 * sum(map(count_tokens, turns))


def test_a_step_is_that_of_rows_apart(tmp_path):
    import torch
    from transformers import TrainingArguments

    from trainer.objectives.choice.trainer import ChoiceTrainer
    from trainer.packing.logprobs import PackedScorer

    turns = [*make_conversation(4, name="a"), *make_conversation(4, name="b", edited=1, cut=3)]
    stage = Stage((0, 1, 2, 3), (1,), (0.3, 0.1, 0.0, -0.2), 0.1)
    examples = [
        Example(turn.id, turn.conversation, turn.prompt_ids, turn.replies, (stage,), 1, 0.1, None, weight)
        for turn, weight in zip(turns, (1.0, 0.5, 0.25, 2.0) * 2, strict=True)
    ]
    losses, gradients = [], []
    apart = [replace(example, conversation=example.id) for example in examples]
    for given in (apart, examples):
        model = make_causal("Qwen3")
        arguments = TrainingArguments(
            output_dir=str(tmp_path), use_cpu=True, report_to=[], disable_tqdm=True,
            remove_unused_columns=False, train_sampling_strategy="sequential",
        )  # fmt: skip
        trainer = ChoiceTrainer(
            model, PackedScorer(model), beta=0.1, row_tokens=200, tolerance=lambda tokens: 1e9,
            train=given, held_out=[], args=arguments,
        )  # fmt: skip
        weight = torch.tensor(sum(example.weight for example in examples))
        losses.append(float(trainer.training_step(model, given, weight)))
        gradients.append(read_gradients(model))
    assert losses[1] == pytest.approx(losses[0], rel=1e-5)
    for name, gradient in gradients[0].items():
        assert float((gradient - gradients[1][name]).norm()) < 1e-5 * float(gradient.norm()), name


def test_resumed_in_the_second_epoch_equals_uninterrupted(base, talks, tmp_path):
    reports: list[Report] = []
    whole = train_here(talks, base, TREES, tmp_path / "whole", reports)
    steps = [report for report in reports if report.held_out_loss is None]
    assert [report.step for report in steps] == list(range(1, 13))
    assert abs(steps[0].margin) <= 2 * TREES.beta * find_rounding(talks, base)
    assert steps[-1].margin > 0.3
    half = tmp_path / "half"
    (half / "checkpoints").mkdir(parents=True)
    (tmp_path / "whole" / "checkpoints" / "checkpoint-10").rename(half / "checkpoints" / "checkpoint-10")
    resumed = train_here(talks, base, TREES, half)
    assert resumed.metrics["resumed_from"] == "checkpoint-10"
    assert digest(resumed.adapter_dir) == digest(whole.adapter_dir)
