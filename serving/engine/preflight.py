"""Checks before the engine is started: whether its port is free and whether there is enough memory.

`rejoinder doctor` uses them, too. Nothing is started here.
"""

import math
import socket
from pathlib import Path

import psutil

from serving.base import read_base_shapes
from serving.errors import EnginePortTaken, MemoryShort
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


def needed_gib(settings: ServingSettings, base: Path) -> float:
    """GiB of memory that a CPU engine needs: its processes, its cache, and the weights in the served number
    format.
    """
    weights = sum(math.prod(shape) for shape in read_base_shapes(base).values())
    return _RUNTIME_GIB + settings.kv_cache_gib + weights * _ITEM_BYTES[settings.dtype] / _GIB


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
