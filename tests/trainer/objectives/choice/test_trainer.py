"""One step of the `choice` trainer against arithmetic and against TRL."""

from math import log
from pathlib import Path

import pytest

from tests.trainer.causal import make_causal, make_examples, read_gradients
from trainer.data.example import Example, Stage

pytestmark = pytest.mark.rounding


def make_trainer(model, folder: Path, examples: list[Example], *, beta: float = 0.1, known=None):
    from transformers import TrainingArguments

    from trainer.objectives.choice.trainer import ChoiceTrainer
    from trainer.packing.logprobs import PackedScorer

    arguments = TrainingArguments(
        output_dir=str(folder),
        use_cpu=True,
        report_to=[],
        disable_tqdm=True,
        remove_unused_columns=False,
        per_device_train_batch_size=len(examples),
        gradient_accumulation_steps=1,
    )
    return ChoiceTrainer(
        model, PackedScorer(model), beta=beta, row_tokens=60, known=known, tolerance=lambda tokens: 1e9,
        train=examples, held_out=[], args=arguments,
    )  # fmt: skip


def step(trainer, model) -> float:
    """Forward and backward of one optimizer step over all examples; the loss."""
    loader = iter(trainer.get_train_dataloader())
    batches, weight = trainer.get_batch_samples(loader, 1, trainer.args.device)
    return float(trainer.training_step(model, batches[0], weight))


def as_pair(example: Example) -> Example:
    stage = Stage((0, 1), (0,), (0.0, 0.0), 0.0)
    return Example(
        example.id, example.conversation, example.prompt_ids, example.replies[:2], (stage,), 0, 0.0, None, 1.0
    )


def test_loss_of_a_step_is_the_mean_by_weight(tmp_path):
    """Before any update each decision among k costs ln k: weights 1, 0.5 and 0.25 for k = 2, 3 and 4."""
    import torch

    model = make_causal("Qwen3")
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.zeros_(weight)
    examples = []
    for example, weight in zip(make_examples(3), (1.0, 0.5, 0.25), strict=True):
        size = len(example.replies)
        stage = Stage(tuple(range(size)), (0,), (0.0,) * size, 0.1)
        examples.append(
            Example(
                example.id, example.id, example.prompt_ids, example.replies, (stage,), None, 0.0, None, weight
            )
        )
    found = step(make_trainer(model, tmp_path, examples), model)
    assert found == pytest.approx((log(2) + 0.5 * log(3) + 0.25 * log(4)) / 1.75, rel=1e-6)


def test_reference_in_the_run_and_known_give_the_same_gradient(tmp_path):
    import torch

    from trainer.objectives.choice.prepare import read_base
    from trainer.packing.logprobs import PackedScorer

    examples = make_examples(4)
    models = [make_causal("Qwen2"), make_causal("Qwen2")]
    base = read_base(models[1], PackedScorer(models[1]), examples)
    known = {example.id: tuple(sums) for example, sums in zip(examples, base, strict=True)}
    losses = [
        step(make_trainer(models[0], tmp_path, examples), models[0]),
        step(make_trainer(models[1], tmp_path, examples, known=known), models[1]),
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    ours, theirs = map(read_gradients, models)
    for name, gradient in ours.items():
        torch.testing.assert_close(gradient, theirs[name], atol=1e-5 * float(gradient.norm()), rtol=1e-3)


def test_pairs_give_the_loss_and_gradient_of_trl(tmp_path):
    """Both are fed the same ids, so both see EOS as the last token of a reply and nothing behind it."""
    from datasets import Dataset
    from peft import LoraConfig, get_peft_model_state_dict, set_peft_model_state_dict
    from transformers import AutoTokenizer
    from trl import DPOConfig

    from tests.trainer.tiny import make_base
    from trainer.objectives.dpo import PairTrainer

    pairs = [as_pair(example) for example in make_examples(6)]
    ours = make_causal("Qwen3")
    plain = make_causal("Qwen3").unload()
    rows = [
        {
            "prompt_ids": list(pair.prompt_ids),
            "chosen_ids": list(pair.replies[0]),
            "rejected_ids": list(pair.replies[1]),
        }
        for pair in pairs
    ]
    theirs = PairTrainer(
        model=plain,
        args=DPOConfig(
            output_dir=str(tmp_path / "trl"), beta=0.3, bf16=False, max_length=None,
            gradient_checkpointing=False, use_cpu=True, report_to=[], disable_tqdm=True,
            per_device_train_batch_size=6,
        ),
        train_dataset=Dataset.from_list(rows),
        processing_class=AutoTokenizer.from_pretrained(make_base(tmp_path / "base")),
        peft_config=LoraConfig(
            task_type="CAUSAL_LM", r=4, lora_alpha=8, target_modules="all-linear", lora_dropout=0.0
        ),
    )  # fmt: skip
    set_peft_model_state_dict(theirs.model, get_peft_model_state_dict(ours))
    (batch,) = theirs.get_train_dataloader()
    loss = theirs.compute_loss(theirs.model, batch)
    loss.backward()
    assert step(make_trainer(ours, tmp_path / "ours", pairs, beta=0.3), ours) == pytest.approx(
        loss.item(), rel=1e-5
    )
    mine, wanted = read_gradients(ours), read_gradients(theirs.model)
    assert len(mine) == 28 and set(mine) == set(wanted)
    for name, gradient in mine.items():
        assert float((gradient - wanted[name]).norm()) < 1e-5 * float(wanted[name].norm()), name
