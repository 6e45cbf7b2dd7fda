"""The files of uploads, until they are imported: `uploads/<import id>/` in the data directory holds the file
in `file/`, and what a look at it showed in `look.json`; `uploads/push-…/` holds what an app pushes just now.
All hold texts of customers, so they go as soon as the import is over, and a day after a process was killed.
"""

import errno
import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from feedback.errors import StoreFull
from serving.files import make_private_dir, sync_file, write_atomically

UPLOADS = "uploads"
PUSH = "push-"
SAFE_NAME_AT_MOST = 60


def upload_dir(data_dir: Path, import_id: str) -> Path:
    return data_dir / UPLOADS / import_id


def upload_file(data_dir: Path, import_id: str, name: str) -> Path:
    """Where the file lies, under a name that every file system takes."""
    safe = re.sub(r"[^\w.-]", "_", name)[-SAFE_NAME_AT_MOST:].lstrip(".") or "file"
    return upload_dir(data_dir, import_id) / "file" / safe


@contextmanager
def full_disk_named() -> Iterator[None]:
    """A disk that is full is said to be full, as where the store finds it so."""
    try:
        yield
    except OSError as fault:
        if fault.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StoreFull("disk full") from fault
        raise


def write_piece(path: Path, at: int, data: bytes) -> None:
    """Writes a piece of a file at its place, and to the disk; the same piece may come again."""
    with full_disk_named():
        make_private_dir(path.parent)
        with path.open("r+b" if path.exists() else "w+b") as file:
            file.seek(at)
            file.write(data)
            sync_file(file)


def write_look(data_dir: Path, import_id: str, look: dict[str, Any]) -> None:
    """Keeps what a look showed, in one step: its page is open already. Nothing of an upload that is gone."""
    folder = upload_dir(data_dir, import_id)
    if folder.is_dir():
        with full_disk_named():
            content = json.dumps(look).encode()
            write_atomically(folder / "look.json", content, mode=0o600)


def read_look(data_dir: Path, import_id: str) -> dict[str, Any]:
    """What a look showed; empty before it, and once the import is over."""
    try:
        text = (upload_dir(data_dir, import_id) / "look.json").read_text(encoding="utf-8")
    except OSError:
        return {}
    look: dict[str, Any] = json.loads(text)
    return look


def list_upload_folders(data_dir: Path, *, older_than: datetime) -> set[str]:
    """The folders of all uploads, and those of pushes that were left so long ago."""
    top = data_dir / UPLOADS
    if not top.is_dir():
        return set()
    return {
        folder.name
        for folder in top.iterdir()
        if not folder.name.startswith(PUSH) or folder.stat().st_mtime < older_than.timestamp()
    }


def remove_upload(data_dir: Path, import_id: str) -> None:
    shutil.rmtree(upload_dir(data_dir, import_id), ignore_errors=True)
