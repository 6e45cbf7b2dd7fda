"""Errors that stop a whole import or export. A bad line never does.

ExchangeError
  ImportKindUnknown, SourceReserved      what to import, and under which source
  EncodingUnknown, NothingRecognised, ColumnsMissing   how to read it
  ImportStopped   what was cancelled, or whose process ends
  ImportNotFound, ImportAmbiguous, ImportUndone   which import to undo
  FormatUnknown, KindNotHeld, NothingToExport, DatasetFilesMissing   what to export
"""

from collections.abc import Iterable, Mapping
from datetime import datetime


class ExchangeError(Exception):
    """Base class of import and export errors, for the outermost handler of a process to catch."""


class ImportKindUnknown(ExchangeError):
    def __init__(self, kind: str, known: Iterable[str]) -> None:
        super().__init__(f"cannot import {kind!r}: --kind is one of {', '.join(known)}.")


class SourceReserved(ExchangeError):
    def __init__(self, source: str) -> None:
        super().__init__(
            f"cannot import as source {source!r}: that is the name of what people do here. "
            "Give --source another name."
        )


class EncodingUnknown(ExchangeError):
    def __init__(self, encoding: str) -> None:
        super().__init__(
            f"no text encoding is called {encoding!r}: utf-8, gb18030, windows-1252 and utf-16 are."
        )


class NothingRecognised(ExchangeError):
    def __init__(self, path: object, fields: Iterable[str], refused: str) -> None:
        self.fields, self.refused = list(fields)[:12], refused
        shown = ", ".join(self.fields)
        super().__init__(
            f"cannot tell what {path} holds: "
            + (f"its records have the fields {shown}. " if shown else f"no record could be read{refused}. ")
            + "docs/formats.md lists the formats. Name one of our own forms with --kind, or the columns of a "
            "CSV file with --map."
        )


class ColumnsMissing(ExchangeError):
    def __init__(self, name: str, missing: Iterable[str], found: Iterable[str]) -> None:
        self.fields = list(found)[:20]
        super().__init__(
            f"{name} has no column {', '.join(map(repr, missing))}; "
            f"it has {', '.join(map(repr, self.fields))}. Correct --map."
        )


class ImportStopped(ExchangeError):
    def __init__(self, path: object) -> None:
        super().__init__(
            f"the import of {path} was stopped. What came in stays; the same import again adds the rest."
        )


class ImportNotFound(ExchangeError):
    def __init__(self, start: str) -> None:
        super().__init__(
            f"no import has an id that begins with {start!r}; `rejoinder import --list` lists them."
        )


class ImportAmbiguous(ExchangeError):
    def __init__(self, start: str, ids: Iterable[str]) -> None:
        super().__init__(f"several imports begin with {start!r}: {', '.join(ids)}. Give more of the id.")


class ImportUndone(ExchangeError):
    def __init__(self, import_id: str, at: datetime) -> None:
        super().__init__(f"import {import_id} was undone at {at:%Y-%m-%d %H:%M} UTC already.")


class ImportRuns(ExchangeError):
    def __init__(self, import_id: str) -> None:
        super().__init__(
            f"import {import_id} is running. Cancel it on its page, or stop its command, then undo it."
        )


class FormatUnknown(ExchangeError):
    def __init__(self, format: str, known: Iterable[str]) -> None:
        super().__init__(f"cannot export as {format!r}: --format is one of {', '.join(known)}.")


class KindNotHeld(ExchangeError):
    def __init__(self, format: str, kind: str, held: Iterable[str]) -> None:
        super().__init__(
            f"the format {format!r} has no place for {kind}: it holds {', '.join(held)}. "
            "`--format own` holds everything."
        )


class NothingToExport(ExchangeError):
    def __init__(self, format: str, left_out: Mapping[str, int]) -> None:
        counted = ", ".join(f"{count} {reason}" for reason, count in sorted(left_out.items())) or "nothing"
        super().__init__(
            f"there is no record that the format {format!r} has a place for (left out: {counted}). "
            "Name another format or other sources."
        )


class DatasetFilesMissing(ExchangeError):
    def __init__(self, dataset_id: str, path: object) -> None:
        super().__init__(
            f"dataset {dataset_id!r} has no files at {path}: they were erased, or lie in another "
            "data directory. `rejoinder dataset build` makes a new one."
        )
