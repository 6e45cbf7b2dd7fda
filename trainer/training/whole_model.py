"""Checkpoints, what methods `full`, `freeze` and `progressive` end in: the whole model in float32, with the
base's own configuration, tokenizer and template.
"""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from peft import PeftModel
from peft.tuners.lora import LoraLayer

from serving.adapters.checkpoint import list_beside
from serving.files import sync_path

EARLIER = "earlier"
MAX_SHARD = "4GB"


def merge_earlier(model: PeftModel, adapter_dir: Path) -> None:
    """Adds what a saved adapter does to the base weights under a PEFT model, whose own adapter stays as it
    is.
    """
    model.load_adapter(str(adapter_dir), adapter_name=EARLIER)
    for layer in model.modules():
        if isinstance(layer, LoraLayer) and EARLIER in layer.lora_A:
            weight = layer.get_base_layer().weight
            weight.data += layer.get_delta_weight(EARLIER).to(weight)
    model.delete_adapter(EARLIER)


def save_whole(model: Any, base: Path, target: Path) -> None:
    """Writes a checkpoint: the model's weights, an adapter on it merged, and all else as the base has it."""
    plain = model.merge_and_unload() if isinstance(model, PeftModel) else model
    target.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=target.parent) as name:
        plain.save_pretrained(name, max_shard_size=MAX_SHARD)
        for file in sorted(Path(name).glob("*.safetensors*")):
            file.replace(target / file.name)
    for file in list_beside(base):
        shutil.copyfile(file, target / file.name)
    for file in target.iterdir():
        sync_path(file)
