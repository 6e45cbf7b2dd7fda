"""Imports what somebody brings into the store, in batches. Repeating an import is harmless, and every record
is counted as accepted, duplicate or refused.

The form of the file, its encoding and the format of its records are found by their content. A record's
identity is (source, id). Without an id it is the hash of its canonical form plus its occurrence in the file,
so importing a file twice adds nothing, whatever the file is called.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Protocol

from sqlalchemy import Engine

from feedback.canonical import canonical_hash
from feedback.clock import Clock
from feedback.formats.asked import Asked
from feedback.formats.containers import FilePart, list_parts
from feedback.formats.entries import FileForm, find_form, read_entries
from feedback.formats.errors import ColumnsMissing, ImportStopped, NothingRecognised
from feedback.formats.format import Format, Made
from feedback.formats.jsonl import Body, JsonLine, OnBytes
from feedback.formats.own import OWN
from feedback.formats.recognise import SAMPLE, recognise_format
from feedback.formats.report import SHOWN, ImportReport, SeenPart, make_tallies
from feedback.formats.times import is_future
from feedback.formats.writing import Parsed, StoreWriter, count_accepted
from feedback.records.from_judgement import OWN_SOURCES
from feedback.records.language import find_language
from feedback.records.pairs import settle_import
from feedback.records.rejections import Refusal
from feedback.records.schemas import ConversationForm, Form, Labelled, is_guessed, turn_time
from feedback.sources.kinds import guess_kind
from feedback.store.engine import unit_of_work
from feedback.store.import_tallies import add_tallies
from feedback.store.imports import add_import, finish_import, leave_import
from feedback.store.sources import require_open
from feedback.store.tables import DEFAULT_DESK

BATCH = 500  # lines in a transaction, which locks the store for well under a second
NO_SOURCE = "import"


class Writer(Protocol):
    """Takes the batches of an import."""

    def write(self, parsed: list[Parsed], *, now: datetime) -> None: ...


@dataclass(frozen=True)
class DryWriter:
    """Shows the first records as they would be stored, and stores none."""

    report: ImportReport

    def write(self, parsed: list[Parsed], *, now: datetime) -> None:
        for record in parsed:
            count_accepted(self.report, record)
            if isinstance(record.form, ConversationForm):
                self.report.messages += len(record.form.turns)
            if len(self.report.shown) < SHOWN:
                name = {"kind": record.kind, "source": record.source, "id": record.identity}
                self.report.shown.append(name | {"record": record.form.to_record()})


def import_file(
    store_engine: Engine,
    path: Path,
    *,
    clock: Clock,
    asked: Asked | None = None,
    desk_id: str = DEFAULT_DESK,
    on_bytes: OnBytes | None = None,
    import_id: str | None = None,
) -> ImportReport:
    """Imports a file or folder. A record without a source, or with `live` or `duel` from another
    installation, gets the source of its format. After an interruption, the same call continues where it
    stopped. `import_id` names the row of an upload; without one, the import gets a row of its own. Raises
    SourcePaused or SourceWithdrawn if it is to go to a source that takes nothing at present; a single record
    of such a source is refused. Raises ImportStopped if somebody cancels it.
    """
    report = ImportReport(import_id=import_id)
    asked = asked or Asked()
    readers = open_readers(path, asked, report)
    with unit_of_work(store_engine) as session:
        require_open(session, desk_id=desk_id, names={reader.source for reader in readers})
        if report.import_id is None:
            row = add_import(
                session,
                desk_id=desk_id,
                file=path.name,
                source=asked.source,
                size=measure_size(path),
                now=clock.now(),
            )
            report.import_id = row.id
    writer = StoreWriter(store_engine, report, desk_id, report.import_id)
    try:
        read_parts(readers, writer, report, clock=clock, on_bytes=on_bytes)
    except BaseException:
        with unit_of_work(store_engine) as session:
            leave_import(session, import_id=report.import_id)
        raise
    with unit_of_work(store_engine) as session:
        if not finish_import(session, import_id=report.import_id, counts=report.count(), now=clock.now()):
            raise ImportStopped(path)
        add_tallies(session, rows=make_tallies(report, desk_id, report.import_id))
    return report


def try_file(
    path: Path,
    *,
    clock: Clock,
    asked: Asked | None = None,
    on_bytes: OnBytes | None = None,
    most: int | None = None,
) -> ImportReport:
    """Reads a file, or its first records, as an import does and stores nothing. What the store has already is
    not looked up.
    """
    report = ImportReport()
    readers = open_readers(path, asked or Asked(), report)
    read_parts(readers, DryWriter(report), report, clock=clock, on_bytes=on_bytes, most=most)
    return report


def measure_size(path: Path) -> int:
    """The bytes of a file, or of all files in a folder."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


@dataclass
class PartReader:
    """Reads one part in its format. `occurrences` counts records without an id by their content."""

    part: FilePart
    holder: FileForm
    format: Format
    seen: SeenPart
    asked: Asked
    occurrences: Counter[bytes] = field(default_factory=Counter)

    @property
    def source(self) -> str:
        """Of a record that names none, and of a line that is no record."""
        return self.asked.source or self.format.source or NO_SOURCE

    def read(self, on_bytes: OnBytes | None) -> Iterator[JsonLine]:
        lines = map_columns(read_entries(self.part, self.holder, on_bytes=on_bytes), self.asked.columns)
        return lines if self.format.gather is None else self.format.gather(lines)

    def parse(self, line: JsonLine, now: datetime) -> Iterator[Parsed | Refusal]:
        """What one line comes to."""
        if isinstance(line.content, Refusal):
            yield line.content
            return
        for result in self.format.convert(line.content):
            yield result if isinstance(result, Refusal) else self.settle(result, line.number, now)

    def settle(self, made: Made, line: int, now: datetime) -> Parsed | Refusal:
        """Gives a record of the right form its identity."""
        body = made.body
        form = settle_import(made.kind, body)
        if isinstance(form, Refusal):
            return form
        if any(is_future(at, now) for at in list_times(form)):
            return Refusal("future_time")
        named = body.get("source") or self.format.source or NO_SOURCE
        identity = body.get("id") or ""
        if not identity:
            content = canonical_hash(name_as_agents(body))
            key = bytes.fromhex(content)
            identity = f"{content}#{self.occurrences[key]}"
            self.occurrences[key] += 1
        source = self.asked.source or (NO_SOURCE if named in OWN_SOURCES else named)
        guessed = ("guessed_conversation",) if isinstance(form, Labelled) and is_guessed(body) else ()
        kind = guess_kind(source, self.format.source)
        notes = (*made.notes, *guessed)
        language = find_said_language(form)
        return Parsed(line, self.seen.name, made.kind, source, identity, body, form, language, kind, notes)


def find_said_language(form: Form) -> str | None:
    """The language that a record names, else that of what its customer says."""
    assert isinstance(form, Labelled | ConversationForm)
    if form.language:
        return form.language
    if isinstance(form, Labelled):
        return find_language(said.content for said in form.prompt if said.role == "user")
    return find_language(turn.text for turn in form.turns if turn.role == "customer")


def list_times(form: Form) -> list[datetime | None]:
    if isinstance(form, ConversationForm):
        return [form.at, *(turn_time(turn) for turn in form.turns)]
    return [form.at] if isinstance(form, Labelled) else []


def open_readers(path: Path, asked: Asked, report: ImportReport) -> list[PartReader]:
    """Recognises each part before anything is stored. A part that is not recognised is named in the report;
    an import of which none is recognised is an error that says what is in its records.
    """
    asked.check()
    readers = []
    fields: list[str] = []
    refused = ""
    for part in list_parts(path):
        holder = find_form(part, asked.encoding)
        as_named = list(islice(read_entries(part, holder), SAMPLE))
        if holder.form in ("CSV", "table"):
            require_columns(part, as_named, asked.columns)
        first = list(map_columns(as_named, asked.columns))
        sample = [line.content for line in first if not isinstance(line.content, Refusal)]
        format = OWN[asked.kind] if asked.kind else recognise_format(sample)
        seen = SeenPart(part.name, holder.form, holder.encoding, format.name if format else None)
        report.parts.append(seen)
        if format is None:
            fields += [name for name in (sample[0] if sample else {}) if name not in fields]
            refused = refused or next(map(describe_refusal, first), "")
        else:
            readers.append(PartReader(part, holder, format, seen, asked))
    if not readers:
        raise NothingRecognised(path, fields, refused)
    return readers


def name_as_agents(body: Body) -> Body:
    """A body with the role of agents for bots: what hashes it must not tell them apart, since imports of
    earlier versions did not.
    """
    if not any(turn["role"] == "bot" for turn in body.get("turns", ())):
        return body
    turns = [turn | ({"role": "agent"} if turn["role"] == "bot" else {}) for turn in body["turns"]]
    return body | {"turns": turns}


def describe_refusal(line: JsonLine) -> str:
    if not isinstance(line.content, Refusal):
        return ""
    return f": line {line.number} is {line.content.reason} ({line.content.detail})"


def require_columns(part: FilePart, lines: list[JsonLine], columns: Mapping[str, str]) -> None:
    """Raises ColumnsMissing if a column that somebody named is in none of these lines."""
    found = {name: None for line in lines if not isinstance(line.content, Refusal) for name in line.content}
    missing = [column for column in columns.values() if column not in found]
    if found and missing:
        raise ColumnsMissing(part.name, missing, found)


def map_columns(lines: Iterable[JsonLine], columns: Mapping[str, str]) -> Iterator[JsonLine]:
    """The entries, with the columns that somebody mapped under our names."""
    ours = {column: name for name, column in columns.items()}
    for line in lines:
        if not ours or isinstance(line.content, Refusal):
            yield line
            continue
        mapped = {ours[name]: cell for name, cell in line.content.items() if name in ours}
        yield JsonLine(line.number, mapped | {n: c for n, c in line.content.items() if n not in mapped})


def read_parts(
    readers: list[PartReader],
    writer: Writer,
    report: ImportReport,
    *,
    clock: Clock,
    on_bytes: OnBytes | None = None,
    most: int | None = None,
) -> None:
    """Reads all parts, or their first records, in batches and hands them to the writer."""
    before = 0
    for reader in readers:

        def show_bytes(done: int, before: int = before) -> None:
            report.bytes_read = before + done
            if on_bytes is not None:
                on_bytes(report.bytes_read)

        lines = islice(reader.read(show_bytes), None if most is None else max(0, most - report.lines))
        while batch := list(islice(lines, BATCH)):
            now = clock.now()
            writer.write(list(parse_batch(reader, batch, report, now)), now=now)
        before += reader.part.path.stat().st_size if reader.part.member is None else 0


def parse_batch(
    reader: PartReader, batch: list[JsonLine], report: ImportReport, now: datetime
) -> Iterator[Parsed]:
    for line in batch:
        report.lines += 1
        reader.seen.lines += 1
        for result in reader.parse(line, now):
            if isinstance(result, Refusal):
                report.refuse(line.number, result, reader.seen.name, reader.source)
            else:
                yield result
