"""Reads the records of a dataset from the store: the selected choices, pairs and thumbs, settled and without
personal data.

Yields plain records in a fixed order: live ones, those of duels and of labels, then imported ones by source
and id. Equal store content therefore gives an equal stream.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Engine

from feedback.canonical import canonical_hash
from feedback.datasets.labelled import LabelledForm, iterate_label_forms
from feedback.datasets.selection import Selection
from feedback.duplicates.copies import (
    Statement,
    read_choice_statement,
    read_pair_statement,
    read_text_statement,
    read_thumb_statement,
)
from feedback.records.cards import Card
from feedback.records.from_conversation import WrittenReply, list_replies, name_text
from feedback.records.from_judgement import (
    DUEL,
    compose_choice,
    derive_choice,
)
from feedback.records.from_thumb import derive_thumb
from feedback.records.normalise import settle_choice
from feedback.records.pairs import refuse_close
from feedback.records.personal import list_known
from feedback.records.redact import Redactor, redact_record
from feedback.records.rejections import Refusal
from feedback.records.schemas import ChoiceForm, Labelled, PairForm, ThumbForm, read_form
from feedback.records.weights import WeightInput
from feedback.store.duel_verdicts import iterate_judged_rounds
from feedback.store.own_records import iterate_choices, iterate_thumbs
from feedback.store.records import iterate_conversations, iterate_records
from feedback.store.tables import Record

F = TypeVar("F", bound=Labelled)
# Template arguments that an imported line may state: switches, and the date of its turn.
IMPORTED_ARGUMENTS = ("enable_thinking", "thinking", "reasoning_effort", "date_string")
LONGEST_ARGUMENT = 40  # characters


class Collected(NamedTuple):
    """One record as it will be written to disk, except for its weight and split, what the weight depends on,
    and what it says. `statement` and `prompt_hash` (of a thumb) are those before anything was replaced.
    """

    record: dict[str, Any]
    weight_input: WeightInput
    statement: Statement
    prompt_hash: str = ""


KnownChoice = tuple[ChoiceForm | Refusal, Sequence[str]]  # and what identifies its customer


@dataclass(frozen=True)
class Collector:
    """Reads the selected records of a desk up to a time, and counts those that are refused."""

    store_engine: Engine
    desk_id: str
    selection: Selection
    until: datetime
    redactor: Redactor
    refusals: Counter[str]  # by reason
    left_out: Mapping[str, str] = field(default_factory=dict)  # sources that no record is taken of, and why
    shown: Mapping[str, str] = field(default_factory=dict)  # by item, the source of the record that it shows

    def collect_choices(self) -> Iterator[Collected]:
        for choice, known in chain(
            self.iterate_live(), self.iterate_duels(), self._iterate_labelled(), self._iterate_imported()
        ):
            if isinstance(choice, Refusal):
                self.refusals[choice.reason] += 1
                continue
            conversation = choice.conversation or ""
            weight = WeightInput(
                choice.kind or "pick",
                conversation,
                choice.annotator,
                choice.at,
                choice.weight,
                choice.dwell_ms,
            )
            record = choice.to_record()
            statement = read_choice_statement(record, choice.annotator)
            yield Collected(redact_record(record, conversation, self.redactor, known), weight, statement)

    def iterate_live(self) -> Iterator[KnownChoice]:
        """Yields what followed from judgements."""
        if not self.selection.has_live:
            return
        for record, judged_set in iterate_choices(
            self.store_engine, desk_id=self.desk_id, since=self.selection.since, until=self.until
        ):
            if not self.selection.takes(record.tags, record.created_at, record.language):
                continue
            if judged_set is None:
                yield Refusal(record.rejection), ()
                continue
            judged, shown = judged_set
            slots = {card.slot for card in map(Card.from_json, record.cards) if card.is_picked}
            yield compose_choice(judged, shown, settled=record.settled, slots=slots), shown.known

    def iterate_duels(self) -> Iterator[KnownChoice]:
        """Yields what followed from the verdicts of closed duels."""
        if not self.selection.has_duels:
            return
        for judged, shown in iterate_judged_rounds(
            self.store_engine, desk_id=self.desk_id, since=self.selection.since, until=self.until
        ):
            if self.selection.takes(list(shown.tags), judged.at, shown.language):
                choice = derive_choice(judged, shown)
                if isinstance(choice, ChoiceForm):
                    choice.source = DUEL
                yield choice, shown.known

    def read_labels(self, kind: str) -> Iterator[LabelledForm]:
        """Yields what settled items came to; what nothing was learnt from is counted here. What is said of a
        record is left out with the record: it would bring back its texts.
        """
        if not self.selection.has_labels:
            return
        left_out = {item: self.left_out[name] for item, name in self.shown.items() if name in self.left_out}
        for found in iterate_label_forms(
            self.store_engine,
            desk_id=self.desk_id,
            kind=kind,
            takes=self.selection.takes,
            left_out=left_out,
            since=self.selection.since,
            until=self.until,
        ):
            if isinstance(found, Refusal):
                self.refusals[found.reason] += 1
            else:
                yield found

    def _iterate_labelled(self) -> Iterator[KnownChoice]:
        for form, known in self.read_labels("choice"):
            assert isinstance(form, ChoiceForm)
            yield form, known

    def _iterate_imported(self) -> Iterator[KnownChoice]:
        """Yields imported choices without token ids. Only ids that our own engine sampled are trusted: an
        imported line could claim the id of a control token.
        """
        for row, form in self._read_imported("choice", ChoiceForm):
            for reply in form.candidates:
                reply.token_ids = None
            own = {"conversation": row.conversation, "prompt_token_ids": None, "base_id": None}
            yield settle_choice(form.model_copy(update=own)), ()

    def collect_pairs(self) -> Iterator[Collected]:
        for labelled, known in self.read_labels("pair"):
            assert isinstance(labelled, PairForm)
            yield self._finish_pair(labelled, labelled.conversation or "", known)
        for row, form in self._read_imported("pair", PairForm):
            refusal = refuse_close(form.chosen[-1].content, form.rejected[-1].content)
            if refusal is not None:
                self.refusals[refusal.reason] += 1
                continue
            yield self._finish_pair(form, row.conversation)

    def _finish_pair(self, form: PairForm, conversation: str, known: Sequence[str] = ()) -> Collected:
        record = form.model_dump(include={"prompt", "chosen", "rejected", "id", "source", "tags"})
        record |= {"group": conversation, "kind": "pair"}
        record |= {"language": form.language or "", "annotator": form.annotator or ""}
        if form.chat_template_kwargs:
            record["chat_template_kwargs"] = form.chat_template_kwargs
        weight = WeightInput("pair", conversation, form.annotator, form.at, form.weight)
        statement = read_pair_statement(record, form.annotator)
        return Collected(redact_record(record, conversation, self.redactor, known), weight, statement)

    def collect_thumbs(self) -> Iterator[Collected]:
        if self.selection.has_live:
            for record, reply in iterate_thumbs(self.store_engine, desk_id=self.desk_id, until=self.until):
                if not self.selection.takes(record.tags, record.created_at, record.language):
                    continue
                form = Refusal(record.rejection) if reply is None else derive_thumb(reply)
                if isinstance(form, Refusal):
                    self.refusals[form.reason] += 1
                elif reply is not None:
                    yield self._finish_thumb(form, reply.conversation, reply.known)
        for labelled, known in self.read_labels("thumb"):
            assert isinstance(labelled, ThumbForm)
            yield self._finish_thumb(labelled, labelled.conversation or "", known)
        for row, form in self._read_imported("thumb", ThumbForm):
            yield self._finish_thumb(form, row.conversation)

    def _finish_thumb(self, form: ThumbForm, conversation: str, known: Sequence[str] = ()) -> Collected:
        """Makes a thumb ready for the file. A weight that it states is kept for the writer of the file."""
        left_out = {"conversation": None, "meta": None, "annotator": None}
        emptied = {"comment": form.comment or None, "reasons": form.reasons or None}
        record = form.model_copy(update={"group": conversation, **left_out, **emptied}).to_record()
        prompt_hash = canonical_hash(record["prompt"])
        weight = WeightInput("thumb", conversation, None, form.at, form.weight)
        statement = read_thumb_statement(record, form.annotator)
        redacted = redact_record(record, conversation, self.redactor, known)
        return Collected(redacted, weight, statement, prompt_hash)

    def collect_texts(self) -> Iterator[Collected]:
        """Yields what people wrote in imported conversations, as `from_conversation.py` reads them."""
        sources = self.selection.imported
        if sources is None:
            return
        for talk, messages in iterate_conversations(
            self.store_engine, desk_id=self.desk_id, sources=sources, until=self.until
        ):
            if not self.selection.takes(talk.tags, talk.created_at, talk.language):
                continue
            for reply in list_replies(messages):
                if talk.source in self.left_out:
                    reply = Refusal(self.left_out[talk.source])
                if isinstance(reply, Refusal):
                    self.refusals[reply.reason] += 1
                else:
                    yield self._finish_text(talk, reply)

    def _finish_text(self, talk: Any, reply: WrittenReply) -> Collected:
        """Makes a reply ready for the file. It has no time: conversations that came without one have that of
        their import, by which equal ones would differ, and what people write does not age.
        """
        conversation: str = talk.external_id
        record = {
            "id": name_text(conversation, reply.position),
            "group": conversation,
            "source": talk.source,
            "language": talk.language or "",
            "tags": talk.tags,
            "prompt": reply.prompt,
            "completion": [{"role": "assistant", "content": reply.text}],
        }
        known = list_known(talk.customer_id, talk.customer_details)
        statement = read_text_statement(record, None)
        redacted = redact_record(record, conversation, self.redactor, known)
        return Collected(redacted, WeightInput("text", conversation, None, None), statement)

    def _read_imported(self, kind: str, shape: type[F]) -> Iterator[tuple[Record, F]]:
        """Yields the selected imports of a kind, named as the store names them. What only an older version
        accepted is a refusal.
        """
        sources = self.selection.imported
        if sources is None:
            return
        for row in iterate_records(
            self.store_engine, desk_id=self.desk_id, kind=kind, sources=sources, until=self.until
        ):
            if not self.selection.takes(row.tags, row.at, row.language):
                if row.at is None and self.selection.takes(row.tags, self.selection.since, row.language):
                    self.refusals["no_time"] += 1
                continue
            if row.source in self.left_out:
                self.refusals[self.left_out[row.source]] += 1
                continue
            form = read_form(shape, row.body) if row.erased_at is None else Refusal("erased")
            if isinstance(form, Refusal):
                self.refusals[form.reason] += 1
            else:
                named = {"id": row.identity, "source": row.source, "tags": row.tags, "language": row.language}
                own = named | {"chat_template_kwargs": allow_arguments(form.chat_template_kwargs)}
                yield row, form.model_copy(update=own)


def allow_arguments(given: Mapping[str, Any]) -> dict[str, Any]:
    """Of the template arguments that an imported line states those that it may.

    One that is a text of its own, such as `documents`, would stand beside what the template writes.
    """
    return {
        name: value
        for name, value in given.items()
        if name in IMPORTED_ARGUMENTS
        and isinstance(value, bool | str | None)
        and len(str(value)) <= LONGEST_ARGUMENT
    }
