"""Everything that people said and brought, as it stands in the store, in our own forms: choices, pairs,
thumbs and conversations. Texts are as they were written, personal data included; a dataset has them without.

What no dataset takes stays behind and is counted: what was erased, taken back, or gave no record, and the
records of a source that is paused or withdrawn.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain

from sqlalchemy import Engine

from feedback.datasets.collect import Collector
from feedback.datasets.selection import Selection
from feedback.formats.jsonl import Body
from feedback.records.from_conversation import BOT
from feedback.records.from_thumb import derive_thumb
from feedback.records.redact import Redactor
from feedback.records.rejections import Refusal
from feedback.records.schemas import FORMS, conversation_of, read_form
from feedback.store.own_records import iterate_thumbs
from feedback.store.records import iterate_records
from feedback.store.tables import Record
from feedback.store.whole_conversations import iterate_whole

STORED_AS = {"choices": "choice", "pairs": "pair", "thumbs": "thumb"}


@dataclass(frozen=True)
class StoreReader:
    """Reads the records of a desk up to a time, of some sources or of all."""

    store_engine: Engine
    desk_id: str
    until: datetime
    redactor: Redactor
    sources: tuple[str, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)  # by reason

    def read(self, kind: str) -> Iterator[Body]:
        if kind == "conversations":
            found = self._read_conversations()
        elif kind == "choices":
            found = chain(self._read_own_choices(), self._read_labels(kind), self._read_imported(kind))
        elif kind == "thumbs":
            found = chain(self._read_own_thumbs(), self._read_labels(kind), self._read_imported(kind))
        else:
            found = chain(self._read_labels(kind), self._read_imported(kind))
        for record in found:
            reason = self.left_out.get(record["source"])
            if reason is None:
                yield record
            else:
                self.refused[reason] += 1

    @property
    def _selection(self) -> Selection:
        return Selection(sources=self.sources)

    @property
    def _collector(self) -> Collector:
        return Collector(
            self.store_engine, self.desk_id, self._selection, self.until, self.redactor, self.refused
        )

    def _read_labels(self, kind: str) -> Iterator[Body]:
        """What settled items came to."""
        return (form.to_record() for form, _ in self._collector.read_labels(STORED_AS[kind]))

    def _read_own_choices(self) -> Iterator[Body]:
        """What followed from judgements and duels."""
        collector = self._collector
        for choice, _ in chain(collector.iterate_live(), collector.iterate_duels()):
            if isinstance(choice, Refusal):
                self.refused[choice.reason] += 1
            else:
                yield choice.to_record()

    def _read_own_thumbs(self) -> Iterator[Body]:
        if not self._selection.has_live:
            return
        for record, reply in iterate_thumbs(self.store_engine, desk_id=self.desk_id, until=self.until):
            form = Refusal(record.rejection) if reply is None else derive_thumb(reply)
            if isinstance(form, Refusal):
                self.refused[form.reason] += 1
            elif reply is not None:
                yield form.to_record() | {"conversation": reply.conversation}

    def _read_imported(self, kind: str) -> Iterator[Body]:
        sources = self._selection.imported
        if sources is None:
            return
        for row in iterate_records(
            self.store_engine, desk_id=self.desk_id, kind=STORED_AS[kind], sources=sources, until=self.until
        ):
            fault = Refusal("erased") if row.erased_at is not None else read_form(FORMS[kind], row.body)
            if isinstance(fault, Refusal):
                self.refused[fault.reason] += 1
            else:
                yield name_record(row)

    def _read_conversations(self) -> Iterator[Body]:
        found = iterate_whole(self.store_engine, desk_id=self.desk_id, sources=self.sources, until=self.until)
        for row, messages in found:
            if row.erased_at is not None or not messages:
                self.refused["erased" if row.erased_at is not None else "no_turns"] += 1
                continue
            turns = [
                {
                    "role": BOT if said.origin == BOT else said.role,
                    "text": said.text,
                    "ts": said.occurred_at.timestamp(),
                }
                for said in messages
            ]
            named = {"id": row.external_id or row.id, "source": row.source, "tags": row.tags, "turns": turns}
            told = {name: getattr(row, name) for name in ("language", "customer_id", "customer_details")}
            yield named | {name: value for name, value in told.items() if value}


def name_record(row: Record) -> Body:
    """An imported record as it came, with the identity, source and conversation that it has here."""
    assert row.body is not None and row.identity is not None
    record: Body = row.body
    if not record.get("id"):
        record = record | {"id": row.identity}
    if record.get("source") != row.source:
        record = record | {"source": row.source}
    if conversation_of(record, row.identity) != row.conversation:
        record = record | {"conversation": row.conversation}
    return record
