"""What each method needs in memory on one base, from its configuration: no weights are read.

With N parameters in all, Q of them in linear layers but the head, U that `freeze` leaves to learn, L in the
adapter, and b bytes a number of the recipe's dtype:

                 weights                    gradients   Adam
    full         4 N                        4 N         8 N
    freeze       4 N                        4 U         8 U
    lora         b N + 4 L                  4 L         8 L
    qlora        0.516 Q + b (N - Q) + 4 L  4 L         8 L
    progressive  as lora, in float32: the earlier adapter goes into weights that are there

Adam keeps two float32 numbers for each that is trained. A full fine-tune is counted in float32: bfloat16
weights round small updates away. A weight in 4 bits (NF4) takes half a byte, an 8-bit scale for every 64 and
a float32 for every 256 of those. Activations come on top: `trial_run.py` measures the peak of a batch.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from peft import PeftConfig, get_peft_model
from transformers import AutoConfig, AutoModelForCausalLM

from trainer.base_model import freeze_lower
from trainer.recipes.recipe import Recipe

FLOAT = 4
ADAM = 8
NF4 = 0.5 + 1 / 64 + 4 / (64 * 256)
BYTES = {"float32": 4, "bfloat16": 2}


@dataclass(frozen=True)
class Parameters:
    """Numbers of weights: in all (tied ones once), in linear layers but the head, in the adapter; of the
    base, those that `freeze` leaves to learn.
    """

    total: int
    linear: int
    adapter: int
    unfrozen: int


@dataclass(frozen=True)
class Need:
    """Bytes of memory, without activations."""

    weights: int
    gradients: int
    adam: int

    @property
    def total(self) -> int:
        return self.weights + self.gradients + self.adam

    def to_json(self) -> dict[str, int]:
        return asdict(self) | {"total": self.total}


def count_parameters(base: Path, config_of_method: PeftConfig | None, recipe: Recipe) -> Parameters:
    """Counts the weights from the base's configuration, on the meta device, which takes no memory."""
    config = AutoConfig.from_pretrained(base)
    with torch.device("meta"):
        model: Any = AutoModelForCausalLM.from_config(config)
        total = sum(weight.numel() for weight in model.parameters())
        head = model.get_output_embeddings()
        linear = sum(
            module.weight.numel()
            for module in model.modules()
            if isinstance(module, torch.nn.Linear) and module is not head
        )
        freeze_lower(model, recipe)
        unfrozen = count_learning(model)
        adapter = count_learning(get_peft_model(model, config_of_method)) if config_of_method else 0
    return Parameters(total, linear, adapter, unfrozen)


def count_learning(model: Any) -> int:
    return sum(weight.numel() for weight in model.parameters() if weight.requires_grad)


def find_needs(found: Parameters, dtype: str) -> dict[str, Need]:
    """The memory of `full`, `freeze`, `lora` and `qlora`. `dtype`: that of the base's weights. `progressive`
    and virtual tokens are counted as `lora` is: an adapter on a frozen base.
    """
    size = BYTES[dtype]
    quantised = round(NF4 * found.linear) + size * (found.total - found.linear)
    adapter = FLOAT * found.adapter

    def need(weights: int, trained: int) -> Need:
        return Need(weights, FLOAT * trained, ADAM * trained)

    return {
        "full": need(FLOAT * found.total, found.total),
        "freeze": need(FLOAT * found.total, found.unfrozen),
        "lora": need(size * found.total + adapter, found.adapter),
        "qlora": need(quantised + adapter, found.adapter),
    }
