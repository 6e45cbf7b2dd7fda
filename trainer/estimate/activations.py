"""What a step of training keeps of its tokens, from the base's configuration.

With h the width of the base, a that of its heads together, m that of its MLP (of all experts a token goes
to), all numbers of a token in one layer that wait for the backward pass are

    4 h   the inputs of both norms, and what they give
    6 a   queries, keys, values and the result of attention; keys and values once more beside a prompt's
    4 m   the gate, its activation, the other side, their product

and with gradient checkpointing h alone, beside one layer in full. With virtual tokens no linear layer learns,
so what goes into one need not wait: 2 h, 6 a, 3 m. Below the first layer that learns, as in `freeze`, nothing
waits. The head holds three times its logits: the logits, their gradient, and what it makes of them. The C
library on a CPU keeps freed pieces between kept ones: 0.6 of what waits, measured on both bases of ours.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig

from trainer.base_model import count_frozen
from trainer.packing.logprobs import HEAD_ROWS
from trainer.recipes.methods import VIRTUAL
from trainer.recipes.recipe import Recipe

FLOAT = 4
PIECES = 1.6  # on a CPU: what is taken of the machine over what tensors hold
COPIES = 3


@dataclass(frozen=True)
class Widths:
    """The numbers that a token has in each part of a base."""

    layers: int
    hidden: int
    heads: int
    mlp: int
    vocabulary: int

    @property
    def layer(self) -> int:
        return 4 * self.hidden + 6 * self.heads + 4 * self.mlp

    @property
    def frozen_layer(self) -> int:
        """Where no linear layer learns."""
        return 2 * self.hidden + 6 * self.heads + 3 * self.mlp


def read_widths(base: Path) -> Widths:
    config: Any = AutoConfig.from_pretrained(base).get_text_config()
    hidden, heads = config.hidden_size, config.num_attention_heads
    mlp = getattr(config, "intermediate_size", None) or 4 * hidden
    if experts := getattr(config, "num_experts_per_tok", None):
        mlp = experts * (getattr(config, "moe_intermediate_size", None) or mlp)
    return Widths(
        layers=config.num_hidden_layers,
        hidden=hidden,
        heads=heads * (getattr(config, "head_dim", None) or hidden // heads),
        mlp=mlp,
        vocabulary=config.vocab_size,
    )


def count_activations(widths: Widths, recipe: Recipe, *, tokens: int, head_rows: int) -> int:
    """Bytes of activations while `tokens` are in the model at once, of which `head_rows` are in its head."""
    on_gpu = torch.cuda.is_available()
    halves = recipe.dtype == "bfloat16" or (recipe.bf16 and on_gpu)
    layers = widths.layers - (count_frozen(widths.layers, recipe) if recipe.method == "freeze" else 0)
    layer = widths.frozen_layer if recipe.method in VIRTUAL else widths.layer
    kept = layers * widths.hidden + layer if recipe.gradient_checkpointing else layers * layer
    waiting = (2 if halves else FLOAT) * tokens * kept
    head = COPIES * FLOAT * min(head_rows, tokens) * widths.vocabulary
    return round(waiting * (1 if on_gpu else PIECES)) + head


def count_head_rows(recipe: Recipe, tokens: int) -> int:
    """Tokens whose logits exist at once. The head of `choice` computes few at a time, TRL's all."""
    return HEAD_ROWS if recipe.objective == "choice" else tokens
