"""How a base is read in a run: in its own number format, nothing of it held twice, and in packed rows as long
as these do not fail.
"""

from functools import partial

import pytest

from tests.trainer.objectives.choice.test_choice_train import CHOICE
from tests.trainer.training.test_train import train_here
from trainer.packing.tolerance import find_tolerance


@pytest.mark.parametrize("bf16", [True, False])
def test_bfloat16_base_is_scored_as_it_is_with_statistics_in_float32(
    base, dataset, tmp_path, monkeypatch, bf16
):
    import torch
    from transformers import AutoTokenizer

    from trainer.base_model import load_base
    from trainer.objectives.arguments import build_lora, build_settings
    from trainer.objectives.choice.prepare import name_dtype, prepare_choices, read_choices
    from trainer.packing.logprobs import PackedScorer

    recipe = CHOICE.model_copy(update={"dtype": "bfloat16", "bf16": bf16})
    seen: list[tuple[set[torch.dtype], torch.dtype]] = []
    honest = PackedScorer.read

    def watch(self, model, examples):
        sums = honest(self, model, examples)
        frozen = {weight.dtype for name, weight in model.named_parameters() if "lora_" not in name}
        seen.append((frozen, sums.dtype))
        return sums

    monkeypatch.setattr(PackedScorer, "read", watch)
    data = read_choices(dataset, base, AutoTokenizer.from_pretrained(base), recipe)
    prepare = partial(prepare_choices, reference_dir=tmp_path)
    trainer, _ = prepare(
        data, load_base(base, "bfloat16"), recipe, build_lora(base, recipe), build_settings(recipe, tmp_path)
    )
    assert len(seen) == 48 and all(one == ({torch.bfloat16}, torch.float32) for one in seen)
    assert trainer.reader.obstacle is None
    assert name_dtype(recipe) == "bfloat16"  # the key of its reference: both compute the same

    plain = load_base(base, "bfloat16").eval()
    example = data.found.examples[0]
    assert len(example.replies) == 4
    for reply, found in zip(example.replies, trainer._known[example.id], strict=True):
        with torch.no_grad():
            logits = plain(input_ids=torch.tensor([[*example.prompt_ids, *reply]])).logits[0]
        nats = torch.log_softmax(logits.float(), dim=-1)[len(example.prompt_ids) - 1 : -1]
        wanted = float(nats.gather(1, torch.tensor(reply)[:, None]).sum())
        assert found == pytest.approx(wanted, abs=find_tolerance(len(reply), exact=False))


def test_row_that_fails_in_the_middle_of_a_run_is_told_at_its_end(base, dataset, tmp_path, monkeypatch):
    from trainer.packing.logprobs import PackedScorer

    honest, rows = PackedScorer._read_packed, []

    def fail_late(self, model, row):
        rows.append(row)
        if len(rows) == 60:  # after the check and the 48 of the reference
            raise RuntimeError("a shape that nobody foresaw")
        return honest(self, model, row)

    monkeypatch.setattr(PackedScorer, "_read_packed", fail_late)
    metrics = train_here(dataset, base, CHOICE, tmp_path).metrics
    assert metrics["steps"] == 12 and len(rows) == 60
    assert metrics["unpacked"] == "a packed row fails: a shape that nobody foresaw"
