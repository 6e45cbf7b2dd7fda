"""Adapters on disk: a table of bad ones, each refused before an engine sees it.

Staging and the zero adapter.
"""

import json
import os
import struct
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from serving.adapters.staging import (
    check_adapter,
    next_adapter_name,
    stage_adapter,
    verify_staged,
    weights_of,
    write_zero_adapter,
)
from serving.base import compute_base_id
from serving.errors import AdapterRefused

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


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base of two layers, as far as checks look: configuration and the header of its weights."""
    folder = tmp_path_factory.mktemp("base") / "some-model"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    shapes = {"model.embed_tokens.weight": (300, 64), "lm_head.weight": (300, 64)}
    for layer in range(2):
        shapes[f"model.layers.{layer}.self_attn.q_proj.weight"] = (64, 64)
        shapes[f"model.layers.{layer}.self_attn.k_proj.weight"] = (32, 64)
        shapes[f"model.layers.{layer}.input_layernorm.weight"] = (64,)
    (folder / "model.safetensors").write_bytes(pack({k: np.zeros(v, "<f4") for k, v in shapes.items()}))
    return folder


@pytest.mark.parametrize(("spoil", "reason"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_bad_adapter_is_refused(spoil, reason, base, tmp_path):
    target = write_adapter(tmp_path / "weights")
    check_adapter(target, base=base, max_rank=16)
    spoil(target)
    with pytest.raises(AdapterRefused) as caught:
        check_adapter(target, base=base, max_rank=16)
    assert caught.value.reason_code == reason
    with pytest.raises(AdapterRefused):
        stage_adapter(target, tmp_path / "adapters", "tuned-20260102-1", base=base, max_rank=16)
    assert not (tmp_path / "adapters" / "tuned-20260102-1").exists()


def test_facts_of_a_good_adapter(base, tmp_path):
    facts = check_adapter(write_adapter(tmp_path / "weights"), base=base, max_rank=16)
    assert (facts.rank, facts.alpha, facts.tensors, facts.dtype) == (4, 8.0, 4, "F32")
    assert facts.modules == ("k_proj", "q_proj") and facts.base_id == compute_base_id(base)
    assert set(facts.sha256) == {"adapter_config.json", "adapter_model.safetensors"}


@pytest.mark.parametrize(
    "named",
    ["base", None, "", "some-model", "<id>", "<path>"],
    ids=["base", "none", "empty", "tail", "id", "path"],
)
def test_ways_to_name_the_same_base(named, base, tmp_path):
    named = {"<id>": compute_base_id(base), "<path>": str(base)}.get(named, named)
    check_adapter(write_adapter(tmp_path / "weights", base_model_name_or_path=named), base=base, max_rank=16)


def test_rank_pattern_that_fits_the_shapes_passes(base, tmp_path):
    tensors = good_tensors()
    tensors[f"{K}.lora_A.weight"] = np.zeros((8, 64), "<f4")
    tensors[f"{K}.lora_B.weight"] = np.zeros((32, 8), "<f4")
    target = write_adapter(tmp_path / "weights", tensors, rank_pattern={"k_proj": 8})
    assert check_adapter(target, base=base, max_rank=16).rank == 4


@pytest.mark.parametrize(("dtype", "nan"), [("F16", 0x7E00), ("BF16", 0x7FC0)])
def test_half_precision_is_read_number_by_number(dtype, nan, base, tmp_path):
    target = write_adapter(tmp_path / "weights")
    halves = {name: np.zeros(array.shape, "<u2") for name, array in good_tensors().items()}
    write_weights(target, pack(halves, dtype=dtype))
    assert check_adapter(target, base=base, max_rank=16).dtype == dtype
    halves[f"{K}.lora_A.weight"][0, 0] = nan
    write_weights(target, pack(halves, dtype=dtype))
    with pytest.raises(AdapterRefused, match="not_finite"):
        check_adapter(target, base=base, max_rank=16)


def test_staged_version_has_its_manifest_probe_and_card_beside_the_weights(base, tmp_path):
    source = tmp_path / "run"
    write_adapter(source / "weights", base_model_name_or_path=str(base), target_modules=["q_proj", "k_proj"])
    (source / "probe.json").write_text("{}")
    (source / "README.md").write_text("card")
    (source / "log.txt").write_text("stays where it is")
    target = stage_adapter(source, tmp_path / "adapters", "tuned-20260102-1", base=base, max_rank=16)
    assert sorted(file.name for file in target.iterdir()) == [
        "README.md",
        "manifest.json",
        "probe.json",
        "weights",
    ]
    assert weights_of(tmp_path / "adapters", "tuned-20260102-1") == target / "weights"
    config = json.loads((target / "weights" / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "base" and config["target_modules"] == ["k_proj", "q_proj"]
    assert verify_staged(target)["rank"] == 4


def test_staging_again_is_harmless_and_other_files_never_take_the_name(base, tmp_path):
    source = write_adapter(tmp_path / "a" / "weights")
    adapters = tmp_path / "adapters"
    first = stage_adapter(source, adapters, "tuned-20260102-1", base=base, max_rank=16)
    assert stage_adapter(source, adapters, "tuned-20260102-1", base=base, max_rank=16) == first
    other = write_adapter(tmp_path / "b" / "weights", lora_alpha=16)
    with pytest.raises(AdapterRefused, match="name_taken"):
        stage_adapter(other, adapters, "tuned-20260102-1", base=base, max_rank=16)
    assert [entry.name for entry in adapters.iterdir()] == ["tuned-20260102-1"]
    verify_staged(first)


def test_litter_of_a_crash_is_cleared_by_the_next_staging(base, tmp_path):
    adapters = tmp_path / "adapters"
    (adapters / ".incoming-tuned-20260102-1" / "weights").mkdir(parents=True)
    (adapters / ".incoming-tuned-20260102-1" / "weights" / "half").write_bytes(b"x")
    source = write_adapter(tmp_path / "weights")
    target = stage_adapter(source, adapters, "tuned-20260102-1", base=base, max_rank=16)
    assert [entry.name for entry in adapters.iterdir()] == [target.name]


@pytest.mark.parametrize(
    "name", ["../evil", "tuned-1", "tuned-20260102-0", "base", "tuned-20260102-1/x", "zero"]
)
def test_names_that_are_no_version_are_refused(name, base, tmp_path):
    with pytest.raises(AdapterRefused, match="tuned-YYYYMMDD-n"):
        stage_adapter(write_adapter(tmp_path / "weights"), tmp_path / "x", name, base=base, max_rank=16)


def test_changed_file_of_a_staged_version_is_noticed(base, tmp_path):
    source = write_adapter(tmp_path / "weights")
    target = stage_adapter(source, tmp_path / "adapters", "tuned-20260102-1", base=base, max_rank=16)
    path = target / "weights" / "adapter_model.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\x01")
    with pytest.raises(AdapterRefused, match="sha256"):
        verify_staged(target)


def test_names_count_up_over_disk_and_store(tmp_path):
    day = date(2026, 1, 2)
    assert next_adapter_name(tmp_path / "absent", day) == "tuned-20260102-1"
    for name in (
        "tuned-20260102-1",
        "tuned-20260102-9",
        "tuned-20260101-40",
        "tuned-20260102-x",
        ".incoming-a",
    ):
        (tmp_path / name).mkdir()
    assert next_adapter_name(tmp_path, day) == "tuned-20260102-10"
    assert next_adapter_name(tmp_path, day, ["tuned-20260102-12"]) == "tuned-20260102-13"


def test_zero_adapter_passes_the_same_check_and_changes_nothing(base, tmp_path):
    target = write_zero_adapter(base, tmp_path / "zero" / "weights")
    facts = check_adapter(target, base=base, max_rank=16)
    assert facts.modules == ("q_proj",) and facts.rank == 8
    from safetensors.numpy import load_file

    tensors = load_file(target / "adapter_model.safetensors")
    assert len(tensors) == 4  # A and B in each of two layers
    assert not any(array.any() for name, array in tensors.items() if ".lora_B." in name)
    stamps = [file.stat().st_mtime_ns for file in sorted(target.iterdir())]
    write_zero_adapter(base, target)
    assert stamps == [file.stat().st_mtime_ns for file in sorted(target.iterdir())]
