"""Checkpoints that can be trusted after a kill: a directory counts once its DONE file, written last, is
there.
"""

import os
import shutil
from pathlib import Path

DONE = "DONE"


def mark_done(checkpoint: Path) -> None:
    """Forces every file of a checkpoint to disk, then writes DONE: a half-written one can never pass for
    whole.
    """
    for path in sorted(checkpoint.rglob("*")):
        if path.is_file():
            sync(path)
    (checkpoint / DONE).write_text("", encoding="utf-8")
    sync(checkpoint / DONE)
    sync(checkpoint)


def find_checkpoint(folder: Path) -> Path | None:
    """The newest whole checkpoint; unfinished ones are removed so that nothing resumes from them."""
    whole = []
    for path in folder.glob("checkpoint-*"):
        if (path / DONE).exists():
            whole.append(path)
        else:
            shutil.rmtree(path)
    return max(whole, key=lambda path: int(path.name.rsplit("-", 1)[1]), default=None)


def sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
