"""Checkpoints that can be trusted after a kill: a directory counts once its DONE file, written last, is
there.
"""

import shutil
from pathlib import Path

from serving.files import sync_path, write_atomically

DONE = "DONE"


def mark_done(checkpoint: Path) -> None:
    """Forces every file of a checkpoint to disk, then writes DONE: a half-written one can never pass for
    whole.
    """
    for path in sorted(checkpoint.rglob("*")):
        if path.is_file():
            sync_path(path)
    write_atomically(checkpoint / DONE, b"")


def find_checkpoint(folder: Path) -> Path | None:
    """The newest whole checkpoint."""
    whole = [path for path in folder.glob("checkpoint-*") if (path / DONE).exists()]
    return max(whole, key=lambda path: int(path.name.rsplit("-", 1)[1]), default=None)


def drop_unfinished(folder: Path) -> None:
    """Removes what a kill left half written. Of several processes one does this."""
    for path in folder.glob("checkpoint-*"):
        if not (path / DONE).exists():
            shutil.rmtree(path)
