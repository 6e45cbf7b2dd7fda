"""Writes parsed records into the store, one transaction a batch: choices, pairs and thumbs as rows of
`record` in the form they had on disk, conversations as rows of `conversation` and `message`.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine
from sqlmodel import Session

from feedback.formats.errors import ImportStopped
from feedback.formats.jsonl import Body
from feedback.formats.report import ImportReport
from feedback.records.from_conversation import BOT, PERSON
from feedback.records.pairs import gives_pair
from feedback.records.rejections import Refusal
from feedback.records.schemas import ChoiceForm, ConversationForm, Form, Labelled, conversation_of, turn_time
from feedback.records.split import split_of
from feedback.store import records
from feedback.store.engine import unit_of_work
from feedback.store.imports import keep_import
from feedback.store.sources import REFUSED_AS, register_sources
from feedback.store.tables import new_id

RANKED = {"candidates", "picked", "own", "edited"}  # what the pairs of a choice follow from
ORIGINS = {"agent": PERSON, "bot": BOT}
RECORD_KINDS = {"choices": "choice", "pairs": "pair", "thumbs": "thumb"}


@dataclass(frozen=True)
class Parsed:
    """A record that has the right form, with its identity and what is said about it."""

    line: int
    part: str
    kind: str
    source: str
    identity: str
    body: Body
    form: Form
    language: str | None  # as the record names it, or as it was found
    source_kind: str  # of its source, if nobody has given it one
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class StoreWriter:
    """Writes the batches of one import into a desk and counts them in its report."""

    store_engine: Engine
    report: ImportReport
    desk_id: str
    import_id: str

    def write(self, parsed: list[Parsed], *, now: datetime) -> None:
        """Writes a batch with its sources in one transaction, and counts it once it is in."""
        counts = Counts()
        kinds = {record.source: record.source_kind for record in parsed}
        with unit_of_work(self.store_engine) as session:
            done = self.report.bytes_read
            if not keep_import(session, import_id=self.import_id, done=done, now=now):
                raise ImportStopped(parsed[0].part if parsed else self.import_id)
            states = register_sources(session, desk_id=self.desk_id, kinds=kinds, now=now)
            parsed = [record for record in parsed if not counts.refuse_closed(record, states)]
            for kind in RECORD_KINDS:
                self._add_records(session, [record for record in parsed if record.kind == kind], counts, now)
            self._add_conversations(
                session, [record for record in parsed if record.kind == "conversations"], counts, now
            )
        counts.add_to(self.report)

    def _add_records(self, session: Session, parsed: list[Parsed], counts: "Counts", now: datetime) -> None:
        """Adds records of one kind; other content under an id that is taken is refused."""
        if not parsed:
            return
        kind = RECORD_KINDS[parsed[0].kind]
        known = {
            (source, identity): body
            for source, identities in names_by_source(parsed).items()
            for identity, body in records.find_bodies(
                session, desk_id=self.desk_id, kind=kind, source=source, identities=identities
            ).items()
        }
        rows = []
        for record in parsed:
            name = (record.source, record.identity)
            if name not in known:
                known[name] = record.body
                rows.append(make_row(record, kind, desk_id=self.desk_id, import_id=self.import_id, now=now))
                counts.accepted.append(record)
            elif content_of(known[name], record.identity) == content_of(record.body, record.identity):
                counts.duplicates[record.source] += 1
            else:
                taken = Refusal("id_taken", f"{record.source} {record.identity}")
                counts.refused.append((record, taken))
        records.add_records(session, rows=rows)

    def _add_conversations(
        self, session: Session, parsed: list[Parsed], counts: "Counts", now: datetime
    ) -> None:
        """Adds conversations. One that the source already has is a duplicate, even if its content differs."""
        known = {
            (source, external_id)
            for source, identities in names_by_source(parsed).items()
            for external_id in records.find_conversations(
                session, desk_id=self.desk_id, source=source, external_ids=identities
            )
        }
        conversations: list[dict[str, Any]] = []
        messages: list[dict[str, Any]] = []
        for record in parsed:
            name = (record.source, record.identity)
            if name in known:
                counts.duplicates[record.source] += 1
                continue
            known.add(name)
            spoken = make_messages(record, desk_id=self.desk_id, now=now)
            messages += spoken
            row = make_conversation(record, spoken, desk_id=self.desk_id, now=now)
            conversations.append(row | {"import_id": self.import_id})
            counts.accepted.append(record)
        records.add_conversations(session, conversations=conversations, messages=messages)
        counts.messages += len(messages)


@dataclass
class Counts:
    """What a batch comes to, added to the report once the batch is in the store."""

    accepted: list[Parsed] = field(default_factory=list)
    refused: list[tuple[Parsed, Refusal]] = field(default_factory=list)
    duplicates: Counter[str] = field(default_factory=Counter)  # by source
    messages: int = 0

    def refuse_closed(self, record: Parsed, states: Mapping[str, str]) -> bool:
        """Whether the record's source takes nothing at present, which is then counted as a refusal."""
        reason = REFUSED_AS.get(states[record.source])
        if reason is not None:
            self.refused.append((record, Refusal(reason, record.source)))
        return reason is not None

    def add_to(self, report: ImportReport) -> None:
        report.duplicates += self.duplicates.total()
        for source, count in self.duplicates.items():
            report.tallies[source].duplicates += count
        report.messages += self.messages
        for record, refusal in self.refused:
            report.refuse(record.line, refusal, record.part, record.source)
        for record in self.accepted:
            count_accepted(report, record)
            tally = report.tallies[record.source]
            tally.accepted += 1
            tally.usable += is_usable(record.form)


def count_accepted(report: ImportReport, record: Parsed) -> None:
    report.accepted += 1
    report.kinds[record.kind] += 1
    report.notes.update(record.notes)
    if record.kind in RECORD_KINDS:
        report.splits[split_of(conversation_of(record.body, record.identity))] += 1


def is_usable(form: Form) -> bool:
    """Whether something can be learned from a record: of a choice at least one pair that is not too close."""
    return not isinstance(form, ChoiceForm) or gives_pair(form.model_dump(include=RANKED))


def content_of(body: Body, identity: str) -> tuple[Body, str]:
    """What a record says beside its name, and its conversation: an export states a name that was not stated
    when the record came in.
    """
    told = {name: value for name, value in body.items() if name not in ("id", "source", "conversation")}
    return told, conversation_of(body, identity)


def make_row(record: Parsed, kind: str, *, desk_id: str, import_id: str, now: datetime) -> dict[str, Any]:
    form = record.form
    assert isinstance(form, Labelled)
    return {
        "desk_id": desk_id,
        "import_id": import_id,
        "kind": kind,
        "source": record.source,
        "identity": record.identity,
        "conversation": conversation_of(record.body, record.identity),
        "language": record.language,
        "tags": form.tags,
        "body": record.body,
        "at": form.at,
        "created_at": now,
        "erased_at": None,
    }


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
        "customer_details": form.customer_details,
        "fields": [],
        "language": record.language,
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
                "role": "customer" if turn.role == "customer" else "agent",
                "text": turn.text,
                "origin": ORIGINS.get(turn.role),
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
