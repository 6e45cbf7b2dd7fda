"""Reads and checks the header of a safetensors file: names, number formats, shapes, offsets.

Not left to a library because the file may come from anywhere: every length is checked before anything of that
length is read. Numbers are read only by `load_floats`, one tensor at a time.
"""

import json
import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

MAX_HEADER_BYTES = 2 * 1024 * 1024  # a header of 4096 LoRA tensors takes about 0.7 MB
MAX_TENSORS = 4096
ITEM_BYTES = {
    **dict.fromkeys(("F64", "I64", "U64"), 8),
    **dict.fromkeys(("F32", "I32", "U32"), 4),
    **dict.fromkeys(("F16", "BF16", "I16", "U16"), 2),
    **dict.fromkeys(("F8_E4M3", "F8_E5M2", "I8", "U8", "BOOL"), 1),
}


class FileFault(Exception):
    """The file is not valid; `code` is the reason in one word, the text says what is wrong and where."""

    def __init__(self, code: str, detail: str) -> None:
        self.code = code
        super().__init__(detail)


@dataclass(frozen=True)
class Tensor:
    """Where one tensor lies: `start` and `stop` are offsets from the beginning of the file."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    stop: int


def read_header(
    path: Path, *, max_header_bytes: int = MAX_HEADER_BYTES, max_tensors: int = MAX_TENSORS
) -> dict[str, Tensor]:
    """The tensors of a file by name.

    Raises FileFault unless they fill the file exactly, without gap or overlap.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        prefix = file.read(8)
        if len(prefix) < 8:
            raise FileFault("truncated", f"{size} bytes are too few for a header")
        (length,) = struct.unpack("<Q", prefix)
        if length > max_header_bytes:
            raise FileFault(
                "header_too_large", f"the header claims {length} bytes, {max_header_bytes} are allowed"
            )
        if 8 + length > size:
            raise FileFault("truncated", f"the header claims {length} bytes, the file has {size}")
        text = file.read(length)
    try:
        record = json.loads(text, object_pairs_hook=_without_repeats)
    except (ValueError, RecursionError) as error:
        raise FileFault("header_invalid", f"the header is not JSON ({error})") from None
    if not isinstance(record, dict):
        raise FileFault("header_invalid", "the header is no JSON object")
    record.pop("__metadata__", None)
    if len(record) > max_tensors:
        raise FileFault("too_many_tensors", f"{len(record)} tensors, {max_tensors} are allowed")
    tensors = {name: _read_tensor(name, entry, 8 + length) for name, entry in record.items()}
    end = 8 + length
    for name, tensor in sorted(tensors.items(), key=lambda item: (item[1].start, item[1].stop)):
        if tensor.start != end:
            raise FileFault("offsets", f"{name} starts at byte {tensor.start} instead of {end}")
        end = tensor.stop
    if end > size:
        raise FileFault("truncated", f"the tensors need {end} bytes, the file has {size}")
    if end < size:
        raise FileFault("offsets", f"{size - end} bytes after the last tensor belong to none")
    return tensors


def load_floats(path: Path, tensor: Tensor) -> npt.NDArray[np.float32]:
    """The numbers of one F32, F16 or BF16 tensor."""
    with path.open("rb") as file:
        file.seek(tensor.start)
        raw = file.read(tensor.stop - tensor.start)
    if tensor.dtype == "BF16":  # the upper half of a float32
        floats = (np.frombuffer(raw, "<u2").astype(np.uint32) << 16).view(np.float32)
    else:
        floats = np.frombuffer(raw, {"F32": "<f4", "F16": "<f2"}[tensor.dtype]).astype(np.float32)
    return floats.reshape(tensor.shape)


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name occurs twice")
    return found


def _read_tensor(name: str, entry: Any, data_start: int) -> Tensor:
    try:
        dtype, shape, (start, stop) = entry["dtype"], tuple(entry["shape"]), entry["data_offsets"]
    except (KeyError, TypeError, ValueError):
        raise FileFault("header_invalid", f"the entry of {name!r} is not complete") from None
    if dtype not in ITEM_BYTES:
        raise FileFault("dtype", f"{name} has the unknown number format {dtype!r}")
    numbers = (*shape, start, stop)
    if any(type(number) is not int or number < 0 for number in numbers) or len(shape) > 8:
        raise FileFault("header_invalid", f"{name} has a shape or place that is no count")
    if stop - start != math.prod(shape) * ITEM_BYTES[dtype]:
        raise FileFault("offsets", f"{name} takes {stop - start} bytes, its shape {list(shape)} needs other")
    return Tensor(dtype, shape, data_start + start, data_start + stop)
