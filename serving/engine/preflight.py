"""What would keep the engine from starting, found out before it is started: port, memory.

Also used by `rejoinder doctor`. Starts nothing.
"""

import math
import socket
from pathlib import Path

from serving.base import read_base_shapes
from serving.errors import MemoryShort, PortTaken
from serving.settings import ServingSettings

_RUNTIME_GIB = 1.2  # measured: server 0.47, core 0.5 besides cache and weights
_ITEM_BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
_GIB = 2**30


def choose_port(host: str, port: int) -> int:
    """The port, or a free one for 0. Raises PortTaken."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            raise PortTaken(host, port) from None
        return int(probe.getsockname()[1])


def check_memory(settings: ServingSettings, base: Path) -> tuple[float, float]:
    """GiB that a CPU engine needs and that are free. Raises MemoryShort where the first is the larger."""
    needed, available = needed_gib(settings, base), available_gib()
    if available is not None and needed > available:
        raise MemoryShort(needed, available)
    return needed, available if available is not None else math.inf


def needed_gib(settings: ServingSettings, base: Path) -> float:
    """Server and core, cache, and the weights in the served number format."""
    weights = sum(math.prod(shape) for shape in read_base_shapes(base).values())
    return _RUNTIME_GIB + settings.kv_cache_gib + weights * _ITEM_BYTES[settings.dtype] / _GIB


def available_gib() -> float | None:
    """Memory free on this machine and within the limit of its container; None where nobody says."""
    found = [amount for amount in (_read_machine(), _read_container()) if amount is not None]
    return min(found) / _GIB if found else None


def _read_machine() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return None


def _read_container() -> int | None:
    """Limit less use of the control group; caches of files count as use there, so they are given back."""
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
