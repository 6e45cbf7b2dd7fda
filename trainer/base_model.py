"""Loads a base for training and for scoring: the same weights, without dropout, with the attention it was
made with.

Nothing is known here about adapters; which adapter a base takes is for `serving/facts` to say.
"""

from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM


def load_base(base: Path, dtype: str) -> Any:
    """The base on the CPU. Without dropout, since log-probabilities of two forward passes are compared.

    Dropout is set to 0 in the configuration: some modules keep their rate as a number that no later change
    reaches.
    """
    config = AutoConfig.from_pretrained(base)
    for name, value in vars(config).copy().items():
        if isinstance(value, float) and ("dropout" in name or name.endswith("_pdrop")):
            setattr(config, name, 0.0)
    return AutoModelForCausalLM.from_pretrained(
        base, config=config, dtype=getattr(torch, dtype), **_choose_attention(config)
    )


def _choose_attention(config: Any) -> dict[str, str]:
    """Gemma 2 caps its attention scores. `sdpa`, the default of transformers, leaves the cap out; engines
    keep it.
    """
    capped = getattr(config.get_text_config(), "attn_logit_softcapping", None)
    return {"attn_implementation": "eager"} if capped is not None else {}
