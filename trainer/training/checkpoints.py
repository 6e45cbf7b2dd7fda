"""Checkpoints that survive a kill: only a directory with a DONE file, written last, counts."""

import shutil
from pathlib import Path

from serving.files import sync_path, write_atomically

DONE = "DONE"


def mark_done(checkpoint: Path) -> None:
    """Forces every file of a checkpoint to disk, then writes DONE, which only a whole one has."""
    for path in sorted(checkpoint.rglob("*")):
        if path.is_file():
            sync_path(path)
    write_atomically(checkpoint / DONE, b"")


def find_checkpoint(folder: Path) -> Path | None:
    """The newest whole checkpoint, or None."""
    whole = [path for path in folder.glob("checkpoint-*") if (path / DONE).exists()]
    return max(whole, key=lambda path: int(path.name.rsplit("-", 1)[1]), default=None)


def drop_unfinished(folder: Path) -> None:
    """Removes checkpoints that a kill left half written. Of several processes, only one calls this."""
    for path in folder.glob("checkpoint-*"):
        if not (path / DONE).exists():
            shutil.rmtree(path)
