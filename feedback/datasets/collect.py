"""Reads the records of a dataset from the store: the selected choices, pairs and thumbs, settled and without
personal data.

Yields plain records in a fixed order: live ones, then those of duels, then imported ones by source and id.
Equal store content therefore gives an equal stream.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from sqlalchemy import Engine

from feedback.canonical import canonical_hash
from feedback.records.cards import Card
from feedback.records.from_judgement import DUEL, LIVE, OWN_SOURCES, compose_choice, derive_choice
from feedback.records.from_thumb import derive_thumb
from feedback.records.normalise import settle_choice
from feedback.records.pairs import refuse_close
from feedback.records.redact import Redactor, redact_choice, redact_messages, redact_thumb
from feedback.records.rejections import Refusal, RejectionCounts
from feedback.records.schemas import (
    ChoiceForm,
    Form,
    PairForm,
    ThumbForm,
    read_form,
)
from feedback.records.weights import WeightInput
from feedback.store.duel_verdicts import iterate_judged_rounds
from feedback.store.own_records import iterate_choices, iterate_thumbs
from feedback.store.records import iterate_records
from feedback.store.tables import Record

F = TypeVar("F", bound=Form)


@dataclass(frozen=True)
class Selection:
    """Which records a dataset takes: from any of these sources (`live` and `duel` are what people do here),
    with any of these tags, and not older than a time.
    """

    sources: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    since: datetime | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "sources": sorted(self.sources),
            "tags": sorted(self.tags),
            "since": self.since.astimezone(UTC).isoformat() if self.since else None,
        }

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> "Selection":
        """Reads what `to_json` wrote. An empty object comes from a dataset without a stored selection and
        selects everything.
        """
        since = told.get("since")
        return cls(
            tuple(told.get("sources") or ()),
            tuple(told.get("tags") or ()),
            datetime.fromisoformat(since) if since else None,
        )

    @property
    def has_live(self) -> bool:
        return not self.sources or LIVE in self.sources

    @property
    def has_duels(self) -> bool:
        return not self.sources or DUEL in self.sources

    @property
    def imported(self) -> list[str] | None:
        """The imported sources that are asked for. An empty list means all sources; None means no imported
        records.
        """
        named = sorted(set(self.sources) - set(OWN_SOURCES))
        return None if self.sources and not named else named

    def takes(self, tags: list[str], at: datetime | None) -> bool:
        if self.tags and not set(self.tags) & set(tags):
            return False
        return self.since is None or (at is not None and at >= self.since)


@dataclass(frozen=True)
class Collected:
    """One record as it will be written to disk, except for its weight and split."""

    record: dict[str, Any]
    weight_input: WeightInput
    prompt_hash: str = field(default="")  # thumbs: of the prompt before anything was replaced


def collect_choices(
    store_engine: Engine,
    desk_id: str,
    selection: Selection,
    until: datetime,
    redactor: Redactor,
    refusals: RejectionCounts,
) -> Iterator[Collected]:
    for choice, known in iterate_live(store_engine, desk_id, selection, until, refusals):
        yield finish_choice(choice, choice.conversation or "", redactor, known)
    for choice, known in iterate_duels(store_engine, desk_id, selection, until, refusals):
        yield finish_choice(choice, choice.conversation or "", redactor, known)
    for row, form in read_imported(store_engine, desk_id, selection, until, "choice", ChoiceForm, refusals):
        settled = settle_choice(form)
        if isinstance(settled, Refusal):
            refusals.add(settled)
        else:
            named = settled.model_copy(update={"id": row.identity, "source": row.source})
            yield finish_choice(leave_out_ids(named), row.conversation, redactor)


def iterate_live(
    store_engine: Engine, desk_id: str, selection: Selection, until: datetime, refusals: RejectionCounts
) -> Iterator[tuple[ChoiceForm, Sequence[str]]]:
    """Yields the choices that followed from judgements, each with the values that identify its customer."""
    if not selection.has_live:
        return
    for record, judged_set in iterate_choices(
        store_engine, desk_id=desk_id, since=selection.since, until=until
    ):
        if not selection.takes(record.tags, record.created_at):
            continue
        if judged_set is None:
            refusals.add(Refusal(record.rejection))
            continue
        judged, shown = judged_set
        cards = [Card.from_json(kept) for kept in record.cards]
        slots = {card.slot for card in cards if card.is_picked}
        choice = compose_choice(judged, shown, settled=record.settled, slots=slots)
        if isinstance(choice, Refusal):
            refusals.add(choice)
        else:
            yield choice, shown.known


def iterate_duels(
    store_engine: Engine, desk_id: str, selection: Selection, until: datetime, refusals: RejectionCounts
) -> Iterator[tuple[ChoiceForm, Sequence[str]]]:
    """Yields the choices that followed from the verdicts of closed duels."""
    if not selection.has_duels:
        return
    for judged, shown in iterate_judged_rounds(
        store_engine, desk_id=desk_id, since=selection.since, until=until
    ):
        if selection.takes(list(shown.tags), judged.at):
            choice = derive_choice(judged, shown)
            if isinstance(choice, Refusal):
                refusals.add(choice)
            else:
                yield choice.model_copy(update={"source": DUEL}), shown.known


def leave_out_ids(choice: ChoiceForm) -> ChoiceForm:
    """The choice without token ids. Only ids that our own engine sampled are trusted: an imported line could
    claim the id of a control token.
    """
    candidates = [reply.model_copy(update={"token_ids": None}) for reply in choice.candidates]
    return choice.model_copy(update={"candidates": candidates, "prompt_token_ids": None, "base_id": None})


def finish_choice(
    choice: ChoiceForm, conversation: str, redactor: Redactor, known: Sequence[str] = ()
) -> Collected:
    named = choice.model_copy(update={"conversation": conversation})
    clean = redact_choice(named, conversation, redactor, known)
    weight = WeightInput(
        clean.kind or "pick", conversation, clean.annotator, clean.at, clean.weight, clean.dwell_ms
    )
    return Collected(clean.to_record(), weight)


def collect_pairs(
    store_engine: Engine,
    desk_id: str,
    selection: Selection,
    until: datetime,
    redactor: Redactor,
    refusals: RejectionCounts,
) -> Iterator[Collected]:
    for row, form in read_imported(store_engine, desk_id, selection, until, "pair", PairForm, refusals):
        refusal = refuse_close(form.chosen[-1].content, form.rejected[-1].content)
        if refusal is not None:
            refusals.add(refusal)
            continue
        sides = {
            name: [
                message.model_dump()
                for message in redact_messages(getattr(form, name), row.conversation, redactor)
            ]
            for name in ("prompt", "chosen", "rejected")
        }
        record: dict[str, Any] = {
            "id": row.identity,
            "group": row.conversation,
            "kind": "pair",
            "source": row.source,
            **sides,
        }
        if form.chat_template_kwargs:
            record["chat_template_kwargs"] = form.chat_template_kwargs
        yield Collected(record, WeightInput("pair", row.conversation, form.annotator, form.at, form.weight))


def collect_thumbs(
    store_engine: Engine,
    desk_id: str,
    selection: Selection,
    until: datetime,
    redactor: Redactor,
    refusals: RejectionCounts,
) -> Iterator[Collected]:
    if selection.has_live:
        for record, reply in iterate_thumbs(store_engine, desk_id=desk_id, until=until):
            if not selection.takes(record.tags, record.created_at):
                continue
            form = Refusal(record.rejection) if reply is None else derive_thumb(reply)
            if isinstance(form, Refusal):
                refusals.add(form)
            elif reply is not None:
                yield finish_thumb(form, reply.conversation, redactor, reply.known)
    for row, form in read_imported(store_engine, desk_id, selection, until, "thumb", ThumbForm, refusals):
        named = form.model_copy(update={"id": row.identity, "source": row.source})
        yield finish_thumb(named, row.conversation, redactor)


def finish_thumb(
    form: ThumbForm, conversation: str, redactor: Redactor, known: Sequence[str] = ()
) -> Collected:
    """Makes a thumb ready for the file. Its weight does not depend on other records; a weight that it states
    is kept for the writer of the file.
    """
    prompt_hash = canonical_hash([message.model_dump() for message in form.prompt])
    update = {"group": conversation, "conversation": None, "meta": None, "annotator": None}
    clean = redact_thumb(form.model_copy(update=update), conversation, redactor, known)
    return Collected(
        clean.to_record(), WeightInput("thumb", conversation, None, form.at, form.weight), prompt_hash
    )


def read_imported(
    store_engine: Engine,
    desk_id: str,
    selection: Selection,
    until: datetime,
    kind: str,
    shape: type[F],
    refusals: RejectionCounts,
) -> Iterator[tuple[Record, F]]:
    """Yields the selected imported records of a kind. A record that an older version accepted and this
    version refuses is counted as a refusal.
    """
    sources = selection.imported
    if sources is None:
        return
    rows = iterate_records(store_engine, desk_id=desk_id, kind=kind, sources=sources, until=until)
    for row in rows:
        if not selection.takes(row.tags, row.at):
            continue
        form = read_form(shape, row.body) if row.erased_at is None else Refusal("erased")
        if isinstance(form, Refusal):
            refusals.add(form)
        else:
            yield row, form
