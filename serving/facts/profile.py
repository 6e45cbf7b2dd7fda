"""All facts about a base that can be read from its files and from the libraries' source: in under a second,
without loading weights, torch or an engine.

Engine command, adapter check, trainer and `doctor` read them here, so that all go by the same.
"""

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from serving.base import compute_base_id, read_base_headers
from serving.facts.config_files import (
    EXPERTS,
    WINDOWS,
    find_number,
    has_tower,
    read_config_json,
    take_text_part,
)
from serving.facts.endings import TurnEnds, find_turn_ends
from serving.facts.engine_models import EngineModel, find_engine_model, is_trainable
from serving.facts.layers import LinearLayers, count_embedding_rows, count_weights, find_linear_layers
from serving.facts.template import ChatTemplate, TemplateFacts, describe_template

_DTYPES = {"F32": "float32", "BF16": "bfloat16", "F16": "float16"}


@dataclass(frozen=True)
class BaseProfile:
    architecture: str
    """The class that config.json names, such as Qwen3ForCausalLM; empty if it names none."""

    model_type: str
    dtype: str
    """Number format of most of the weights."""

    window: int | None
    """Tokens that its positions reach; None if nothing limits them."""

    parameters: int
    experts: int
    """Experts of each mixture; 0 for a dense model."""

    multimodal: bool
    """Whether it has a part for pictures or sound beside the language model."""

    trainable: bool
    """Whether transformers loads its architecture as a causal language model."""

    embedding_rows: int
    """Token ids that the embedding has a row for; a tokenizer may know more."""

    layers: LinearLayers
    engine: EngineModel
    template: TemplateFacts
    ends: TurnEnds

    @property
    def adapter_layers(self) -> tuple[str, ...]:
        """Last names of the layers that an adapter for this base changes: what its language model has and the
        engine takes. Trainer, engine command and zero adapter use this list.
        """
        return tuple(name for name in self.layers.names if self.engine.accepts(name))


def read_profile(base: Path) -> BaseProfile:
    """The facts about the base in this folder. Raises BaseModelUnknown if its files cannot be read."""
    return _read(base, compute_base_id(base))


@lru_cache(maxsize=8)
def _read(base: Path, base_id: str) -> BaseProfile:
    config = read_config_json(base / "config.json")
    text = take_text_part(config)
    headers = read_base_headers(base)
    shapes = {name: tensor.shape for name, tensor in headers.items()}
    formats = Counter(tensor.dtype for tensor in headers.values())
    architecture = next(iter(config.get("architectures") or ()), "")
    template = ChatTemplate.read(base)
    return BaseProfile(
        architecture=architecture,
        model_type=str(config.get("model_type", "")),
        dtype=next((_DTYPES[name] for name, _ in formats.most_common() if name in _DTYPES), "float32"),
        window=find_number(text, WINDOWS),
        parameters=count_weights(shapes),
        experts=find_number(text, EXPERTS) or 0,
        multimodal=has_tower(config),
        trainable=is_trainable(architecture),
        embedding_rows=count_embedding_rows(shapes),
        layers=find_linear_layers(shapes, config),
        engine=find_engine_model(architecture),
        template=describe_template(template),
        ends=find_turn_ends(base, template),
    )
