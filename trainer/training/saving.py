"""Writes an adapter as the two files that serving takes, with the same bytes each time: sorted lists, no
local path, float32. Reads one into a model that is to learn on.
"""

import json
from pathlib import Path
from typing import Any

import torch
from peft import set_peft_model_state_dict
from safetensors.torch import load_file

from serving.files import sync_path


def save_adapter(model: Any, target: Path) -> None:
    """Saves the adapter of a PEFT model. The base under it keeps its number format: it is not saved, and to
    cast it would take its memory twice.
    """
    for weight in model.parameters():
        if weight.requires_grad:
            weight.data = weight.data.to(torch.float32)
    model.save_pretrained(target)
    (target / "README.md").unlink(missing_ok=True)
    path = target / "adapter_config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    config["base_model_name_or_path"] = "base"
    config = {key: sorted(value) if isinstance(value, list) else value for key, value in config.items()}
    path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    for file in target.iterdir():
        sync_path(file)


def load_adapter(model: Any, source: Path) -> None:
    """Puts the weights of a saved adapter into the untrained one of a PEFT model."""
    found = set_peft_model_state_dict(model, load_file(source / "adapter_model.safetensors"))
    assert not found.unexpected_keys, f"{source} is an adapter of another shape"
