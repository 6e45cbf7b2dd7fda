"""Adapters on disk: a table of bad ones, each refused before an engine sees it.

Staging and the zero adapter.
"""

import json
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
from tests.families.models import make_tokenizer
from tests.families.table import FAMILIES
from tests.serving.adapters.bad_adapters import (
    BAD,
    K,
    good_tensors,
    pack,
    write_adapter,
    write_weights,
)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base of two layers, as far as checks look: configuration and the header of its weights."""
    folder = tmp_path_factory.mktemp("base") / "some-model"
    folder.mkdir()
    config = {"architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2", "num_hidden_layers": 2}
    (folder / "config.json").write_text(json.dumps(config))
    make_tokenizer(FAMILIES["qwen2"]).save_pretrained(folder)
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
    assert facts.modules == ("k_proj",) and facts.rank == 8  # as small as v_proj, and first by its name
    from safetensors.numpy import load_file

    tensors = load_file(target / "adapter_model.safetensors")
    assert len(tensors) == 2  # A and B in the first of two layers
    assert not any(array.any() for name, array in tensors.items() if ".lora_B." in name)
    stamps = [file.stat().st_mtime_ns for file in sorted(target.iterdir())]
    write_zero_adapter(base, target)
    assert stamps == [file.stat().st_mtime_ns for file in sorted(target.iterdir())]
