"""Methods `full`, `freeze` and `progressive`: what of the base they change, and that the checkpoint they end
in computes what was trained.
"""

import shutil
from functools import cache

import pytest

from serving.adapters.checkpoint import check_checkpoint
from serving.adapters.staging import stage_checkpoint, verify_staged
from serving.base import is_whole_model
from serving.errors import AdapterRefused
from tests.trainer.conftest import TINY
from tests.trainer.objectives.written import write_dataset
from tests.trainer.training.test_methods import NATS, read_rows, score_plainly

CHOICE = TINY.model_copy(
    update={"objective": "choice", "batch_size": 8, "epochs": 1, "learning_rate": 1e-3, "checkpoint_steps": 2}
)
NAME = "tuned-20260101-1"


def train_here(dataset, base, recipe, run, listener=lambda report: None, **more):
    from trainer.training.train import train

    return train(dataset, base, recipe, run, listener, **more)


@pytest.fixture(scope="module")
def train_by(base, dataset, trained, tmp_path_factory):
    """Trains by a method, once for all tests here; `progressive` on the adapter of the other tests."""

    @cache
    def train(method: str, objective: str = "choice"):
        recipe = CHOICE.model_copy(update={"method": method, "objective": objective, "min_texts": 1})
        earlier = trained.adapter_dir if method == "progressive" else None
        run = tmp_path_factory.mktemp(method)
        data = write_dataset(run / "texts", texts=24) if objective == "sft" else dataset
        return train_here(data, base, recipe, run, earlier=earlier)

    return train


def read_weights(folder):
    from trainer.base_model import load_base

    return {name: value.clone() for name, value in load_base(folder, "float32").state_dict().items()}


def list_changed(base, folder) -> set[str]:
    import torch

    before, after = read_weights(base), read_weights(folder)
    assert before.keys() == after.keys()
    return {name for name in before if not torch.equal(before[name], after[name])}


@pytest.mark.parametrize("method", ["full", "freeze", "progressive"])
def test_scores_are_those_of_the_models_own_forward_pass(base, train_by, method):
    from trainer.base_model import load_base
    from trainer.evaluation.scoring import Scorer

    folder, rows = train_by(method).adapter_dir, read_rows(base)
    scorer = Scorer(base, threads=1)
    scorer.attach("own", folder)
    ours = [float(values.sum(dtype="float64")) for values in scorer.score(rows, "own")]
    plain = [float(values.sum(dtype="float64")) for values in scorer.score(rows)]
    assert ours == pytest.approx(score_plainly(load_base(folder, "float32").eval(), rows), abs=NATS)
    assert plain == pytest.approx(score_plainly(load_base(base, "float32").eval(), rows), abs=NATS)
    assert max(abs(one - other) for one, other in zip(ours, plain, strict=True)) > 100 * NATS
    written = scorer.generate([rows[0].prompt_ids], "own", max_new_tokens=8)
    again = Scorer(folder, threads=1).generate([rows[0].prompt_ids], None, max_new_tokens=8)
    assert written == again


def test_full_changes_every_weight_and_freeze_no_byte_of_what_is_frozen(base, train_by):
    everything = set(read_weights(base))
    assert list_changed(base, train_by("full").adapter_dir) == everything
    changed = list_changed(base, train_by("freeze").adapter_dir)
    frozen = {name for name in everything if name.startswith(("model.embed_tokens.", "model.layers.0."))}
    assert len(frozen) == 13 and not changed & frozen
    assert changed == everything - frozen


@pytest.mark.parametrize("method", ["full", "freeze"])
def test_the_gradient_of_a_step_is_that_of_separate_rows(base, dataset, method):
    """Packed rows and a head read in chunks, against the plain likelihood of each reply."""
    import torch
    from transformers import AutoTokenizer

    from trainer.base_model import freeze_lower, load_base
    from trainer.objectives.choice.prepare import read_choices
    from trainer.packing.logprobs import PackedScorer

    recipe = CHOICE.model_copy(update={"method": method})
    examples = read_choices(dataset, base, AutoTokenizer.from_pretrained(base), recipe).found.examples[:2]
    model = load_base(base, "float32")
    freeze_lower(model, recipe)
    reader = PackedScorer(model)
    assert reader.obstacle is None
    reader.read(model, examples).sum().backward()
    packed = {name: weight.grad.clone() for name, weight in model.named_parameters() if weight.requires_grad}
    model.zero_grad()
    model.set_attn_implementation("sdpa")
    total = torch.zeros(())
    for example in examples:
        for reply in example.replies:
            ids = torch.tensor([[*example.prompt_ids, *reply]])
            logits = model(input_ids=ids, use_cache=False).logits[0, -len(reply) - 1 : -1]
            total = total + torch.log_softmax(logits, -1).gather(1, torch.tensor(reply)[:, None]).sum()
    total.backward()
    for name, weight in model.named_parameters():
        if weight.requires_grad:
            torch.testing.assert_close(packed[name], weight.grad, atol=2e-4, rtol=1e-3)


def test_a_progressive_run_of_no_effect_is_base_and_earlier_adapter(base, dataset, trained, tmp_path):
    from peft import PeftModel

    from trainer.base_model import load_base

    recipe = CHOICE.model_copy(update={"method": "progressive", "learning_rate": 1e-12})
    folder = train_here(dataset, base, recipe, tmp_path, earlier=trained.adapter_dir).adapter_dir
    rows = read_rows(base)
    apart = PeftModel.from_pretrained(load_base(base, "float32"), str(trained.adapter_dir)).eval()
    assert score_plainly(load_base(folder, "float32").eval(), rows) == pytest.approx(
        score_plainly(apart, rows), abs=NATS
    )


def test_a_progressive_run_learns_on_top_of_the_earlier_adapter(base, trained, train_by):
    changed = list_changed(base, train_by("progressive").adapter_dir)
    assert changed and all("_proj.weight" in name for name in changed)
    assert train_by("progressive").metrics["need"]["method"] == "progressive"


def test_sft_trains_all_weights_too(base, train_by):
    assert "model.norm.weight" in list_changed(base, train_by("full", "sft").adapter_dir)


def test_a_killed_run_goes_on_to_the_same_bytes(base, dataset, train_by, tmp_path):
    from trainer.errors import TrainerError

    recipe = CHOICE.model_copy(update={"method": "full", "min_texts": 1})

    class Killed(TrainerError):
        pass

    def stop(report):
        if report.step == 3:
            raise Killed

    with pytest.raises(Killed):
        train_here(dataset, base, recipe, tmp_path, stop)
    result = train_here(dataset, base, recipe, tmp_path)
    assert result.metrics["resumed_from"] == "checkpoint-2"
    name = "model.safetensors"
    assert (result.adapter_dir / name).read_bytes() == (train_by("full").adapter_dir / name).read_bytes()


def test_a_checkpoint_is_staged_once_with_the_hash_of_every_file(base, train_by, tmp_path):
    folder = train_by("full").adapter_dir
    facts = check_checkpoint(folder, base=base)
    assert is_whole_model(folder) and facts.dtype == "F32"
    assert (
        set(facts.sha256) == {path.name for path in folder.iterdir()} > {"config.json", "model.safetensors"}
    )
    target = stage_checkpoint(folder, tmp_path, NAME, base=base)
    assert stage_checkpoint(folder, tmp_path, NAME, base=base) == target
    assert verify_staged(target)["sha256"] == facts.sha256
    with pytest.raises(AdapterRefused, match="holds another adapter"):
        stage_checkpoint(train_by("freeze").adapter_dir, tmp_path, NAME, base=base)
    tokenizer = target / "weights" / "tokenizer.json"
    tokenizer.unlink()
    tokenizer.write_text("{}")
    with pytest.raises(AdapterRefused, match="not those that were staged"):
        verify_staged(target)


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda folder: (folder / "config.json").write_text("{}"), "config_invalid"),
        (lambda folder: (folder / "chat_template.jinja").unlink(), "missing_file"),
        (lambda folder: (folder / "run.py").write_text(""), "unexpected_file"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"1"), "truncated"),
        (lambda folder: (folder / "model.safetensors").unlink(), "missing_weight"),
    ],
    ids=["config", "template", "code", "cut", "none"],
)
def test_a_checkpoint_that_is_none_of_this_base_is_refused(base, train_by, tmp_path, spoil, code):
    folder = tmp_path / "checkpoint"
    shutil.copytree(train_by("full").adapter_dir, folder)
    spoil(folder)
    with pytest.raises(AdapterRefused) as refused:
        check_checkpoint(folder, base=base)
    assert refused.value.reason_code == code


def test_a_disk_that_is_too_full_is_refused_before_anything_loads(base, dataset, tmp_path, monkeypatch):
    from trainer.errors import DiskShort
    from trainer.estimate import disk

    recipe = CHOICE.model_copy(update={"method": "full", "min_texts": 1})
    total = sum(value.numel() for value in read_weights(base).values())
    needed = 3 * 12 * total + 4 * total
    assert disk.count_bytes(base, recipe) == needed

    def find_usage(free: int):
        return lambda path: shutil._ntuple_diskusage(10**12, 10**12 - free, free)

    monkeypatch.setattr(disk.shutil, "disk_usage", find_usage(needed - 10_000))
    with pytest.raises(DiskShort, match=rf"and {needed - 10_000:,} are free") as refused:
        train_here(dataset, base, recipe, tmp_path)
    assert refused.value.needed == needed
    assert not (tmp_path / "adapter").exists()
