"""A sound adapter on disk and a table of bad ones, each with what spoils it and the reason of its refusal."""

import json
import os
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np

Tensors = dict[str, np.ndarray]
Q = "base_model.model.model.layers.0.self_attn.q_proj"
K = "base_model.model.model.layers.0.self_attn.k_proj"


def pack(tensors: Tensors, *, dtype: str = "F32", gap: int = 0, extra: bytes = b"") -> bytes:
    """A safetensors file, with a gap before the second tensor or bytes after the last on request."""
    header, data, place = {}, b"", 0
    for number, (name, array) in enumerate(tensors.items()):
        if number == 1:
            place, data = place + gap, data + bytes(gap)
        raw = array.tobytes()
        header[name] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": [place, place + len(raw)]}
        data, place = data + raw, place + len(raw)
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data + extra


def good_tensors(rank: int = 4) -> Tensors:
    """For a base whose q_proj is [64, 64] and k_proj [32, 64]."""
    return {
        f"{Q}.lora_A.weight": np.full((rank, 64), 0.5, "<f4"),
        f"{Q}.lora_B.weight": np.full((64, rank), 0.5, "<f4"),
        f"{K}.lora_A.weight": np.full((rank, 64), 0.5, "<f4"),
        f"{K}.lora_B.weight": np.full((32, rank), 0.5, "<f4"),
    }


def write_adapter(target: Path, tensors: Tensors | None = None, **config) -> Path:
    target.mkdir(parents=True)
    (target / "adapter_model.safetensors").write_bytes(pack(good_tensors() if tensors is None else tensors))
    write_config(target, **config)
    return target


def write_config(target: Path, **changes) -> None:
    config = {
        "peft_type": "LORA",
        "r": 4,
        "lora_alpha": 8,
        "bias": "none",
        "target_modules": ["q_proj", "k_proj"],
        "base_model_name_or_path": "base",
    }
    (target / "adapter_config.json").write_text(json.dumps({**config, **changes}))


def write_weights(target: Path, data: bytes) -> None:
    (target / "adapter_model.safetensors").write_bytes(data)


def change(name: str, **values: object) -> Callable[[Path], None]:
    """A change of the tensors: `name` replaced, or removed for None."""

    def apply(target: Path) -> None:
        tensors = good_tensors()
        replacement = values["to"]
        if replacement is None:
            del tensors[name]
        else:
            tensors[name] = replacement
        write_weights(target, pack(tensors))

    return apply


def rename(old: str, new: str) -> Callable[[Path], None]:
    def apply(target: Path) -> None:
        write_weights(target, pack({name.replace(old, new): value for name, value in good_tensors().items()}))

    return apply


def one_odd_number(value: float) -> Callable[[Path], None]:
    array = np.zeros((32, 4), "<f4")
    array[31, 3] = value
    return change(f"{K}.lora_B.weight", to=array)


def configure(**changes: object) -> Callable[[Path], None]:
    return lambda target: write_config(target, **changes)


def weights(data: bytes) -> Callable[[Path], None]:
    return lambda target: write_weights(target, data)


def add_file(name: str, data: bytes = b"x") -> Callable[[Path], None]:
    return lambda target: (target / name).write_bytes(data)


def link_weights(target: Path) -> None:
    real = target.parent / "elsewhere.safetensors"
    (target / "adapter_model.safetensors").rename(real)
    os.symlink(real, target / "adapter_model.safetensors")


def add_link(target: Path) -> None:
    os.symlink("/etc/passwd", target / "notes.txt")


def link_directory(target: Path) -> None:
    target.rename(target.with_name("real"))
    os.symlink(target.with_name("real"), target)


def empty(target: Path) -> None:
    for file in target.iterdir():
        file.unlink()


def remove(name: str) -> Callable[[Path], None]:
    return lambda target: (target / name).unlink()


def pipe_for_config(target: Path) -> None:
    (target / "adapter_config.json").unlink()
    os.mkfifo(target / "adapter_config.json")


def many_tensors(count: int) -> Callable[[Path], None]:
    entry = {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}
    text = json.dumps({str(i): entry for i in range(count)}, separators=(",", ":")).encode()
    return weights(struct.pack("<Q", len(text)) + text)


def header(entry: object, data: bytes = b"", name: str = "t") -> Callable[[Path], None]:
    text = json.dumps({name: entry}).encode()
    return weights(struct.pack("<Q", len(text)) + text + data)


def entry(dtype: str = "F32", shape: object = (1,), offsets: object = (0, 4)) -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


SOUND = pack(good_tensors())
ONE = b'"t":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}'
TWICE = b"{" + ONE + b"," + ONE + b"}"
BAD: list[tuple[str, Callable[[Path], None], str]] = [
    # files
    ("empty directory", empty, "missing_file"),
    ("no weights", remove("adapter_model.safetensors"), "missing_file"),
    ("no configuration", remove("adapter_config.json"), "missing_file"),
    ("pickle beside the weights", add_file("adapter_model.bin", b"\x80\x04."), "unexpected_file"),
    ("old torch file", add_file("adapter_model.pt"), "unexpected_file"),
    ("training arguments", add_file("training_args.bin"), "unexpected_file"),
    ("code", add_file("modeling.py"), "unexpected_file"),
    ("card inside", add_file("README.md"), "unexpected_file"),
    ("sub-directory", lambda target: (target / "checkpoint-1").mkdir(), "unexpected_file"),
    ("weights are a link", link_weights, "link"),
    ("link beside", add_link, "link"),
    ("directory is a link", link_directory, "missing_file"),
    ("configuration is a pipe", pipe_for_config, "unexpected_file"),
    # header
    ("nothing in the file", weights(b""), "truncated"),
    ("half a length", weights(b"\x01\x02"), "truncated"),
    ("cut in the header", weights(SOUND[:40]), "truncated"),
    ("cut in the numbers", weights(SOUND[:-4]), "truncated"),
    ("bytes after the end", weights(SOUND + b"\0" * 8), "offsets"),
    ("gap between tensors", weights(pack(good_tensors(), gap=4)), "offsets"),
    ("header of 2^60 bytes", weights(struct.pack("<Q", 2**60) + b"{}"), "header_too_large"),
    ("header of 3 MB", weights(struct.pack("<Q", 3 * 2**20) + b" " * 3 * 2**20), "header_too_large"),
    ("100,000 tensors", many_tensors(100_000), "header_too_large"),
    ("5,000 tensors", many_tensors(5_000), "too_many_tensors"),
    ("no tensors", weights(struct.pack("<Q", 2) + b"{}"), "no_tensors"),
    ("header is a list", weights(struct.pack("<Q", 2) + b"[]"), "header_invalid"),
    ("header is no text", weights(struct.pack("<Q", 2) + b"\xff\xfe"), "header_invalid"),
    ("header nests deeply", weights(struct.pack("<Q", 200_000) + b"[" * 200_000), "header_invalid"),
    ("a name twice", weights(struct.pack("<Q", len(TWICE)) + TWICE + bytes(4)), "header_invalid"),
    ("entry without a shape", header({"dtype": "F32", "data_offsets": [0, 4]}, bytes(4)), "header_invalid"),
    ("negative shape", header(entry(shape=[-1]), bytes(4)), "header_invalid"),
    ("shape of truth values", header(entry(shape=[True]), bytes(4)), "header_invalid"),
    ("overflowing shape", header(entry(shape=[2**62, 4]), bytes(4)), "offsets"),
    ("unknown number format", header(entry(dtype="F128"), bytes(4)), "dtype"),
    # numbers
    ("NaN", one_odd_number(np.nan), "not_finite"),
    ("infinity", one_odd_number(np.inf), "not_finite"),
    ("minus infinity", one_odd_number(-np.inf), "not_finite"),
    (
        "whole numbers",
        weights(pack({k: v.view("<i4") for k, v in good_tensors().items()}, dtype="I32")),
        "dtype",
    ),
    # names and shapes
    ("B missing", change(f"{K}.lora_B.weight", to=None), "missing_pair"),
    ("A missing", change(f"{K}.lora_A.weight", to=None), "missing_pair"),
    ("A of another width", change(f"{K}.lora_A.weight", to=np.zeros((4, 63), "<f4")), "shape"),
    ("B of another height", change(f"{K}.lora_B.weight", to=np.zeros((64, 4), "<f4")), "shape"),
    ("A of another rank", change(f"{K}.lora_A.weight", to=np.zeros((5, 64), "<f4")), "shape"),
    ("A turned", change(f"{K}.lora_A.weight", to=np.zeros((64, 4), "<f4")), "shape"),
    ("one-dimensional", change(f"{K}.lora_A.weight", to=np.zeros(256, "<f4")), "shape"),
    ("third layer of two", rename("layers.0", "layers.2"), "unknown_module"),
    ("norm", rename("self_attn.k_proj", "input_layernorm"), "unknown_module"),
    ("lm_head", rename("model.layers.0.self_attn.k_proj", "lm_head"), "head_or_embedding"),
    ("embedding", rename("layers.0.self_attn.k_proj", "embed_tokens"), "head_or_embedding"),
    ("dots in a name", rename("layers.0", "..layers.0"), "tensor_name"),
    ("slash in a name", rename("layers.0", "../../layers.0"), "tensor_name"),
    ("foreign prefix", rename("base_model.model.", "transformer."), "tensor_name"),
    ("magnitude of DoRA", rename("k_proj.lora_A.weight", "k_proj.lora_magnitude_vector"), "tensor_name"),
    # configuration
    ("not JSON", add_file("adapter_config.json", b"{"), "config_invalid"),
    ("a list", add_file("adapter_config.json", b"[]"), "config_invalid"),
    ("huge configuration", add_file("adapter_config.json", b" " * 300_000), "config_invalid"),
    ("another method", configure(peft_type="IA3"), "peft_type"),
    ("DoRA", configure(use_dora=True), "dora"),
    ("bias", configure(bias="lora_only"), "bias"),
    ("LoRA bias", configure(lora_bias=True), "bias"),
    ("saved modules", configure(modules_to_save=["lm_head"]), "modules_to_save"),
    ("activated LoRA", configure(alora_invocation_tokens=[1]), "unsupported_option"),
    ("PiSSA", configure(init_lora_weights="pissa"), "unsupported_option"),
    ("rank above the limit", configure(r=32), "rank"),
    ("rank zero", configure(r=0), "rank"),
    ("rank is text", configure(r="4"), "rank"),
    ("rank pattern above the limit", configure(rank_pattern={"k_proj": 64}), "rank"),
    ("rank pattern the shapes do not have", configure(rank_pattern={"k_proj": 8}), "shape"),
    ("rank pattern is no pattern", configure(rank_pattern={"(": 4}), "config_invalid"),
    ("rank pattern is a list", configure(rank_pattern=["k_proj"]), "config_invalid"),
    ("no alpha", configure(lora_alpha=None), "config_invalid"),
    ("rank the shapes do not have", configure(r=8), "shape"),
    ("another base by id", configure(base_model_name_or_path="0" * 64), "base_mismatch"),
    ("another base by name", configure(base_model_name_or_path="Qwen/Qwen3-0.6B"), "base_mismatch"),
    ("another base by path", configure(base_model_name_or_path="/tmp/other"), "base_mismatch"),
    ("base is no text", configure(base_model_name_or_path=7), "base_mismatch"),
]
