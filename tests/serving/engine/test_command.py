"""The engine's command line and environment on both kinds of machine."""

from pathlib import Path

import pytest

from serving.backend import resolve_backend
from serving.engine.command import build_command, build_environment
from serving.settings import ServingSettings

BASE = Path("/models/base")
ZERO = Path("/data/zero/weights")


def option(command: list[str], name: str) -> str:
    return command[command.index(name) + 1]


def test_cpu_engine_serves_the_zero_adapter_from_its_first_request_on():
    command = build_command(ServingSettings(backend="cpu", port=8200), base=BASE, zero_weights=ZERO)
    assert command[1] == "-P" and Path(command[2]).name == "forking_server.py"
    assert option(command, "--lora-modules") == "zero=/data/zero/weights"
    assert option(command, "--model") == "/models/base" and option(command, "--served-model-name") == "base"
    assert option(command, "--port") == "8200" and option(command, "--host") == "127.0.0.1"


def test_replies_depend_on_nothing_unseen():
    for backend in ("cpu", "cuda"):
        command = build_command(ServingSettings(backend=backend), base=BASE)
        assert option(command, "--dtype") == "float32"
        assert option(command, "--generation-config") == "vllm"


def test_lora_limits_come_from_the_settings():
    settings = ServingSettings(backend="cpu", max_loras=5, max_lora_rank=32, kv_cache_gib=0.5)
    command = build_command(settings, base=BASE)
    assert option(command, "--max-loras") == "5" and option(command, "--max-cpu-loras") == "10"
    assert option(command, "--max-lora-rank") == "32"
    assert option(command, "--kv-cache-memory-bytes") == str(2**29)


def test_cuda_engine_needs_no_zero_adapter_and_no_cpu_options():
    settings = ServingSettings(backend="cuda", dtype="bfloat16", gpu_memory_utilization=0.5)
    command = build_command(settings, base=BASE, zero_weights=ZERO)
    assert "--lora-modules" not in command and "--distributed-executor-backend" not in command
    assert "--block-size" not in command and "--kv-cache-memory-bytes" not in command
    assert command[1:3] == ["-m", "vllm.entrypoints.openai.api_server"]
    assert option(command, "--gpu-memory-utilization") == "0.5" and option(command, "--dtype") == "bfloat16"
    assert "--enable-lora" in command
    environment = build_environment(settings, "k", {})
    assert "OMP_NUM_THREADS" not in environment and "TORCHDYNAMO_DISABLE" not in environment


@pytest.mark.parametrize(
    ("backend", "chosen", "offers"),
    [("cuda", "sleep", True), ("cuda", "stop", False), ("cuda", "auto", False), ("cpu", "sleep", False)],
)
def test_sleep_mode_and_its_routes_are_there_only_where_they_are_asked_for(backend, chosen, offers):
    settings = ServingSettings(backend=backend, during_training=chosen)
    assert ("--enable-sleep-mode" in build_command(settings, base=BASE)) == offers
    assert (build_environment(settings, "k", {}).get("VLLM_SERVER_DEV_MODE") == "1") == offers


def test_output_head_is_not_wrapped():
    command = build_command(ServingSettings(backend="cpu"), base=BASE, lora_modules=["k_proj", "q_proj"])
    place = command.index("--lora-target-modules")
    assert command[place + 1 : place + 3] == ["k_proj", "q_proj"]
    assert command[place + 3].startswith("--")


def test_a_chat_template_of_ours_stands_in_for_that_of_the_base():
    settings = ServingSettings(backend="cpu")
    command = build_command(settings, base=BASE, chat_template=Path("/data/templates/x.jinja"))
    assert option(command, "--chat-template") == "/data/templates/x.jinja"
    assert "--chat-template" not in build_command(settings, base=BASE)


def test_key_is_in_the_environment_and_never_on_the_command_line():
    settings = ServingSettings(backend="cpu")
    assert build_environment(settings, "very-secret", {})["VLLM_API_KEY"] == "very-secret"
    assert not any("very-secret" in part for part in build_command(settings, base=BASE, zero_weights=ZERO))


def test_nothing_is_reported_or_fetched():
    environment = build_environment(ServingSettings(backend="cpu"), "k", {})
    for name in ("VLLM_NO_USAGE_STATS", "DO_NOT_TRACK", "HF_HUB_DISABLE_TELEMETRY", "HF_HUB_OFFLINE"):
        assert environment[name] == "1"
    assert environment["VLLM_ALLOW_RUNTIME_LORA_UPDATING"] == "1"


def test_inherited_switches_of_the_engine_are_left_out():
    inherited = {
        "PATH": "/bin",
        "VLLM_SERVER_DEV_MODE": "1",
        "REJOINDER_SERVING__API_KEY": "x",
        "PYTHONPATH": "/evil",
    }
    environment = build_environment(ServingSettings(backend="cpu"), "k", inherited)
    assert environment["PATH"] == "/bin"
    assert not {"VLLM_SERVER_DEV_MODE", "REJOINDER_SERVING__API_KEY", "PYTHONPATH"} & set(environment)


def test_threads_are_the_cores_unless_set():
    assert build_environment(ServingSettings(backend="cpu", threads=3), "k", {})["OMP_NUM_THREADS"] == "3"
    assert int(build_environment(ServingSettings(backend="cpu"), "k", {})["OMP_NUM_THREADS"]) >= 1


def test_backend_that_is_set_is_not_guessed():
    assert resolve_backend(ServingSettings(backend="cuda")) == "cuda"
    assert resolve_backend(ServingSettings(backend="cpu")) == "cpu"
