"""The memory that `choice` takes over that of TRL in `bench.train`, each with its reference stored."""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from multiprocessing.context import BaseContext
from pathlib import Path

import torch

from bench.report import NotedFigures
from bench.train_sides import Mode, SidePlan, TrainSide
from trainer.data.example import Example

MEMORY: tuple[Mode, Mode] = ("dpo_stored", "stored_reference")  # the default of recipes, and TRL's like it


def compare_memory(
    plan: SidePlan, suffix: str, examples: list[Example], sizes: dict[Mode, int], found: NotedFigures
) -> None:
    used = []
    for mode in MEMORY:
        measured = (plan, mode, examples, sizes[mode])
        if plan.device == "cuda":  # whose peak can be set back
            used.append(measure_memory(*measured))
            continue
        with ProcessPoolExecutor(1, mp_context=make_memory_context()) as child:
            used.append(child.submit(measure_memory, *measured).result())
    (theirs, their_growth), (ours, our_growth) = used
    note = f"{ours:.0f} over {theirs:.0f} MiB, the whole process"
    found.add(f"peak_memory_ratio{suffix}", ours / theirs, note)
    note = f"{our_growth:.0f} over {their_growth:.0f} MiB while training"
    found.add(f"memory_growth_ratio{suffix}", our_growth / their_growth, note)


def make_memory_context() -> BaseContext:
    """For processes that have imported everything and computed nothing yet."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["bench.train_sides"])
    return context


def measure_memory(plan: SidePlan, mode: Mode, examples: Sequence[Example], size: int) -> tuple[float, float]:
    """(peak, growth since before the first step) in MiB for one pass. On a CPU, run it in a separate process,
    since its peak never falls.

    On a CPU it is the resident memory of this program as Linux counts it, without its parent's; on a GPU the
    allocated memory.
    """
    side = TrainSide(plan, mode, examples, size)
    try:
        if plan.device == "cuda":
            before = torch.cuda.memory_allocated()
            torch.cuda.reset_peak_memory_stats()
            side.run()
            peak = torch.cuda.max_memory_allocated()
            return peak / 2**20, (peak - before) / 2**20
        before = read_own_status("VmRSS")
        side.run()
        peak = read_own_status("VmHWM")
        return peak / 2**10, (peak - before) / 2**10
    finally:
        side.close()


def read_own_status(name: str) -> int:
    """A field of this process's /proc status in KiB. `getrusage` would also include a parent's peak."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))
