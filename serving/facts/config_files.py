"""The JSON files beside a base model's weights: its configuration, its end tokens, its tokenizer's own.

Knows where families put the same value; decides nothing.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from serving.errors import BaseModelUnknown

Json = Mapping[str, Any]
WINDOWS = ("max_position_embeddings", "n_positions", "seq_length", "max_seq_len", "n_ctx")
EXPERTS = ("num_experts", "n_routed_experts", "num_local_experts", "moe_num_experts")
LAYERS = ("num_hidden_layers", "n_layer", "num_layers", "n_layers")
TOWERS = ("vision_config", "audio_config", "vision_tower", "visual")


def read_config_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file; empty if there is no such file. Raises BaseModelUnknown if it is broken."""
    if not path.is_file():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise BaseModelUnknown(path.parent.name, path, f"{path.name} is not JSON ({error})") from None
    if not isinstance(found, dict):
        raise BaseModelUnknown(path.parent.name, path, f"{path.name} is no JSON object")
    return found


def take_text_part(config: Json) -> Json:
    """The part of a configuration that describes the language model: a model with a vision part nests it."""
    for key in ("text_config", "llm_config", "language_config"):
        if isinstance(config.get(key), dict):
            return dict(config[key])
    return config


def has_tower(config: Json) -> bool:
    """Whether the base has a part for pictures or sound beside the language model."""
    return any(config.get(key) for key in TOWERS)


def find_number(config: Json, names: tuple[str, ...]) -> int | None:
    """The first of these values that is a whole number above 0."""
    found = (config.get(name) for name in names)
    return next((value for value in found if type(value) is int and value > 0), None)


def list_numbers(value: Any) -> list[int]:
    """Token ids, which files write as one number, as a list, or not at all."""
    values = value if isinstance(value, list) else [value]
    return [one for one in values if type(one) is int and one >= 0]
