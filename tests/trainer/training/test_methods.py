"""Each method of a recipe trains, and our readings of its adapter are those of PEFT's own forward pass."""

import json
from functools import cache
from pathlib import Path

import pytest

from tests.trainer.conftest import TINY
from tests.trainer.tiny import QUESTIONS, WARM
from tests.trainer.training.test_train import train_here

CHOICE = TINY.model_copy(update={"objective": "choice", "batch_size": 8, "epochs": 1})
VIRTUAL = ("prompt", "p_tuning", "prefix")
METHODS = ("lora", "qlora", *VIRTUAL)
NATS = 1e-4  # of a whole reply


@pytest.fixture(scope="module")
def train_by(base, dataset, tmp_path_factory):
    """Trains by a method, once for all tests here."""

    @cache
    def train(method: str):
        if method == "qlora":
            pytest.importorskip("bitsandbytes", reason="bitsandbytes is not installed")
        recipe = CHOICE.model_copy(update={"method": method, "virtual_tokens": 4})
        return train_here(dataset, base, recipe, tmp_path_factory.mktemp(method))

    return train


def read_rows(base: Path):
    from transformers import AutoTokenizer

    from trainer.data.tokens import PairTokens, encode_prompt, encode_reply

    tokenizer = AutoTokenizer.from_pretrained(base)
    return [
        PairTokens(
            encode_prompt(tokenizer, [{"role": "user", "content": QUESTIONS[place]}], {}),
            encode_reply(tokenizer, WARM[place % 2]),
        )
        for place in range(3)
    ]


def score_plainly(model, rows) -> list[float]:
    """The log-probability of each reply by a forward pass of the model alone, row by row."""
    import torch

    found = []
    for row in rows:
        ids = torch.tensor([[*row.prompt_ids, *row.reply_ids]])
        with torch.no_grad():
            logits = model(input_ids=ids, attention_mask=torch.ones_like(ids), use_cache=False).logits
        nats = torch.log_softmax(logits[0, -len(row.reply_ids) - 1 : -1].double(), -1)
        found.append(float(nats.gather(1, torch.tensor(row.reply_ids)[:, None]).sum()))
    return found


@pytest.mark.parametrize("method", METHODS)
def test_scores_are_those_of_pefts_own_forward_pass(base, train_by, method):
    from peft import PeftModel

    from trainer.base_model import load_base
    from trainer.evaluation.scoring import Scorer

    folder = train_by(method).adapter_dir
    rows = read_rows(base)
    scorer = Scorer(base, threads=1)
    scorer.attach("own", folder)
    ours = [float(values.sum(dtype="float64")) for values in scorer.score(rows, "own")]
    model = PeftModel.from_pretrained(load_base(base, "float32"), str(folder)).eval()
    assert ours == pytest.approx(score_plainly(model, rows), abs=NATS)
    plain = [float(values.sum(dtype="float64")) for values in scorer.score(rows)]
    assert plain == pytest.approx(score_plainly(load_base(base, "float32").eval(), rows), abs=NATS)
    assert max(abs(one - other) for one, other in zip(ours, plain, strict=True)) > 100 * NATS


@pytest.mark.parametrize("method", ["lora", "qlora"])
def test_merged_and_unmerged_are_equal(base, train_by, method):
    from peft import PeftModel

    from trainer.base_model import load_base

    rows = read_rows(base)
    model = PeftModel.from_pretrained(load_base(base, "float32"), str(train_by(method).adapter_dir)).eval()
    apart = score_plainly(model, rows)
    assert score_plainly(model.merge_and_unload(), rows) == pytest.approx(apart, abs=NATS)


@pytest.mark.parametrize("method", METHODS)
def test_training_reads_what_peft_reads(base, dataset, method):
    """Before the first step and in the form in which training reads: packed where that is possible."""
    import torch
    from peft import get_peft_model
    from transformers import AutoTokenizer, set_seed

    from trainer.base_model import load_base
    from trainer.objectives.arguments import build_method
    from trainer.objectives.choice.prepare import read_choices
    from trainer.packing.logprobs import PackedScorer

    if method == "qlora":
        pytest.importorskip("bitsandbytes", reason="bitsandbytes is not installed")
    recipe = CHOICE.model_copy(update={"method": method, "virtual_tokens": 4})
    examples = read_choices(dataset, base, AutoTokenizer.from_pretrained(base), recipe).found.examples[:2]
    set_seed(1)
    plain = load_base(base, "float32", quantised=method == "qlora")
    model = get_peft_model(plain, build_method(base, recipe)).eval()
    from trainer.data.tokens import PairTokens

    rows = [PairTokens(list(one.prompt_ids), list(reply)) for one in examples for reply in one.replies]
    wanted = score_plainly(model, rows)
    reader = PackedScorer(model)
    with torch.no_grad():
        found = reader.read(model, examples).tolist()
    assert found == pytest.approx(wanted, abs=NATS)
    assert (reader.obstacle is None) == (method in ("lora", "qlora"))


@pytest.mark.parametrize("method", VIRTUAL)
def test_virtual_tokens_say_why_rows_are_not_packed(train_by, method):
    metrics = train_by(method).metrics
    assert metrics["unpacked"] == "its method puts virtual tokens before each reply's prompt"
    assert metrics["need"]["method"] == method


def test_an_adapter_of_qlora_is_plain_lora(base, train_by):
    from serving.adapters.check import check_adapter

    folder = train_by("qlora").adapter_dir
    assert sorted(path.name for path in folder.iterdir()) == [
        "adapter_config.json",
        "adapter_model.safetensors",
    ]
    assert json.loads((folder / "adapter_config.json").read_text())["peft_type"] == "LORA"
    assert check_adapter(folder, base=base, max_rank=8).rank == 4
