"""Our runs with `sft`, `kto` and `dpo` against TRL's own trainers, which get strings and do the rest by
themselves: their tokens, their masks, their mismatched replies. Four steps over one batch, so that the
gradient of a step shows in the loss of the next.
"""

from typing import Any

import pytest

from tests.trainer.conftest import TINY
from tests.trainer.objectives.written import MORE, make_thumb, render, write_dataset
from tests.trainer.tiny import CURT, WARM, derive_pairs, make_choice, write_lines
from trainer.data.pair_rows import hash_share

pytestmark = pytest.mark.rounding

STEPS = 4
CHANGES = {"schedule": "constant_with_warmup", "warmup_share": 0.0, "min_texts": 2, "min_thumbs": 2}
RECIPE = TINY.model_copy(update={"batch_size": 8, "epochs": STEPS, "nll_weight": 0.0, **CHANGES})
COMMON: dict[str, Any] = {
    "learning_rate": 1e-2, "lr_scheduler_type": "constant", "max_grad_norm": 1.0, "num_train_epochs": STEPS,
    "per_device_train_batch_size": 8, "gradient_checkpointing": False, "bf16": False, "use_cpu": True,
    "logging_steps": 1, "save_strategy": "no", "report_to": [], "disable_tqdm": True, "max_length": None,
    "seed": 17,
}  # fmt: skip


def run_ours(base, dataset, folder, objective: str) -> list[float]:
    from trainer.training.train import train

    reports = []
    train(dataset, base, RECIPE.model_copy(update={"objective": objective}), folder, reports.append)
    return [report.loss for report in reports]


def run_theirs(base, rows, folder, trainer_class, config) -> list[float]:
    from datasets import Dataset
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM, AutoTokenizer

    layers = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    trainer = trainer_class(
        model=AutoModelForCausalLM.from_pretrained(base, dtype="float32"),
        args=config(output_dir=str(folder), **COMMON),
        train_dataset=Dataset.from_list(rows),
        processing_class=AutoTokenizer.from_pretrained(base),
        peft_config=LoraConfig(task_type="CAUSAL_LM", r=4, lora_alpha=8, target_modules=layers),
    )
    trainer.train()
    return [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]


def compare(ours: list[float], theirs: list[float]) -> None:
    assert len(ours) == STEPS and abs(ours[-1] - ours[0]) > 1e-3  # something was learnt
    assert ours == pytest.approx(theirs, rel=1e-4)


def test_sft_has_the_losses_of_trl(base, tmp_path):
    from trl import SFTConfig, SFTTrainer

    dataset = write_dataset(tmp_path / "data", texts=4)
    texts = [
        WARM[0] + MORE,
        "Parcel 1 left the house this morning .",
        WARM[0] + MORE,
        "Parcel 3 left the house this morning .",
    ]
    rows = [{"prompt": render(number), "completion": text} for number, text in enumerate(texts)]
    ours = run_ours(base, dataset, tmp_path / "ours", "sft")
    compare(ours, run_theirs(base, rows, tmp_path / "theirs", SFTTrainer, SFTConfig))


def test_kto_has_the_losses_of_trl(base, tmp_path):
    """Five thumbs up to three down are 5:3; a weight of 0.8 makes them 4:3."""
    from trl import KTOConfig, KTOTrainer

    dataset = write_dataset(tmp_path / "data", ups=5, downs=3)
    rows = [
        {
            "prompt": render(number),
            "completion": (WARM if number < 5 else CURT)[number % 2],
            "label": number < 5,
        }
        for number in sorted(range(8), key=lambda n: hash_share("select", 17, f"thumbs/live/t{n}"))
    ]

    def config(**values):
        return KTOConfig(beta=0.1, desirable_weight=0.8, undesirable_weight=1.0, **values)

    ours = run_ours(base, dataset, tmp_path / "ours", "kto")
    assert ours[0] == pytest.approx((5 * 0.8 + 3) / 8 * 0.5)  # before any update all log-ratios are 0
    compare(ours, run_theirs(base, rows, tmp_path / "theirs", KTOTrainer, config))


def test_dpo_has_the_losses_of_trl(base, tmp_path):
    from trl import DPOConfig, DPOTrainer

    choices = [make_choice(number, "train") for number in range(2)]
    (tmp_path / "data").mkdir()
    write_lines(tmp_path / "data" / "pairs.jsonl", [pair for each in choices for pair in derive_pairs(each)])
    rows = [
        {
            "prompt": render(number),
            "chosen": WARM[number % 2],
            "rejected": candidate["text"],
        }
        for number, each in enumerate(choices)
        for place, candidate in enumerate(each["candidates"])
        if place != each["picked"][0]
    ]
    assert len(rows) == 6
    ours = run_ours(base, tmp_path / "data", tmp_path / "ours", "dpo")
    compare(
        ours, run_theirs(base, rows, tmp_path / "theirs", DPOTrainer, lambda **v: DPOConfig(beta=0.1, **v))
    )


def test_thumbs_that_were_paired_are_thumbs_again(base, tmp_path):
    from transformers import AutoTokenizer

    from trainer.objectives.kto import read_thumb_data

    dataset = write_dataset(tmp_path / "data", ups=2, downs=2)
    up, down = make_thumb(20, up=True), make_thumb(20, up=False)
    pair = {
        "id": "t20/t21", "kind": "thumbs", "group": "g20", "source": "live", "prompt": up["prompt"],
        "chosen": up["completion"], "rejected": down["completion"], "weight": 0.3, "split": "train",
    }  # fmt: skip
    write_lines(dataset / "pairs.jsonl", [pair, pair | {"id": "other", "kind": "pick"}])
    data = read_thumb_data(dataset, AutoTokenizer.from_pretrained(base), RECIPE)
    assert sorted(row["label"] for row in data.found.examples) == [False] * 3 + [True] * 3
    assert data.weights == (1.0, 1.0)
