"""Adapters on disk: one version is one directory, written once under one name, and never changed.

`adapters/<name>/weights/` holds exactly `adapter_config.json` and `adapter_model.safetensors`, or a whole
model (`checkpoint.py`);
`manifest.json` (sha256), `probe.json` and the card `README.md` stand beside it; the card's last section alone
is written again (`feedback/deployment/model_cards.py`). Checks live in `check.py`; loading into
an engine in `publish.py`.
"""

import json
import math
import os
import re
import shutil
import struct
from collections.abc import Iterable
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from serving.adapters.check import CONFIG, WEIGHTS, AdapterFacts, check_adapter, hash_files
from serving.adapters.checkpoint import CheckpointFacts, check_checkpoint
from serving.base import compute_base_id, read_base_shapes
from serving.errors import AdapterRefused, BaseModelUnknown
from serving.facts.profile import read_profile
from serving.files import move_directory, sync_path, write_atomically

__all__ = [
    "AdapterFacts",
    "adapter_path",
    "check_adapter",
    "next_adapter_name",
    "stage_adapter",
    "stage_checkpoint",
    "verify_staged",
    "weights_of",
    "write_zero_adapter",
]

NAME_PATTERN = re.compile(r"tuned-\d{8}-[1-9]\d{0,3}")
BESIDE = ("probe.json", "README.md")


def weights_of(adapters_dir: Path, name: str) -> Path:
    """The directory an engine loads for a staged version."""
    return (adapters_dir / name / "weights").resolve()


def adapter_path(data_dir: Path, name: str) -> Path:
    """The path that the engine loads. It never changes, since vLLM keys its cache by name and path."""
    return weights_of(data_dir / "adapters", name)


def next_adapter_name(adapters_dir: Path, today: date, taken: Iterable[str] = ()) -> str:
    """The next free `tuned-YYYYMMDD-n` of a day. `taken` are names in the store, whose files may be gone."""
    prefix = f"tuned-{today:%Y%m%d}-"
    on_disk = (entry.name for entry in adapters_dir.iterdir()) if adapters_dir.is_dir() else ()
    used = [
        int(name.removeprefix(prefix))
        for name in {*on_disk, *taken}
        if name.startswith(prefix) and NAME_PATTERN.fullmatch(name)
    ]
    return f"{prefix}{max(used, default=0) + 1}"


def stage_adapter(source: Path, adapters_dir: Path, name: str, *, base: Path, max_rank: int) -> Path:
    """Checks the files, copies them durably to `adapters/<name>` and returns that path.

    `source` holds the two files, or a folder `weights/` with them; probe.json and README.md beside them are
    copied, too. To stage the same files under the same name again changes nothing; other files under a used
    name are refused.
    """
    if not NAME_PATTERN.fullmatch(name):
        raise AdapterRefused(name, "name", "a version is called tuned-YYYYMMDD-n")
    weights, beside = (
        (source / "weights", source) if (source / "weights").is_dir() else (source, source.parent)
    )
    check_adapter(weights, base=base, max_rank=max_rank)
    incoming = _make_incoming(adapters_dir, name)
    config = json.loads((weights / CONFIG).read_text(encoding="utf-8"))
    write_atomically(incoming / "weights" / CONFIG, _normalise_config(config))
    write_atomically(incoming / "weights" / WEIGHTS, (weights / WEIGHTS).read_bytes())
    _copy_beside(beside, incoming)
    # The copy is checked again: it is what will be served, and the source may have changed meanwhile.
    facts = check_adapter(incoming / "weights", base=base, max_rank=max_rank)
    return _settle(incoming, adapters_dir / name, facts)


def stage_checkpoint(source: Path, adapters_dir: Path, name: str, *, base: Path) -> Path:
    """Like `stage_adapter`, for a checkpoint. Its files are linked where the disk allows that, since a copy
    of a whole model costs as much again: whoever wrote `source` changes them no more.
    """
    if not NAME_PATTERN.fullmatch(name):
        raise AdapterRefused(name, "name", "a version is called tuned-YYYYMMDD-n")
    incoming = _make_incoming(adapters_dir, name)
    for file in sorted(source.iterdir()):
        try:
            os.link(file, incoming / "weights" / file.name)
        except OSError:
            shutil.copy2(file, incoming / "weights" / file.name)
            sync_path(incoming / "weights" / file.name)
    sync_path(incoming / "weights")
    _copy_beside(source.parent, incoming)
    return _settle(incoming, adapters_dir / name, check_checkpoint(incoming / "weights", base=base))


def verify_staged(target: Path) -> dict[str, Any]:
    """The manifest of a staged version, after comparing its files with it. Raises AdapterRefused."""
    manifest = _read_manifest(target, target.name)
    try:
        found = hash_files(target / "weights", manifest.get("sha256") or ())
    except OSError as error:
        raise AdapterRefused(target.name, "missing_file", str(error)) from None
    if found != manifest.get("sha256"):
        raise AdapterRefused(target.name, "sha256", "its files are not those that were staged")
    return manifest


def _make_incoming(adapters_dir: Path, name: str) -> Path:
    """An empty folder with `weights` in it, beside where the version will be."""
    incoming = adapters_dir / f".incoming-{name}"
    shutil.rmtree(incoming, ignore_errors=True)
    (incoming / "weights").mkdir(parents=True)
    return incoming


def _copy_beside(beside: Path, incoming: Path) -> None:
    for extra in BESIDE:
        if (beside / extra).is_file():
            write_atomically(incoming / extra, (beside / extra).read_bytes())


def _settle(incoming: Path, target: Path, facts: AdapterFacts | CheckpointFacts) -> Path:
    """Gives staged files their place under the version's name. Raises AdapterRefused if others have it."""
    write_atomically(incoming / "manifest.json", json.dumps(asdict(facts), indent=2).encode() + b"\n")
    if not move_directory(incoming, target):
        shutil.rmtree(incoming)
        if _read_manifest(target, target.name).get("sha256") != facts.sha256:
            raise AdapterRefused(target.name, "name_taken", f"{target} holds another adapter")
    return target


def write_zero_adapter(base: Path, target: Path, rank: int = 8) -> Path:
    """Writes an adapter that changes nothing (B = 0) and returns `target`.

    On a CPU, requests for the base use it. Complete files of an earlier start stay as they are: a running
    engine may read them again at any time. Raises BaseModelUnknown.
    """
    module, (out_width, in_width) = _choose_zero_module(base)
    config = {
        "base_model_name_or_path": compute_base_id(base),
        "bias": "none",
        "lora_alpha": rank,
        "peft_type": "LORA",
        "r": rank,
        "target_modules": [module.rsplit(".", 1)[-1]],
        "task_type": "CAUSAL_LM",
    }
    tensors = {
        f"base_model.model.{module}.lora_A.weight": np.ones((rank, in_width), "<f4"),
        f"base_model.model.{module}.lora_B.weight": np.zeros((out_width, rank), "<f4"),
    }
    content = {CONFIG: _normalise_config(config), WEIGHTS: _pack_tensors(tensors)}
    for name, data in content.items():
        if not (target / name).is_file() or (target / name).read_bytes() != data:
            write_atomically(target / name, data)
    return target


def _choose_zero_module(base: Path) -> tuple[str, tuple[int, ...]]:
    """The smallest linear layer of the first block that the engine takes, whatever it is called, with its
    shape: a request only has to name an adapter.
    """
    profile, shapes = read_profile(base), read_base_shapes(base)
    first = profile.layers.modules[:1]  # sorted: the first block's own come first
    block = re.match(r".*?\.\d+\.", first[0]) if first else None
    taken = [
        name
        for name in profile.layers.modules
        if block and name.startswith(block[0]) and name.rsplit(".", 1)[-1] in profile.adapter_layers
    ]
    if not taken:
        raise BaseModelUnknown(
            str(base), base, "its first block has no linear layer that an adapter may change"
        )
    module = min(taken, key=lambda name: (math.prod(shapes[f"{name}.weight"]), name))
    return module, shapes[f"{module}.weight"]


def _normalise_config(config: dict[str, Any]) -> bytes:
    """The configuration as canonical JSON: sorted keys and lists, and no path of the machine that made it."""
    clean = {
        key: sorted(value)
        if isinstance(value, list) and all(isinstance(item, str) for item in value)
        else value
        for key, value in config.items()
    }
    if Path(str(clean.get("base_model_name_or_path") or "")).is_absolute():
        clean["base_model_name_or_path"] = "base"
    return json.dumps(clean, indent=2, sort_keys=True).encode() + b"\n"


def _pack_tensors(tensors: dict[str, Any]) -> bytes:
    """A safetensors file of float32 arrays."""
    header, data, place = {}, [], 0
    for name, array in tensors.items():
        raw = array.tobytes()
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [place, place + len(raw)]}
        data.append(raw)
        place += len(raw)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # the format wants the numbers aligned
    return struct.pack("<Q", len(text)) + text + b"".join(data)


def _read_manifest(target: Path, name: str) -> dict[str, Any]:
    try:
        found = json.loads((target / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise AdapterRefused(
            name, "manifest", f"{target / 'manifest.json'} cannot be read ({error})"
        ) from None
    if not isinstance(found, dict):
        raise AdapterRefused(name, "manifest", f"{target / 'manifest.json'} is no JSON object")
    return found
