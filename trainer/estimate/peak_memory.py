"""The most memory that a block of code took: of the accelerator where there is one, else of this process as
Linux counts it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
RESET_PEAK = "5"


class Peak:
    """Bytes `before` the block and at its `peak`; None where nothing counts them."""

    def __init__(self) -> None:
        self.before: int | None = None
        self.peak: int | None = None

    @property
    def grown(self) -> int | None:
        return None if self.peak is None or self.before is None else max(0, self.peak - self.before)


@contextmanager
def watch_peak() -> Iterator[Peak]:
    """The result is filled when the block ends."""
    found = Peak()
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
        found.before = torch.cuda.memory_allocated()
        yield found
        found.peak = torch.cuda.max_memory_allocated()
        return
    try:
        CLEAR.write_text(RESET_PEAK)
        found.before = read_status("VmRSS")
    except OSError:  # another system, or one that forbids it
        yield found
        return
    yield found
    found.peak = read_status("VmHWM")


def read_status(name: str) -> int:
    """A line of /proc/self/status, in bytes."""
    for line in STATUS.read_text().splitlines():
        if line.startswith(f"{name}:"):
            return 1024 * int(line.split()[1])
    raise OSError(f"{STATUS} has no line {name}")
