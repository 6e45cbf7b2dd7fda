"""The trainer's side of every family: it learns, and it says what a plain forward pass says.

The oracle reads one reply a forward, nothing packed, nothing padded, with transformers' eager attention.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from serving.adapters.check import check_adapter
from serving.errors import AdapterRefused, BaseUnfit
from serving.facts.profile import read_profile
from tests.families.table import FAMILIES
from tests.trainer.objectives.written import write_dataset
from tests.trainer.tiny import QUESTIONS, WARM
from trainer.data.example import Example
from trainer.data.tokens import PairTokens, encode_prompt, encode_reply
from trainer.recipes.recipe import Recipe

NATS = 1e-4  # a reply
TRAINED = [name for name, family in FAMILIES.items() if family.unfit is None]
QUICK = Recipe(
    name="family", learning_rate=1e-2, batch_size=3, rank=4, alpha=8, max_length=200, checkpoint_steps=5,
    threads=1,
)  # fmt: skip


def learn(choices: Path, base: Path, run_dir: Path, **changes: Any) -> Any:
    """Two steps."""
    from trainer.training.train import train

    trained = train(choices, base, QUICK.model_copy(update=changes), run_dir, lambda report: None)
    assert trained.metrics["steps"] == 2
    return trained


def encode_example(tokenizer: Any) -> Example:
    """One prompt with three replies, of which one is a single token: its end."""
    prompt = encode_prompt(tokenizer, [{"role": "user", "content": QUESTIONS[0]}], {})
    replies = (*(tuple(encode_reply(tokenizer, text)) for text in WARM), (tokenizer.eos_token_id,))
    return Example("e", "c", tuple(prompt), replies, (), 0, 0.1, None, 1.0)


def read_alone(model: Any, example: Example) -> list[float]:
    """The summed log-probability of each reply, each in a forward pass of its own."""
    import torch

    sums = []
    for reply in example.replies:
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([[*example.prompt_ids, *reply]])).logits[0]
        found = torch.log_softmax(logits.float(), dim=-1)[len(example.prompt_ids) - 1 : -1]
        sums.append(float(found.gather(1, torch.tensor(reply)[:, None]).sum()))
    return sums


def load_oracle(base: Path) -> Any:
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32, attn_implementation="eager")
    return model.eval()


@pytest.mark.parametrize("name", TRAINED)
def test_choices_are_learnt_and_scores_are_those_of_a_plain_forward_pass(name, find_base, choices, tmp_path):
    from peft import PeftModel

    from trainer.base_model import load_base
    from trainer.evaluation.scoring import Scorer
    from trainer.packing.logprobs import PackedScorer

    family, base = FAMILIES[name], find_base(name)
    trained = learn(choices, base, tmp_path / "run")
    unpacked = trained.metrics["unpacked"]
    assert unpacked is None if family.unpacked is None else family.unpacked in unpacked, unpacked
    if family.refused is None:
        facts = check_adapter(trained.adapter_dir, base=base, max_rank=16)
        assert facts.modules == read_profile(base).adapter_layers
    else:
        with pytest.raises(AdapterRefused, match=family.refused):
            check_adapter(trained.adapter_dir, base=base, max_rank=16)

    scorer = Scorer(base, threads=1)
    scorer.attach("tuned", trained.adapter_dir)
    example = encode_example(scorer.tokenizer)
    rows = [PairTokens(list(example.prompt_ids), list(reply)) for reply in example.replies]
    plain = read_alone(load_oracle(base), example)
    oracle = PeftModel.from_pretrained(load_oracle(base), str(trained.adapter_dir)).eval()
    tuned = read_alone(oracle, example)
    assert max(abs(one - other) for one, other in zip(plain, tuned, strict=True)) > 0.01
    assert [float(row.sum()) for row in scorer.score(rows)] == pytest.approx(plain, abs=NATS)
    assert [float(row.sum()) for row in scorer.score(rows, "tuned")] == pytest.approx(tuned, abs=NATS)

    model = PeftModel.from_pretrained(load_base(base, "float32"), str(trained.adapter_dir)).eval()
    reader = PackedScorer(model)
    reader.check(model, example)
    assert reader.read(model, [example]).tolist() == pytest.approx(tuned, abs=NATS)


@pytest.mark.parametrize("name", TRAINED)
def test_pairs_are_learnt(name, find_base, choices, tmp_path):
    base = find_base(name)
    trained = learn(choices, base, tmp_path / "run", objective="dpo", batch_size=9, max_held_out_pairs=2)
    learnt = json.loads((trained.adapter_dir / "adapter_config.json").read_text())["target_modules"]
    assert tuple(sorted(learnt)) == read_profile(base).adapter_layers


@pytest.mark.parametrize("objective", ["sft", "kto"])
@pytest.mark.parametrize(
    "name", ["qwen3", "gemma3", "gemma2", "qwen3-moe", "gpt-oss", "falcon", "qwen3-next"]
)
def test_texts_and_thumbs_are_learnt(name, objective, find_base, tmp_path):
    written = write_dataset(tmp_path / "written", texts=4, ups=2, downs=2, held_out=2)
    changes = {"objective": objective, "batch_size": 2, "min_texts": 4, "min_thumbs": 2}
    trained = learn(written, find_base(name), tmp_path / "run", **changes)
    learnt = json.loads((trained.adapter_dir / "adapter_config.json").read_text())["target_modules"]
    assert tuple(sorted(learnt)) == read_profile(find_base(name)).adapter_layers
    assert trained.metrics["held_out_loss"] > 0 and trained.metrics["refusals"] == {}


@pytest.mark.parametrize("name", [name for name in FAMILIES if name not in TRAINED])
def test_family_that_cannot_be_trained_is_refused_before_anything_is_loaded(name, find_base, tmp_path):
    with pytest.raises(BaseUnfit, match=FAMILIES[name].unfit):
        learn(tmp_path / "no choices", find_base(name), tmp_path / "run")


@pytest.mark.parametrize("name", ["qwen3", "falcon", "gpt-oss", "deepseek-v3"])
def test_packed_rows_are_used_in_bfloat16_where_they_are_in_float32(name, find_base, choices, tmp_path):
    unpacked = learn(choices, find_base(name), tmp_path / "run", dtype="bfloat16").metrics["unpacked"]
    assert unpacked is None if (why := FAMILIES[name].unpacked) is None else why in unpacked
