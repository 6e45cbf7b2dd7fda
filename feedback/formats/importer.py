"""Imports a file of records into the store, in batches. Repeating an import is harmless, and every line is
counted as accepted, duplicate or refused.

Choices, pairs and thumbs become rows of `record` in the form they had on disk; conversations become rows of
`conversation` and `message`. A record's identity is (source, id). Without an id it is the hash of its
canonical form plus its occurrence in the file, so importing a file twice adds nothing, whatever the file is
called.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from feedback.canonical import canonical_hash
from feedback.clock import Clock
from feedback.formats.errors import ImportKindUnknown, SourceReserved
from feedback.formats.jsonl import Body, JsonLine, OnBytes, read_lines
from feedback.records.from_judgement import OWN_SOURCES
from feedback.records.pairs import settle_import
from feedback.records.rejections import Refusal
from feedback.records.schemas import (
    FORMS,
    ConversationForm,
    Form,
    Labelled,
    conversation_of,
    turn_time,
)
from feedback.store import records
from feedback.store.engine import unit_of_work
from feedback.store.tables import DEFAULT_DESK, new_id

BATCH = 500  # lines in a transaction, which locks the store for well under a second
EXAMPLES = 20
NO_SOURCE = "import"
RECORD_KINDS = {"choices": "choice", "pairs": "pair", "thumbs": "thumb"}


@dataclass(frozen=True)
class RefusedLine:
    """One refused line, shown to people as an example."""

    line: int
    reason: str
    detail: str


@dataclass
class ImportReport:
    """The outcome of an import. Of the lines that are not blank, accepted + duplicates + refused = lines."""

    kind: str
    lines: int = 0
    accepted: int = 0
    duplicates: int = 0
    messages: int = 0  # of accepted conversations
    refused: Counter[str] = field(default_factory=Counter)
    examples: list[RefusedLine] = field(default_factory=list)

    def refuse(self, line: int, refusal: Refusal) -> None:
        self.refused[refusal.reason] += 1
        if len(self.examples) < EXAMPLES:
            self.examples.append(RefusedLine(line, refusal.reason, refusal.detail))

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "lines": self.lines,
            "accepted": self.accepted,
            "duplicates": self.duplicates,
            "refused": dict(sorted(self.refused.items())),
            "messages": self.messages,
            "examples": [vars(example) for example in self.examples],
        }


@dataclass(frozen=True)
class Parsed:
    """A line that has the right form, with the identity of its record."""

    line: int
    source: str
    identity: str
    body: Body
    form: Form


def import_file(
    store_engine: Engine,
    path: Path,
    *,
    kind: str,
    clock: Clock,
    desk_id: str = DEFAULT_DESK,
    source: str | None = None,
    on_bytes: OnBytes | None = None,
) -> ImportReport:
    """Imports a file. `kind` is conversations, choices, pairs or thumbs; `source` replaces the source that
    the lines name. A line without a source, or with `live` or `duel` from another installation, gets the
    source `import`. After an interruption, the same call continues where it stopped.
    """
    if kind not in FORMS:
        raise ImportKindUnknown(kind, FORMS)
    if source in OWN_SOURCES:
        raise SourceReserved(source)
    report = ImportReport(kind)
    occurrences: Counter[bytes] = Counter()

    def parse(lines: Sequence[JsonLine]) -> Iterator[Parsed]:
        for line in lines:
            report.lines += 1
            parsed = parse_record(line, kind=kind, source=source, occurrences=occurrences)
            if isinstance(parsed, Refusal):
                report.refuse(line.number, parsed)
            else:
                yield parsed

    write = write_conversations if kind == "conversations" else write_records
    lines = read_lines(path, on_bytes=on_bytes)
    while batch := list(islice(lines, BATCH)):
        write(store_engine, list(parse(batch)), report, desk_id=desk_id, now=clock.now())
    return report


def parse_record(
    line: JsonLine, *, kind: str, source: str | None, occurrences: Counter[bytes]
) -> Parsed | Refusal:
    """Parses one line into a record with its identity. `occurrences` counts lines without an id by their
    content, over the whole file.
    """
    if isinstance(line.content, Refusal):
        return line.content
    body = line.content
    form = settle_import(kind, body)
    if isinstance(form, Refusal):
        return form
    named = body.get("source") or NO_SOURCE
    identity = body.get("id") or ""
    if not identity:
        content = canonical_hash(body)
        key = bytes.fromhex(content)
        identity = f"{content}#{occurrences[key]}"
        occurrences[key] += 1
    return Parsed(line.number, source or (NO_SOURCE if named in OWN_SOURCES else named), identity, body, form)


def write_records(
    store_engine: Engine, parsed: list[Parsed], report: ImportReport, *, desk_id: str, now: datetime
) -> None:
    """Writes records in one transaction. The first record under an id is kept; other content under that id is
    refused.
    """
    kind = RECORD_KINDS[report.kind]
    rows: list[dict[str, Any]] = []
    with unit_of_work(store_engine) as session:
        known = {
            (source, identity): body
            for source, identities in names_by_source(parsed).items()
            for identity, body in records.find_bodies(
                session, desk_id=desk_id, kind=kind, source=source, identities=identities
            ).items()
        }
        for record in parsed:
            name = (record.source, record.identity)
            if name not in known:
                known[name] = record.body
                rows.append(make_row(record, kind, desk_id=desk_id, now=now))
            elif known[name] == record.body:
                report.duplicates += 1
            else:
                report.refuse(record.line, Refusal("id_taken", f"{record.source} {record.identity}"))
        records.add_records(session, rows=rows)
    report.accepted += len(rows)


def make_row(record: Parsed, kind: str, *, desk_id: str, now: datetime) -> dict[str, Any]:
    form = record.form
    assert isinstance(form, Labelled)
    return {
        "desk_id": desk_id,
        "kind": kind,
        "source": record.source,
        "identity": record.identity,
        "conversation": conversation_of(record.body, record.identity),
        "language": form.language,
        "tags": form.tags,
        "body": record.body,
        "at": form.at,
        "created_at": now,
        "erased_at": None,
    }


def write_conversations(
    store_engine: Engine, parsed: list[Parsed], report: ImportReport, *, desk_id: str, now: datetime
) -> None:
    """Writes conversations in one transaction. A conversation that the source already has is a duplicate,
    even if its content differs.
    """
    conversations: list[dict[str, Any]] = []
    messages: list[dict[str, Any]] = []
    with unit_of_work(store_engine) as session:
        known = {
            (source, external_id)
            for source, identities in names_by_source(parsed).items()
            for external_id in records.find_conversations(
                session, desk_id=desk_id, source=source, external_ids=identities
            )
        }
        for record in parsed:
            name = (record.source, record.identity)
            if name in known:
                report.duplicates += 1
                continue
            known.add(name)
            spoken = make_messages(record, desk_id=desk_id, now=now)
            messages += spoken
            conversations.append(make_conversation(record, spoken, desk_id=desk_id, now=now))
        records.add_conversations(session, conversations=conversations, messages=messages)
    report.accepted += len(conversations)
    report.messages += len(messages)


def make_conversation(
    record: Parsed, messages: list[dict[str, Any]], *, desk_id: str, now: datetime
) -> dict[str, Any]:
    form = record.form
    assert isinstance(form, ConversationForm)
    domain = [f"domain:{form.domain}"] if form.domain else []
    return {
        "id": messages[0]["conversation_id"],
        "desk_id": desk_id,
        "source": record.source,
        "external_id": record.identity,
        "customer_id": form.customer_id,
        "customer_details": [],
        "fields": [],
        "language": form.language,
        "tags": [*form.tags, *domain],
        "visitor_token_hash": None,
        "created_at": messages[0]["occurred_at"],
    }


def make_messages(record: Parsed, *, desk_id: str, now: datetime) -> list[dict[str, Any]]:
    """Makes the messages of a conversation with their given times; one without a time is dated a millisecond
    after the one before it.
    """
    form = record.form
    assert isinstance(form, ConversationForm)
    conversation_id = new_id()
    at = (form.at or now) - timedelta(milliseconds=1)
    rows = []
    for position, turn in enumerate(form.turns, start=1):
        at = turn_time(turn) or at + timedelta(milliseconds=1)
        rows.append(
            {
                "id": new_id(),
                "desk_id": desk_id,
                "conversation_id": conversation_id,
                "position": position,
                "role": turn.role,
                "text": turn.text,
                "origin": "own" if turn.role == "agent" else None,
                "candidate_id": None,
                "turn_id": None,
                "knowledge": None,
                "occurred_at": at,
                "created_at": now,
                "released_at": at,
                "release_no": position,
                "retracted_at": None,
            }
        )
    return rows


def names_by_source(parsed: list[Parsed]) -> dict[str, list[str]]:
    names: dict[str, list[str]] = {}
    for record in parsed:
        names.setdefault(record.source, []).append(record.identity)
    return names
