"""Errors that stop a whole import or export. A bad line never does.

ExchangeError
  ImportKindUnknown, SourceReserved      what to import, and under which source
  FormatUnknown, DatasetFilesMissing     what to export
"""

from collections.abc import Iterable


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


class FormatUnknown(ExchangeError):
    def __init__(self, format: str, known: Iterable[str]) -> None:
        super().__init__(f"cannot export as {format!r}: --format is one of {', '.join(known)}.")


class DatasetFilesMissing(ExchangeError):
    def __init__(self, dataset_id: str, path: object) -> None:
        super().__init__(
            f"dataset {dataset_id!r} has no files at {path}: they were erased, or lie in another "
            "data directory. `rejoinder dataset build` makes a new one."
        )
