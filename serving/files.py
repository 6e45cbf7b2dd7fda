"""Files that a crash leaves whole: the old content or the new one, the whole directory or none, on the disk.

Knows no format: what is written is bytes.
"""

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO


def make_private_dir(path: Path) -> None:
    """The directory, open to its owner alone whoever made it; one that belongs to another keeps its mode."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = path.stat()
    if found.st_uid == os.geteuid() and found.st_mode & 0o077:
        path.chmod(0o700)


@contextmanager
def open_atomic(path: Path, *, mode: int | None = 0o644, is_new: bool = False) -> Iterator[IO[bytes]]:
    """A file that becomes `path` in one step when the block ends, and leaves nothing where it fails.

    Content and name have reached the disk then. Without a `mode` the umask decides. With `is_new`, a file
    that stands already stays, and FileExistsError says so.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with open(part, "xb", opener=lambda name, flags: os.open(name, flags, mode or 0o666)) as file:
            if mode is not None:
                os.fchmod(file.fileno(), mode)
            yield file
            sync_file(file)
        if is_new:
            os.link(part, path)
        else:
            part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    sync_path(path.parent)


def write_atomically(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    with open_atomic(path, mode=mode) as file:
        file.write(content)


def append_durably(path: Path, content: bytes) -> None:
    """Adds to the end of a file for its owner's eyes alone; on the disk when this returns."""
    make_private_dir(path.parent)
    with open(path, "ab", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(content)
        sync_file(file)
    sync_path(path.parent)


def read_key_file(path: Path, make: Callable[[], str]) -> str:
    """The secret that a file holds for its owner alone, made at the first use.

    The first of several starters wins, and nobody reads half a key.
    """
    if not path.exists():
        make_private_dir(path.parent)
        with suppress(FileExistsError), open_atomic(path, mode=0o600, is_new=True) as file:
            file.write(make().encode())
    return path.read_text("utf-8").strip()


def move_directory(source: Path, target: Path) -> bool:
    """Gives a directory, whose files are on the disk, its name; False where that name stands already."""
    sync_path(source)
    if target.exists():
        return False
    try:
        source.rename(target)
    except OSError:
        if target.exists():  # somebody else was faster
            return False
        raise
    sync_path(target.parent)
    return True


def sync_file(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())


def sync_path(path: Path) -> None:
    """Forces a closed file's content, or the names in a directory, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
