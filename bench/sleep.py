"""What an engine's rest frees of its GPU: memory and seconds before, asleep and after.

    python -m bench.sleep --base-model FOLDER [--rest stop]     on a machine with a GPU and vLLM for CUDA

It starts the engine as `rejoinder up` does, lets it rest as it does for a run, and wakes it. Memory is what
`nvidia-smi` says is taken of the first GPU, by whatever process.
"""

import argparse
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.report import NotedFigures, ending_on_term, make_parser, print_report
from serving.client.endpoint import read_endpoints
from serving.engine.supervisor import Supervisor
from serving.errors import EngineResting
from serving.settings import ServingSettings

POLL_S = 0.1
LIMIT_S = 600.0
QUERY = ("nvidia-smi", "--id=0", "--query-gpu=memory.used", "--format=csv,noheader,nounits")


def main(arguments: Sequence[str] | None = None) -> None:
    asked = read_sleep_options(arguments)
    settings = ServingSettings(
        base_model=asked.base_model,
        port=0,
        backend="cuda",
        dtype=asked.dtype,
        gpu_memory_utilization=asked.gpu_memory_utilization,
        during_training=asked.rest,
    )
    with ending_on_term(), tempfile.TemporaryDirectory() as folder:
        found = measure_rest(settings, Path(folder))
    print_report("sleep", found.figures, notes=found.notes)


def read_sleep_options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = make_parser(__doc__)
    parser.add_argument("--base-model", required=True, help="folder of the base")
    parser.add_argument("--rest", choices=("sleep", "stop"), default="sleep")
    parser.add_argument("--dtype", choices=("bfloat16", "float16", "float32"), default="bfloat16")
    parser.add_argument("--gpu-memory-utilization", type=float, default=0.85)
    return parser.parse_args(arguments)


def measure_rest(settings: ServingSettings, data_dir: Path) -> NotedFigures:
    found, is_ready = NotedFigures(), threading.Event()
    found.add("mib_without", read_used(), "taken of the GPU before the engine starts")
    supervisor = Supervisor(settings, data_dir, lambda fleet: is_ready.set())
    try:
        began = time.monotonic()
        supervisor.start()
        supervisor.wait_ready()
        found.add("seconds_start", time.monotonic() - began, "from nothing to ready")
        found.add("mib_before", read_used(), "while it serves")
        is_ready.clear()
        began = time.monotonic()
        supervisor.rest(None)
        await_true(lambda: is_gone(settings, data_dir))
        found.add("seconds_to_rest", time.monotonic() - began)
        found.add("mib_asleep", read_used(), "while it rests: the rest of the GPU is a run's")
        began = time.monotonic()
        supervisor.wake()
        await_true(is_ready.is_set)
        found.add("seconds_to_wake", time.monotonic() - began, "until it serves again")
        found.add("mib_after", read_used())
    finally:
        supervisor.stop()
    return found


def read_used() -> int:
    """MiB of the first GPU that are taken."""
    return int(subprocess.run(QUERY, capture_output=True, text=True, check=True).stdout.strip())


def is_gone(settings: ServingSettings, data_dir: Path) -> bool:
    try:
        read_endpoints(settings, data_dir)
    except EngineResting as rest:
        return rest.is_gone
    return False


def await_true(condition: Callable[[], bool]) -> None:
    ends = time.monotonic() + LIMIT_S
    while not condition():
        if time.monotonic() > ends:
            raise TimeoutError(f"the engine did not get there within {LIMIT_S:.0f} s: see its log")
        time.sleep(POLL_S)


if __name__ == "__main__":
    main()
