"""Loads a base for training and for scoring: the same weights, without dropout, with the attention it was
made with.

Nothing is known here about adapters; which adapter a base takes is for `serving/facts` to say. Which of its
own weights learn is told here: by `freeze` some.
"""

from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM, BitsAndBytesConfig

from trainer.errors import RecipeRefused
from trainer.recipes.recipe import Recipe


def load_base(base: Path, dtype: str, *, quantised: bool = False) -> Any:
    """The base on the CPU. Without dropout, since log-probabilities of two forward passes are compared.

    Dropout is set to 0 in the configuration: some modules keep their rate as a number that no later change
    reaches. `quantised`: its linear layers in 4 bits.
    """
    config = AutoConfig.from_pretrained(base)
    for name, value in vars(config).copy().items():
        if isinstance(value, float) and ("dropout" in name or name.endswith("_pdrop")):
            setattr(config, name, 0.0)
    given = {"config": config, "dtype": getattr(torch, dtype), **_choose_attention(config)}
    if quantised:
        return _load_quantised(base, given)
    return AutoModelForCausalLM.from_pretrained(base, **given)


def freeze_lower(model: Any, recipe: Recipe) -> None:
    """Keeps what the recipe's method leaves as it is from learning: for `freeze` the embeddings, with a head
    that is tied to them, and the lower layers. Raises RecipeRefused if no layer would be left to learn.
    """
    if recipe.method != "freeze":
        return
    layers = getattr(model.get_decoder(), "layers", ())
    count = count_frozen(len(layers), recipe)
    if not 0 < count < len(layers):
        told = f"frozen_layers = {recipe.frozen_layers}: this base has {len(layers)} layers; freeze at least "
        raise RecipeRefused(recipe.name, [told + "one and leave at least one to learn"])
    for part in (model.get_input_embeddings(), *layers[:count]):
        part.requires_grad_(False)


def count_frozen(layers: int, recipe: Recipe) -> int:
    """How many lower layers a recipe of method `freeze` leaves as they are."""
    return layers // 2 if recipe.frozen_layers == "half" else recipe.frozen_layers


def _load_quantised(base: Path, given: dict[str, Any]) -> Any:
    """NF4 with its scales quantised once more; products are computed in the dtype of the other weights."""
    four_bits = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=given["dtype"],
    )
    place = {"device_map": {"": 0}} if torch.cuda.is_available() else {}
    model = AutoModelForCausalLM.from_pretrained(base, quantization_config=four_bits, **place, **given)
    for module in model.modules():
        if hasattr(
            module, "support_avx512bf16_for_cpu"
        ):  # that path rounds, and only readings without gradients
            module.support_avx512bf16_for_cpu = False
    return model


def _choose_attention(config: Any) -> dict[str, str]:
    """Gemma 2 caps its attention scores. `sdpa`, the default of transformers, leaves the cap out; engines
    keep it.
    """
    capped = getattr(config.get_text_config(), "attn_logit_softcapping", None)
    return {"attn_implementation": "eager"} if capped is not None else {}
