"""How the engine is started: its command line and its environment, from the settings.

Pure, except that `resolve_backend` looks for a GPU.
The flags and their reasons are listed in docs/serving.md.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from serving.backend import ZERO_NAME, resolve_backend
from serving.engine import forking_server
from serving.settings import ServingSettings

_BATCHED_TOKENS = 2048  # on cpu a longer prefill holds up everybody's next token
_CPU_BLOCK = 32  # tokens shared by prefix caching; the smallest block the CPU kernels run well with


def build_command(
    settings: ServingSettings,
    *,
    base: Path,
    lora_modules: Sequence[str] = (),
    zero_weights: Path | None = None,
    chat_template: Path | None = None,
    takes_adapters: bool = True,
) -> list[str]:
    """The engine's command line. `base` is a folder; `zero_weights` is needed on cpu only; `chat_template` is
    read in place of the base's own. The engine of a checkpoint takes no adapters.

    `lora_modules` are the layers adapters may change. Without that list vLLM also wraps the output head, and
    on cpu a request for prompt_logprobs that shares a batch with any other request then ends the engine.
    """
    on_cpu = resolve_backend(settings) == "cpu"
    server = ("-P", forking_server.__file__) if on_cpu else ("-m", "vllm.entrypoints.openai.api_server")
    command = [
        *(sys.executable, *server),
        *("--model", str(base)),
        *("--served-model-name", settings.served_name),
        *("--host", settings.host, "--port", str(settings.port)),
        *("--dtype", settings.dtype),
        *("--generation-config", "vllm"),
        *("--max-model-len", str(settings.max_model_len)),
        *("--max-num-seqs", str(settings.max_num_seqs)),
        "--enable-prefix-caching",
        "--disable-uvicorn-access-log",
    ]
    if takes_adapters:
        command += ["--enable-lora", "--max-lora-rank", str(settings.max_lora_rank)]
        command += ["--max-loras", str(settings.max_loras), "--max-cpu-loras", str(2 * settings.max_loras)]
    if chat_template is not None:
        command += ["--chat-template", str(chat_template)]
    if lora_modules:
        command += ["--lora-target-modules", *lora_modules]
    if not on_cpu:
        command += ["--gpu-memory-utilization", f"{settings.gpu_memory_utilization:g}"]
        return [*command, "--enable-sleep-mode"] if settings.during_training == "sleep" else command
    command += [
        *("--distributed-executor-backend", "uni"),
        *("--block-size", str(_CPU_BLOCK)),
        *("--max-num-batched-tokens", str(max(_BATCHED_TOKENS, settings.max_model_len))),
        *("--kv-cache-memory-bytes", str(int(settings.kv_cache_gib * 2**30))),
    ]
    if not takes_adapters:
        command += ["--enforce-eager"]  # what compiles is off with adapters, and takes minutes without
    if zero_weights is not None:
        command += ["--lora-modules", f"{ZERO_NAME}={zero_weights}"]
    return command


def build_environment(
    settings: ServingSettings, api_key: str, inherited: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The engine's environment: the inherited one without variables that silently change its behaviour."""
    kept = {
        name: value
        for name, value in (os.environ if inherited is None else inherited).items()
        if not name.startswith(("VLLM_", "REJOINDER_")) and name != "PYTHONPATH"
    }
    environment = {
        **kept,
        "VLLM_API_KEY": api_key,  # never on the command line, which every user of the machine can read
        "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "1",
        "VLLM_NO_USAGE_STATS": "1",
        "DO_NOT_TRACK": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_OFFLINE": "1",  # the base is a folder by now: nothing is to be fetched
        "VLLM_HTTP_TIMEOUT_KEEP_ALIVE": "60",
        "PYTHONUNBUFFERED": "1",
    }
    if resolve_backend(settings) == "cuda" and settings.during_training == "sleep":
        environment["VLLM_SERVER_DEV_MODE"] = "1"  # else it has no route to fall asleep
    if resolve_backend(settings) == "cpu":
        threads = settings.threads or min(8, os.cpu_count() or 1)
        environment |= {
            # With this off the executor may live in the core's own process: one import of vLLM less.
            "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
            "OMP_NUM_THREADS": str(threads),
            "OMP_WAIT_POLICY": "PASSIVE",  # cores are shared with the web and the trainer
            # Nothing is compiled for CPU with LoRA on but one small helper of prompt_logprobs, whose
            # compilation takes ten seconds and a C++ compiler at the first probe.
            "TORCHDYNAMO_DISABLE": "1",
        }
    return environment
