"""Checkpoints: whole models that stand in for the base, kept beside adapters under the same kind of name.

`adapters/<name>/weights/` of a checkpoint is a model folder: the base's own configuration, tokenizer and
template, and weights of the same names and shapes. Every check that needs no running model stands here.
"""

import filecmp
import stat
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from serving.adapters.check import hash_files
from serving.base import CONFIG, TOKENIZER_FILES, compute_base_id, read_base_shapes
from serving.errors import AdapterRefused
from serving.tensors import FileFault, Tensor, load_floats, read_header

BESIDE = (CONFIG, "generation_config.json", *TOKENIZER_FILES)
HEADER_BYTES, TENSORS = 64 * 1024 * 1024, 1_000_000  # as for a base: experts have tens of thousands
HEAD = "lm_head.weight"  # left out where it is tied to the embeddings


@dataclass(frozen=True)
class CheckpointFacts:
    base_id: str
    tensors: int
    dtype: str
    bytes: int
    sha256: dict[str, str]


def list_beside(base: Path) -> list[Path]:
    """The files of a base beside its weights that decide what it computes and reads."""
    return [base / name for name in BESIDE if (base / name).is_file()]


def check_checkpoint(weights_dir: Path, *, base: Path) -> CheckpointFacts:
    """Checks the files of a checkpoint that was trained from `base`, and returns its facts. Raises
    AdapterRefused with a reason code. It holds one tensor in memory at a time.
    """
    name = weights_dir.parent.name if weights_dir.name == "weights" else weights_dir.name
    try:
        files = _check_files(weights_dir, base)
        dtypes = _check_weights(weights_dir, base)
    except FileFault as fault:
        raise AdapterRefused(name, fault.code, str(fault)) from None
    return CheckpointFacts(
        base_id=compute_base_id(base),
        tensors=len(dtypes),
        dtype="/".join(sorted(set(dtypes.values()))),
        bytes=sum((weights_dir / file).stat().st_size for file in files),
        sha256=hash_files(weights_dir, files),
    )


def _check_files(weights_dir: Path, base: Path) -> list[str]:
    """The names of the files. All but weights are those of the base, byte by byte."""
    if not weights_dir.is_dir() or weights_dir.is_symlink():
        raise FileFault("missing_file", f"{weights_dir} is no folder")
    for path in sorted(weights_dir.iterdir()):
        if not stat.S_ISREG(path.lstat().st_mode):
            raise FileFault("unexpected_file", f"{path.name} is no regular file")
        if path.name not in BESIDE and not path.name.endswith((".safetensors", ".safetensors.index.json")):
            raise FileFault("unexpected_file", f"{path.name} does not belong there")
    found = sorted(path.name for path in weights_dir.iterdir())
    of_base = {path.name for path in list_beside(base)}
    for name in sorted({name for name in found if name in BESIDE} ^ of_base):
        raise FileFault("missing_file", f"{name} is there or in the base, and not in both")
    for name in sorted(of_base):
        if not filecmp.cmp(weights_dir / name, base / name, shallow=False):
            raise FileFault("config_invalid", f"{name} is not that of the base")
    return found


def _check_weights(weights_dir: Path, base: Path) -> dict[str, str]:
    """The number format of each weight: every one of the base with its shape, all of them finite."""
    wanted, dtypes = read_base_shapes(base), dict[str, str]()
    for file in sorted(weights_dir.glob("*.safetensors")):
        for name, tensor in read_header(file, max_header_bytes=HEADER_BYTES, max_tensors=TENSORS).items():
            _check_weight(file, name, tensor, wanted.get(name))
            dtypes[name] = tensor.dtype
    missing = sorted(set(wanted) - set(dtypes) - {HEAD})
    if missing or not dtypes:
        raise FileFault(
            "missing_weight", f"{missing[0] if missing else 'every weight'} of the base is missing"
        )
    return dtypes


def _check_weight(file: Path, name: str, tensor: Tensor, wanted: tuple[int, ...] | None) -> None:
    if tensor.shape != wanted:
        told = "no weight of the base" if wanted is None else f"{list(wanted)} in the base"
        raise FileFault("shape", f"{name} is {list(tensor.shape)}, {told}")
    if tensor.dtype not in ("F32", "F16", "BF16"):
        raise FileFault("dtype", f"{name} is {tensor.dtype}; F32, F16 or BF16 is needed")
    if not np.isfinite(load_floats(file, tensor)).all():
        raise FileFault("not_finite", f"{name} holds NaN or infinity")
