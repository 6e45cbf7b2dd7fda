"""How much memory this process takes now, and took at most since a moment; on a machine with a GPU, that of
the GPU.
"""

import resource
import sys
from contextlib import suppress
from pathlib import Path

import psutil
import torch


def read_memory() -> int:
    """Bytes that the process, or what PyTorch holds of the GPU, takes now."""
    if torch.cuda.is_available():
        return torch.cuda.memory_allocated()
    return int(psutil.Process().memory_info().rss)


def read_peak() -> int:
    """Peak memory in bytes since `forget_peak`, or since the process began: of the GPU if there is one."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    with suppress(OSError, StopIteration):
        # `ru_maxrss` would be that of the process that started this one, if it was larger.
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
        return 1024 * int(next(line for line in status if line.startswith("VmHWM:")).split()[1])
    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def forget_peak() -> None:
    """Lets the peak begin anew at what is taken now. Only Linux can do so for a process; elsewhere its peak
    stays that of its whole life.
    """
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
        return
    with suppress(OSError):  # no Linux, or a kernel without this file
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
