"""Whether what a run by method `full`, `freeze` or `progressive` writes fits on the disk, asked before it
starts: a full disk in the night would end it after hours.

With N weights in the base and T of them trained, in bytes:

    training checkpoints    3 (4 N + 8 T)   two are kept while a third is written; `progressive`: 3 x 12 T
    the checkpoint          4 N             staged as links to the same files

What a killed run of the same folder has written already is not needed again.
"""

import shutil
from pathlib import Path

from trainer.errors import DiskShort
from trainer.estimate.memory import ADAM, FLOAT, count_parameters
from trainer.objectives.arguments import build_method
from trainer.recipes.recipe import Recipe

KEPT = 3


def require_disk(run_dir: Path, base: Path, recipe: Recipe) -> None:
    """Raises DiskShort if a run whose method ends in a checkpoint does not fit."""
    if not recipe.is_whole:
        return
    written = sum(file.stat().st_size for file in run_dir.rglob("*") if file.is_file())
    needed, free = max(0, count_bytes(base, recipe) - written), shutil.disk_usage(run_dir).free
    if needed > free:
        raise DiskShort(run_dir, needed, free)


def count_bytes(base: Path, recipe: Recipe) -> int:
    """Bytes that a run by this method has on disk at once, at most."""
    found = count_parameters(base, build_method(base, recipe), recipe)
    saved = found.adapter if recipe.method == "progressive" else found.total
    trained = found.adapter if recipe.method == "progressive" else found.unfrozen
    return KEPT * (FLOAT * saved + ADAM * trained) + FLOAT * found.total
