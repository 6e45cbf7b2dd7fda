"""Writes an export: one kind as a stream, all kinds as files in a folder or as one zip file. Memory holds one
record, and the few that show the type of a column.

Each kind is read twice: first for its columns and for what its form cannot hold, then to be written.
"""

import gzip
import io
import json
import zipfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from feedback.datasets.layout import TEXTS
from feedback.exports.columns import Columns, list_filled
from feedback.exports.form import KINDS, ExportForm, KindShape
from feedback.exports.pairs import IN_PAIRS
from feedback.exports.records import ExportRecords, OnExport, tell_nobody
from feedback.exports.report import REPORT_FILE, ExportReport
from feedback.exports.tables import Pieces
from feedback.formats.errors import KindNotHeld, NothingToExport
from feedback.formats.jsonl import Body
from serving.files import open_atomic, write_atomically


@dataclass
class Export:
    """The records, in a form. `survey` comes first; it counts into the report."""

    records: ExportRecords
    form: ExportForm
    on_record: OnExport = tell_nobody
    report: ExportReport = field(default_factory=ExportReport)
    columns: dict[str, Columns] = field(default_factory=dict)

    def survey(self, kind: str | None = None) -> None:
        """Reads one kind, or all, and counts. Raises KindNotHeld or NothingToExport."""
        if kind is not None and kind not in self.form.shapes:
            raise KindNotHeld(self.form.name, kind, self.form.shapes)
        self.report.left_out.update(self.records.refused)
        for name in self.form.shapes if kind is None else (kind,):
            columns = Columns()
            for body in self._convert(name, self.report):
                columns.note(body)
                self.on_record(f"looking at {name}", columns.lines, columns.lines)
            if columns.lines:
                self.columns[name] = columns
                self.report.lines[self.form.name_file(name)] = columns.lines
        self._count_kinds_not_held(kind)
        if kind is None and not self.columns:
            raise NothingToExport(self.form.name, self.report.left_out)

    def _count_kinds_not_held(self, kind: str | None) -> None:
        shapes = self.form.shapes
        if "choices" not in shapes and kind in (None, "pairs"):
            for record in self.records.read("choices"):
                count_lost(self.report, "choices", record, shapes["pairs"], IN_PAIRS)
        for name in (*KINDS, TEXTS) if kind is None else ():
            if name not in shapes and name != "choices":
                for _ in self.records.read(name, self.report):
                    self.report.lose(name, "whole")

    def _read(self, kind: str, report: ExportReport | None) -> Iterator[Body]:
        is_all = kind == "pairs" and "choices" not in self.form.shapes
        return self.records.read_all_pairs(report) if is_all else self.records.read(kind, report)

    def _convert(self, kind: str, report: ExportReport | None = None) -> Iterator[Body]:
        """The lines of a kind in its form."""
        shape = self.form.shapes[kind]
        for record in self._read(kind, report):
            body, losses = shape.convert(record)
            if report is not None:
                for code in losses:
                    report.lose(kind, code)
                if body is not None:
                    count_lost(report, kind, record, shape)
            if body is not None:
                yield body

    def iterate(self, kind: str) -> Iterator[bytes]:
        """The file of a kind that was surveyed."""
        columns = self.columns.get(kind, Columns())
        bodies = self._count(kind, self._convert(kind), columns.lines)
        return self.form.write(columns.even(bodies) if self.form.is_even else bodies, columns)

    def _count(self, kind: str, bodies: Iterator[Body], total: int) -> Iterator[Body]:
        for done, body in enumerate(bodies, 1):
            self.on_record(f"writing {kind}", done, total)
            yield body

    def list_beside(self) -> dict[str, bytes]:
        """The files beside those of records: the form's own, and the report."""
        report = json.dumps({"format": self.form.name} | self.report.to_json(), indent=2) + "\n"
        return self.form.list_beside(self.columns) | {REPORT_FILE: report.encode()}

    def write_folder(self, folder: Path) -> None:
        """Writes a file for each kind; each appears when it is whole."""
        for kind in self.columns:
            write_pieces(folder / self.form.name_file(kind), self.iterate(kind))
        for name, content in self.list_beside().items():
            write_atomically(folder / name, content)

    def iterate_zip(self) -> Iterator[bytes]:
        """The same files as one zip file."""
        sink = Pieces()
        with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
            for kind in self.columns:
                yield from fill_member(archive, sink, self.form.name_file(kind), self.iterate(kind))
            for name, content in self.list_beside().items():
                yield from fill_member(archive, sink, name, iter([content]))
        yield sink.take()


def fill_member(
    archive: zipfile.ZipFile, sink: Pieces, name: str, pieces: Iterator[bytes]
) -> Iterator[bytes]:
    """Writes a file of the archive; yields what of the archive is ready."""
    info = zipfile.ZipInfo(name)  # with a fixed time: equal records give equal bytes
    info.compress_type = zipfile.ZIP_DEFLATED
    with archive.open(info, "w", force_zip64=True) as member:
        for piece in pieces:
            member.write(piece)
            if ready := sink.take():
                yield ready


def count_lost(
    report: ExportReport,
    kind: str,
    record: Body,
    shape: KindShape,
    elsewhere: Collection[str] = (),
) -> None:
    """Counts the fields of a record that its form does not hold; of one that is not held, none inside it."""
    if shape.holds is None:
        return
    lost: set[str] = set()
    for name in list_filled(record):
        if name not in shape.holds and name not in elsewhere and not shape.is_held(name):
            outer = name.partition(".")[0]
            if outer == name or outer not in lost:
                lost.add(name)
    for name in lost:
        report.lose(kind, name)


def write_pieces(path: Path, pieces: Iterator[bytes]) -> int:
    """Writes a file, compressed if its name ends in `.gz`, and returns its size in bytes. It is replaced only
    when everything is written.
    """
    with open_atomic(path, mode=None) as raw:
        if path.suffix == ".gz":
            # No name and no time in the header: the same records give the same bytes.
            with gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as packed:
                copy_pieces(packed, pieces)
        else:
            copy_pieces(raw, pieces)
    return path.stat().st_size


def copy_pieces(file: IO[bytes] | io.BufferedIOBase, pieces: Iterator[bytes]) -> None:
    for piece in pieces:
        file.write(piece)
