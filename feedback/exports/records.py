"""The records that an export takes, in our own forms: of a dataset, from its files; of the store, from a
temporary copy, so that what is read twice is the same both times.

A dataset has its texts without personal data, the store as people wrote them.
"""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from feedback.canonical import canonical_json
from feedback.datasets.layout import dataset_dir, list_dataset_files
from feedback.exports.pairs import add_choice_fields, pair_stored
from feedback.exports.report import ExportReport
from feedback.formats.errors import DatasetFilesMissing
from feedback.formats.jsonl import Body
from feedback.store.sources import REFUSED_AS, WITHDRAWN

OnExport = Callable[[str, int, int], None]  # the step, how many records are done, of how many


def tell_nobody(step: str, done: int, total: int) -> None:
    pass


@dataclass(frozen=True)
class ExportRecords:
    """Files of JSON lines, by kind. `has_derived`: whether the pairs include what follows from the choices.
    Records of the sources in `left_out` stay behind for the reason that stands there; of a dataset, those of
    other splits than `split`, too.
    """

    files: Mapping[str, Path]
    has_derived: bool
    left_out: Mapping[str, str] = field(default_factory=dict)
    split: str | None = None
    refused: Mapping[str, int] = field(default_factory=dict)  # by reason, while the store was read

    def read(self, kind: str, report: ExportReport | None = None) -> Iterator[Body]:
        if kind not in self.files:
            return
        with self.files[kind].open(encoding="utf-8") as lines:
            for line in lines:
                record: Body = json.loads(line)
                reason = self.left_out.get(record.get("source") or "")
                if reason is not None and report is not None:
                    report.left_out[reason] += 1
                if reason is None and self.split in (None, record.get("split")):
                    yield record

    def read_all_pairs(self, report: ExportReport | None = None) -> Iterator[Body]:
        """The pairs, with those that follow from the choices and what the choices say of them."""
        if self.has_derived:
            yield from add_choice_fields(self.read("pairs", report), self.read("choices"))
            return
        for choice in self.read("choices"):
            pairs = pair_stored(choice)
            if not pairs and report is not None:
                report.lose("choices", "no_pair")
            yield from pairs
        yield from self.read("pairs", report)


def open_for_export(
    data_dir: Path, dataset_id: str, *, left_out: Mapping[str, str], split: str | None = None
) -> ExportRecords:
    """The records of a dataset, without those of a source that was withdrawn since. Raises
    DatasetFilesMissing.
    """
    directory = dataset_dir(data_dir, dataset_id)
    withdrawn = {name: reason for name, reason in left_out.items() if reason == REFUSED_AS[WITHDRAWN]}
    files = list_dataset_files(directory)
    for path in files.values():
        if not path.is_file():
            raise DatasetFilesMissing(dataset_id, path)
    return ExportRecords(files, True, withdrawn, split)


@contextmanager
def open_copy(
    read: Callable[[str], Iterator[Body]],
    kinds: Collection[str],
    *,
    refused: Mapping[str, int],
    on_record: OnExport = tell_nobody,
) -> Iterator[ExportRecords]:
    """Copies what `read` yields of each kind into a temporary folder, which only this user can open."""
    with TemporaryDirectory(prefix="rejoinder-export-") as folder:
        files = {kind: Path(folder) / f"{kind}.jsonl" for kind in kinds}
        for kind, path in files.items():
            with path.open("w", encoding="utf-8") as file:
                for done, record in enumerate(read(kind), 1):
                    file.write(canonical_json(record) + "\n")
                    on_record(f"reading {kind}", done, done)
        yield ExportRecords(files, False, refused=dict(refused))
