"""Crash-safe files: after a crash there is the old content or the new one, a whole directory or none.

Contents are bytes; no format is known here.
"""

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO


def make_private_dir(path: Path) -> None:
    """Makes a directory that only its owner may open (mode 0700); one of another user keeps its mode."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = path.stat()
    if found.st_uid == os.geteuid() and found.st_mode & 0o077:
        path.chmod(0o700)


@contextmanager
def open_atomic(path: Path, *, mode: int | None = 0o644, is_new: bool = False) -> Iterator[IO[bytes]]:
    """Opens a file that becomes `path` in one step when the block ends; if the block fails, nothing is left.

    After the block, content and name are on the disk. If `mode` is None, the umask decides. With `is_new`, an
    existing file stays as it is and FileExistsError is raised.
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
    """Appends to a file that only its owner may read; the content is on the disk when this returns."""
    make_private_dir(path.parent)
    with open(path, "ab", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(content)
        sync_file(file)
    sync_path(path.parent)


def read_key_file(path: Path, make: Callable[[], str]) -> str:
    """The secret in a file that only its owner may read; `make` makes it at the first use.

    If several processes start at once, the first one wins, and nobody reads half a key.
    """
    if not path.exists():
        make_private_dir(path.parent)
        with suppress(FileExistsError), open_atomic(path, mode=0o600, is_new=True) as file:
            file.write(make().encode())
    return path.read_text("utf-8").strip()


def move_directory(source: Path, target: Path) -> bool:
    """Renames a directory whose files are synced already to `target`; False if `target` exists."""
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
