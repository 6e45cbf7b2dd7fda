"""Decides whether adapter files may be loaded: every check of a LoRA adapter that needs no running model.

`serving.adapters.staging` calls it. It never unpickles, never follows a link, and holds one tensor in memory
at a time.
"""

import hashlib
import json
import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from serving.base import compute_base_id, read_base_shapes
from serving.errors import AdapterRefused
from serving.facts.profile import read_profile
from serving.tensors import FileFault, Tensor, load_floats, read_header

CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"
MAX_CONFIG_BYTES = 256 * 1024
TENSOR_NAME = re.compile(
    r"base_model\.model\.(?P<module>[A-Za-z0-9_]+(?:\.[A-Za-z0-9_]+)*)\.lora_(?P<side>[AB])\.weight"
)
# Options that change what an adapter computes and that the engine does not implement, with the word for their
# refusal.
FORBIDDEN = {
    "use_dora": "dora",
    "lora_bias": "bias",
    "modules_to_save": "modules_to_save",
    "alora_invocation_tokens": "unsupported_option",
    "layer_replication": "unsupported_option",
    "use_bdlora": "unsupported_option",
    "use_qalora": "unsupported_option",
    "trainable_token_indices": "unsupported_option",
    "target_parameters": "unsupported_option",
    "fan_in_fan_out": "unsupported_option",
}
PLAIN_INITS = (
    "gaussian",
    "eva",
    "orthogonal",
    "mica",
    "lora_ga",
)  # other named ones change the base's weights


@dataclass(frozen=True)
class AdapterFacts:
    base_id: str
    rank: int
    alpha: float
    modules: tuple[str, ...]
    tensors: int
    dtype: str
    bytes: int
    sha256: dict[str, str]


def check_adapter(weights_dir: Path, *, base: Path, max_rank: int) -> AdapterFacts:
    """Checks the files of an adapter for `base` and returns its facts.

    Raises AdapterRefused with a reason code.
    """
    name = weights_dir.parent.name if weights_dir.name == "weights" else weights_dir.name
    try:
        _check_files(weights_dir)
        config = _read_config(weights_dir / CONFIG)
        rank, alpha = _check_config(config, base=base, max_rank=max_rank)
        tensors = read_header(weights_dir / WEIGHTS)
        modules = _check_shapes(tensors, config, rank, base)
        dtypes = _check_numbers(weights_dir / WEIGHTS, tensors)
    except FileFault as fault:
        raise AdapterRefused(name, fault.code, str(fault)) from None
    return AdapterFacts(
        base_id=compute_base_id(base),
        rank=rank,
        alpha=alpha,
        modules=tuple(sorted(modules)),
        tensors=len(tensors),
        dtype="/".join(sorted(dtypes)),
        bytes=sum((weights_dir / file).stat().st_size for file in (CONFIG, WEIGHTS)),
        sha256=hash_files(weights_dir),
    )


def hash_files(weights_dir: Path, names: Iterable[str] = (CONFIG, WEIGHTS)) -> dict[str, str]:
    """sha256 of each of these files, by name."""
    found = {}
    for name in names:
        with (weights_dir / name).open("rb") as file:
            found[name] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def _check_files(weights_dir: Path) -> None:
    if not weights_dir.is_dir() or weights_dir.is_symlink():
        raise FileFault("missing_file", f"{weights_dir} is no folder")
    entries = {entry.name: entry.lstat() for entry in weights_dir.iterdir()}
    for entry, status in sorted(entries.items()):
        if stat.S_ISLNK(status.st_mode):
            raise FileFault("link", f"{entry} is a link")
        if entry not in (CONFIG, WEIGHTS):
            raise FileFault("unexpected_file", f"{entry} does not belong there")
        if not stat.S_ISREG(status.st_mode):
            raise FileFault("unexpected_file", f"{entry} is no regular file")
    for entry in (CONFIG, WEIGHTS):
        if entry not in entries:
            raise FileFault("missing_file", f"{entry} is not there")


def _read_config(path: Path) -> dict[str, Any]:
    if path.stat().st_size > MAX_CONFIG_BYTES:
        raise FileFault("config_invalid", f"{path.name} is larger than {MAX_CONFIG_BYTES} bytes")
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise FileFault("config_invalid", f"{path.name} is not JSON ({error})") from None
    if not isinstance(config, dict):
        raise FileFault("config_invalid", f"{path.name} is no JSON object")
    return config


def _check_config(config: dict[str, Any], *, base: Path, max_rank: int) -> tuple[int, float]:
    """Checks that this is a plain LoRA for this base; returns its rank and alpha."""
    if config.get("peft_type") != "LORA":
        raise FileFault("peft_type", f"peft_type is {config.get('peft_type')!r}, LORA is needed")
    for option, code in FORBIDDEN.items():
        if config.get(option):
            raise FileFault(code, f"{option} is set; the engine does not serve it")
    if config.get("bias", "none") != "none":
        raise FileFault("bias", f"bias is {config['bias']!r}; the engine serves none only")
    init = config.get("init_lora_weights", True)
    if isinstance(init, str) and init.lower() not in PLAIN_INITS:
        raise FileFault("unsupported_option", f"init_lora_weights {init!r} changes the base's weights")
    rank, alpha = config.get("r"), config.get("lora_alpha")
    patterns = config.get("rank_pattern") or {}
    if not isinstance(patterns, dict) or not isinstance(config.get("alpha_pattern") or {}, dict):
        raise FileFault("config_invalid", "rank_pattern and alpha_pattern must be tables")
    for value in (rank, *patterns.values()):
        if type(value) is not int or not 1 <= value <= max_rank:
            raise FileFault("rank", f"rank {value!r} is not within 1 to {max_rank}")
    for value in (alpha, *(config.get("alpha_pattern") or {}).values()):
        if type(value) not in (int, float) or not 0 < value < 1e6:
            raise FileFault("config_invalid", f"lora_alpha {value!r} is no positive number")
    named = config.get("base_model_name_or_path")
    if named not in (None, "") and not _names_base(named, base):
        raise FileFault("base_mismatch", f"it was made for {named!r}, the base is {base}")
    assert isinstance(rank, int) and isinstance(alpha, int | float)
    return rank, float(alpha)


def _names_base(named: Any, base: Path) -> bool:
    """Whether `named` means this base: the word `base`, its id, its path or the end of that path, or its hub
    name.
    """
    if not isinstance(named, str):
        return False
    if named == "base" or named == compute_base_id(base):
        return True
    if Path(named).is_absolute():
        return Path(named).resolve() == base.resolve()
    tail = Path(named).parts
    return base.resolve().parts[-len(tail) :] == tail or f"models--{named.replace('/', '--')}" in base.parts


def _check_shapes(tensors: dict[str, Tensor], config: dict[str, Any], rank: int, base: Path) -> set[str]:
    """The modules that the adapter changes.

    For a base weight (out, in), each needs A (rank, in) and B (out, rank).
    """
    if not tensors:
        raise FileFault("no_tensors", "there are no weights in it")
    profile = read_profile(base)
    engine = profile.engine
    weights = {
        engine.name_module(name.removesuffix(".weight")): shape
        for name, shape in read_base_shapes(base).items()
    }
    language = {engine.name_module(module) for module in profile.layers.modules}
    sides: dict[str, dict[str, tuple[int, ...]]] = {}
    for name, tensor in tensors.items():
        found = TENSOR_NAME.fullmatch(name)
        if found is None:
            raise FileFault("tensor_name", f"{name!r} is no name of a LoRA weight")
        sides.setdefault(found["module"], {})[found["side"]] = tensor.shape
    for module, pair in sorted(sides.items()):
        called = engine.name_module(module)
        weight = weights.get(called)
        if module.rsplit(".", 1)[-1] in ("lm_head", "embed_tokens"):
            raise FileFault(
                "head_or_embedding", f"{module} is tied to the vocabulary; adapt linear layers only"
            )
        if weight is None or len(weight) != 2:
            raise FileFault("unknown_module", f"the base has no linear layer {module}")
        if called not in language or not engine.accepts(called.rsplit(".", 1)[-1]):
            raise FileFault("engine_layer", f"the engine takes no adapter for {module} of this base")
        if set(pair) != {"A", "B"}:
            raise FileFault("missing_pair", f"{module} has only lora_{next(iter(pair))}")
        wanted = _rank_of(module, config, rank)
        expected = {"A": (wanted, weight[1]), "B": (weight[0], wanted)}
        for side, shape in sorted(pair.items()):
            if shape != expected[side]:
                raise FileFault(
                    "shape", f"{module}.lora_{side} is {list(shape)}, {list(expected[side])} is needed"
                )
    return {module.rsplit(".", 1)[-1] for module in sides}


def _rank_of(module: str, config: dict[str, Any], rank: int) -> int:
    """The rank of one module. PEFT's rule: the first pattern that matches the end of the module's name
    decides.
    """
    for pattern, value in (config.get("rank_pattern") or {}).items():
        try:
            if re.match(rf"(.*\.)?({pattern})$", module):
                return int(value)
        except re.error:
            raise FileFault("config_invalid", f"rank_pattern {pattern!r} is no pattern") from None
    return rank


def _check_numbers(path: Path, tensors: dict[str, Tensor]) -> set[str]:
    """The number formats in use. Looks at every number: NaN and infinity are refused."""
    for name, tensor in tensors.items():
        if tensor.dtype not in ("F32", "F16", "BF16"):
            raise FileFault("dtype", f"{name} is {tensor.dtype}; F32, F16 or BF16 is needed")
    for name, tensor in tensors.items():
        if not np.isfinite(load_floats(path, tensor)).all():
            raise FileFault("not_finite", f"{name} holds NaN or infinity")
    return {tensor.dtype for tensor in tensors.values()}
