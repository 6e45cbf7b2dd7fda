"""Checks before the engine is started: whether its port is free, whether there is enough memory, and whether
the engine serves the base at all.

`rejoinder doctor` uses them, too. Nothing is started here.
"""

import math
import socket
from pathlib import Path

import psutil

from serving.backend import resolve_backend
from serving.base import read_base_shapes
from serving.errors import BaseUnfit, EnginePortTaken, MemoryShort
from serving.facts.profile import read_profile
from serving.facts.verdict import judge_base
from serving.settings import ServingSettings

_RUNTIME_GIB = 1.2  # measured: server 0.47, core 0.5 besides cache and weights
_ITEM_BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
_GIB = 2**30


def choose_port(host: str, port: int) -> int:
    """The given port, or a free one if it is 0. Raises EnginePortTaken."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            raise EnginePortTaken(host, port) from None
        return int(probe.getsockname()[1])


def require_memory(settings: ServingSettings, base: Path) -> None:
    """Raises MemoryShort if a CPU engine needs more memory than is free."""
    needed, available = needed_gib(settings, base), available_gib()
    if needed > available:
        raise MemoryShort(needed, available)


def require_served(settings: ServingSettings, base: Path) -> None:
    """Raises BaseUnfit if what is known of base and engine says that it cannot serve."""
    verdict = judge_base(read_profile(base), backend=resolve_backend(settings))
    if not verdict.serves:
        serving = [one for one in verdict.obstacles if one.prevents != "training"]
        raise BaseUnfit(settings.base_model, "served", serving)


def needed_gib(settings: ServingSettings, base: Path) -> float:
    """GiB of memory that a CPU engine needs: its processes, its cache, and the weights in the served number
    format.
    """
    return _RUNTIME_GIB + settings.kv_cache_gib + _weights_gib(settings, base)


def describe_memory(settings: ServingSettings, base: Path) -> str:
    """What the engine needs: on a CPU all of it beside what is free, on a GPU what its weights take."""
    if resolve_backend(settings) == "cuda":
        return f"the weights take {_weights_gib(settings, base):.1f} GiB of the GPU in {settings.dtype}"
    return f"the engine needs {needed_gib(settings, base):.1f} GiB, {available_gib():.1f} GiB are free"


def _weights_gib(settings: ServingSettings, base: Path) -> float:
    weights = sum(math.prod(shape) for shape in read_base_shapes(base).values())
    return weights * _ITEM_BYTES[settings.dtype] / _GIB


def available_gib() -> float:
    """GiB of memory that are free on this machine and within the limit of its container."""
    machine, container = psutil.virtual_memory().available, _read_container()
    return float(machine if container is None else min(machine, container)) / _GIB


def _read_container() -> int | None:
    """Bytes that are free under the container's memory limit, or None without a limit.

    File caches count as free.
    """
    root = Path("/sys/fs/cgroup")
    try:
        limit = (root / "memory.max").read_text().strip()
        if limit == "max":
            return None
        used = int((root / "memory.current").read_text())
        statistics = dict(line.split() for line in (root / "memory.stat").read_text().splitlines())
        return int(limit) - used + int(statistics.get("inactive_file", 0))
    except (OSError, ValueError):
        return None
