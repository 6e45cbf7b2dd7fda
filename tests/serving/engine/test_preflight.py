"""What is found out before the engine is started."""

import re
import socket

import numpy as np
import pytest
from safetensors.numpy import save_file

from serving.engine.preflight import (
    available_gib,
    choose_port,
    describe_memory,
    needed_gib,
    require_memory,
)
from serving.errors import EnginePortTaken, MemoryShort
from serving.settings import ServingSettings


def test_free_port_is_chosen_for_zero():
    assert 1024 <= choose_port("127.0.0.1", 0) <= 65535


def test_port_in_use_is_told():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(EnginePortTaken):
            choose_port("127.0.0.1", other.getsockname()[1])


@pytest.mark.parametrize(("dtype", "gib"), [("float32", 4 * 2**20), ("bfloat16", 2 * 2**20)])
def test_need_is_runtime_cache_and_weights_as_served(tmp_path, dtype, gib):
    save_file({"a": np.zeros((1024, 1024), "f2")}, tmp_path / "model.safetensors")
    settings = ServingSettings(dtype=dtype, kv_cache_gib=2)
    assert needed_gib(settings, tmp_path) == pytest.approx(1.2 + 2 + gib / 2**30)


def test_memory_is_told_for_each_kind_of_engine(tmp_path):
    save_file({"a": np.zeros((2**12, 2**12), "i1")}, tmp_path / "model.safetensors")
    told = describe_memory(ServingSettings(backend="cuda", dtype="float32"), tmp_path)
    assert told == "the weights take 0.1 GiB of the GPU in float32"
    told = describe_memory(ServingSettings(backend="cpu", dtype="float32", kv_cache_gib=0.5), tmp_path)
    assert re.fullmatch(r"the engine needs 1\.8 GiB, \d+\.\d GiB are free", told)


def test_memory_of_this_machine_is_known_and_compared(tmp_path):
    free = available_gib()
    assert free > 0
    with pytest.raises(MemoryShort, match="lower \\[serving\\] kv_cache_gib"):
        require_memory(ServingSettings(kv_cache_gib=1024), tmp_path)
