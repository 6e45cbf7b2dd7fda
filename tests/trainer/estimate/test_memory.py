"""Parameters against models that were really made, bytes by hand."""

from pathlib import Path

import pytest

from tests.trainer.causal import SIZES
from tests.trainer.conftest import TINY
from trainer.estimate.memory import Parameters, count_parameters, find_needs
from trainer.recipes.recipe import Recipe


def lora_of(base: Path, recipe: Recipe):
    from trainer.objectives.arguments import build_lora

    return build_lora(base, recipe)


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("family", ["Qwen2", "Llama"])
def test_parameters_are_those_of_the_model_and_of_its_adapter(tmp_path, family, tied):
    import torch
    import transformers
    from peft import get_peft_model

    config = getattr(transformers, f"{family}Config")(**SIZES, tie_word_embeddings=tied)
    model = getattr(transformers, f"{family}ForCausalLM")(config)
    model.save_pretrained(tmp_path)
    found = count_parameters(tmp_path, lora_of(tmp_path, TINY), TINY)
    assert found.total == sum(weight.numel() for weight in model.parameters())
    linear = [module for module in model.model.modules() if isinstance(module, torch.nn.Linear)]
    assert len(linear) == 14 and found.linear == sum(module.weight.numel() for module in linear)
    adapted = get_peft_model(model, lora_of(tmp_path, TINY))
    assert found.adapter == sum(w.numel() for w in adapted.parameters() if w.requires_grad)


def test_parameters_by_hand(base):
    """Width 32, 64 within, two heads of 8 for keys and values; two layers; rank 4."""
    attention = [(32, 32), (32, 16), (32, 16), (32, 32)]
    network = [(32, 64), (32, 64), (64, 32)]
    found = count_parameters(base, lora_of(base, TINY), TINY)
    assert found.linear == 2 * sum(inner * outer for inner, outer in attention + network) == 18_432
    assert found.adapter == 2 * sum(4 * (inner + outer) for inner, outer in attention + network) == 4_096
    only = lora_of(base, TINY.model_copy(update={"target_modules": ("q_proj", "v_proj"), "rank": 3}))
    assert count_parameters(base, only, TINY).adapter == 2 * 3 * ((32 + 32) + (32 + 16))


def test_a_trained_adapter_has_as_many_numbers(base, trained):
    from safetensors.numpy import load_file

    tensors = load_file(trained.adapter_dir / "adapter_model.safetensors").values()
    assert sum(tensor.size for tensor in tensors) == count_parameters(base, lora_of(base, TINY), TINY).adapter


def test_bytes_by_hand():
    """A thousand parameters, 640 of them in linear layers, ten in the adapter."""
    needs = find_needs(Parameters(1000, 640, 10, 300), "bfloat16")
    full, lora, qlora = needs["full"], needs["lora"], needs["qlora"]
    assert (full.weights, full.gradients, full.adam, full.total) == (4000, 4000, 8000, 16_000)
    assert (needs["freeze"].weights, needs["freeze"].total) == (4000, 4000 + 12 * 300)
    assert (lora.weights, lora.gradients, lora.adam, lora.total) == (2040, 40, 80, 2160)
    # 320 bytes of 4 bits, 10 of scales for every 64, a sixth of one for every 256 of those; 360 in 2 bytes.
    assert (qlora.weights, qlora.total) == (330 + 720 + 40, 330 + 720 + 40 + 120)
    assert find_needs(Parameters(1000, 640, 10, 300), "float32")["lora"].total == 4040 + 120
