"""Opens what somebody brings: a file, plain or packed, or a folder, as parts that can each be read again from
their beginning.

Gzip, zip and tables are known by their first bytes, never by a name. Of a folder, such as a dataset saved by
Hugging Face's library, the files of data are taken in the order of their names.
"""

import gzip
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO, cast

GZIP = b"\x1f\x8b"
ZIP = b"PK\x03\x04"
PARQUET = b"PAR1"
ARROW = (b"ARROW1", b"\xff\xff\xff\xff")
TABLES = (PARQUET, *ARROW)
NO_DATA = {
    *("dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json", "license"),
    "rejoinder_export.json",
}
BROKEN = (EOFError, gzip.BadGzipFile, zipfile.BadZipFile, zlib.error)  # while something is unpacked
DATA_ENDINGS = {".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".txt", ".parquet", ".arrow", ".gz", ".zip"}


@dataclass(frozen=True)
class FilePart:
    """One thing to read: a file, or a member of a zip file. `name` is for people."""

    path: Path
    member: str | None = None

    @property
    def name(self) -> str:
        return f"{self.path.name}/{self.member}" if self.member else self.path.name

    @contextmanager
    def open(self) -> Iterator[tuple[BinaryIO, BinaryIO]]:
        """The bytes, unpacked, and the file itself, whose place tells how far the reading is."""
        with ExitStack() as stack:
            raw: BinaryIO = stack.enter_context(self.path.open("rb"))
            stream = raw
            if self.member is not None:
                archive = stack.enter_context(zipfile.ZipFile(raw))
                stream = cast(BinaryIO, stack.enter_context(open_member(archive, self.member)))
            elif peek(stream, len(ZIP)) == ZIP:
                raise zipfile.BadZipFile("the zip file is cut off or damaged")
            if peek(stream, len(GZIP)) == GZIP:
                stream = cast(BinaryIO, stack.enter_context(gzip.GzipFile(fileobj=stream)))
            yield stream, raw

    @property
    def is_table(self) -> bool:
        with self.open() as (stream, _):
            return peek(stream, 6).startswith(TABLES)


def open_member(archive: zipfile.ZipFile, name: str) -> IO[bytes]:
    try:
        return archive.open(name)
    except (RuntimeError, NotImplementedError) as error:  # encrypted, or packed in a way not known
        raise zipfile.BadZipFile(str(error)) from error


def peek(stream: BinaryIO, size: int) -> bytes:
    head = stream.read(size)
    stream.seek(0)
    return head


def list_parts(path: Path) -> list[FilePart]:
    """The parts of a file or folder. What a zip file holds of another system's notes is left out."""
    files = sorted(file for file in path.rglob("*") if is_data(file)) if path.is_dir() else [path]
    parts: list[FilePart] = []
    for file in files:
        members = list_members_of(file)
        parts += [FilePart(file)] if members is None else [FilePart(file, name) for name in members]
    return parts


def list_members_of(file: Path) -> list[str] | None:
    """The files of data in a zip file; None if it is no whole zip file."""
    with file.open("rb") as raw:
        if peek(raw, len(ZIP)) != ZIP:
            return None
    try:
        with zipfile.ZipFile(file) as archive:
            names = [info.filename for info in archive.infolist() if not info.is_dir()]
    except zipfile.BadZipFile:
        return None
    return [name for name in names if is_data(Path(name))]


def is_data(file: Path) -> bool:
    hidden = any(part.startswith((".", "__MACOSX")) for part in file.parts[-2:] if part != ".")
    is_known = file.suffix.lower() in DATA_ENDINGS and file.name.lower() not in NO_DATA
    return is_known and not hidden and not file.is_dir()
