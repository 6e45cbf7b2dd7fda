"""What a dataset is made of: the selected choices, pairs and thumbs of the store, settled and without
personal data.

Yields plain records in the order live first, then duels, then imported by source and id: the same store
content gives the same stream.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

from sqlalchemy import Engine

from feedback.records.from_judgement import DUEL, LIVE, OWN_SOURCES, Judged, ShownSet, derive_choice
from feedback.records.normalise import settle_choice
from feedback.records.pairs import refuse_close
from feedback.records.redact import Redactor, redact_choice, redact_messages, redact_thumb
from feedback.records.rejections import Refusal, Tally
from feedback.records.schemas import (
    Arm,
    ChatMessage,
    ChoiceForm,
    Form,
    PairForm,
    ThumbForm,
    canonical_hash,
    read_form,
)
from feedback.records.weights import WeightInput
from feedback.store.choices import ThumbedReply, iterate_judged, iterate_thumbed
from feedback.store.duel_verdicts import iterate_judged_rounds
from feedback.store.records import iterate_records
from feedback.store.tables import Record

F = TypeVar("F", bound=Form)


@dataclass(frozen=True)
class Selection:
    """What to take: any of these sources (`live` and `duel` are what people do here), any of these tags, not
    older than that.
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
        """What `to_json` gave; an empty one, of a dataset whose selection nobody wrote down, takes all."""
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
        """The imported sources asked for: empty means all, None means none."""
        named = sorted(set(self.sources) - set(OWN_SOURCES))
        return None if self.sources and not named else named

    def takes(self, tags: list[str], at: datetime | None) -> bool:
        if self.tags and not set(self.tags) & set(tags):
            return False
        return self.since is None or (at is not None and at >= self.since)


@dataclass(frozen=True)
class Collected:
    """One record as it will stand on disk, but for its weight and split."""

    record: dict[str, Any]
    weight_input: WeightInput
    prompt_hash: str = field(default="")  # thumbs: of the prompt before anything was replaced


def collect_choices(
    store_engine: Engine,
    desk_id: str,
    selection: Selection,
    until: datetime,
    redactor: Redactor,
    refusals: Tally,
) -> Iterator[Collected]:
    for source, judged, shown in iterate_own(store_engine, desk_id, selection, until):
        if selection.takes(list(shown.tags), judged.at):
            choice = derive_choice(judged, shown)
            if isinstance(choice, Refusal):
                refusals.add(choice)
            else:
                named = choice.model_copy(update={"source": source})
                yield finish_choice(named, shown.conversation, redactor, shown.known)
    for row, form in read_imported(store_engine, desk_id, selection, until, "choice", ChoiceForm, refusals):
        settled = settle_choice(form)
        if isinstance(settled, Refusal):
            refusals.add(settled)
        else:
            named = settled.model_copy(update={"id": row.identity, "source": row.source})
            yield finish_choice(leave_out_ids(named), row.conversation, redactor)


def leave_out_ids(choice: ChoiceForm) -> ChoiceForm:
    """Without token ids: nobody but our own engine is known to have seen the ids of a text, and a line may
    claim those of a control token.
    """
    candidates = [reply.model_copy(update={"token_ids": None}) for reply in choice.candidates]
    return choice.model_copy(update={"candidates": candidates, "prompt_token_ids": None, "base_id": None})


def iterate_own(
    store_engine: Engine, desk_id: str, selection: Selection, until: datetime
) -> Iterator[tuple[str, Judged, ShownSet]]:
    """What people judged here with its source: sets, then the rounds of closed duels."""
    since = selection.since
    if selection.has_live:
        for judged, shown in iterate_judged(store_engine, desk_id=desk_id, since=since, until=until):
            yield LIVE, judged, shown
    if selection.has_duels:
        for judged, shown in iterate_judged_rounds(store_engine, desk_id=desk_id, since=since, until=until):
            yield DUEL, judged, shown


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
    refusals: Tally,
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
    refusals: Tally,
) -> Iterator[Collected]:
    if selection.has_live:
        for reply in iterate_thumbed(store_engine, desk_id=desk_id, until=until):
            if selection.takes(reply.tags, reply.at):
                form = derive_thumb(reply)
                if isinstance(form, Refusal):
                    refusals.add(form)
                else:
                    yield finish_thumb(form, reply.conversation, redactor, reply.known)
    for row, form in read_imported(store_engine, desk_id, selection, until, "thumb", ThumbForm, refusals):
        named = form.model_copy(update={"id": row.identity, "source": row.source})
        yield finish_thumb(named, row.conversation, redactor)


def derive_thumb(reply: ThumbedReply) -> ThumbForm | Refusal:
    """One live thumb as a record. A reply that was edited or written by hand carries no arm."""
    if reply.value == 0:
        return Refusal("taken_back")
    if reply.text is None:
        return Refusal("erased")
    if reply.prompt is None:
        return Refusal("no_prompt")
    return ThumbForm.model_construct(
        id=reply.id,
        source=LIVE,
        prompt=[ChatMessage.model_validate(message) for message in reply.prompt],
        completion=[ChatMessage(role="assistant", content=reply.text)],
        label=reply.value > 0,
        arm=cast(Arm | None, reply.arm),
        adapter=reply.adapter,
        language=reply.language,
        tags=reply.tags,
        at=reply.at,
        chat_template_kwargs=reply.chat_template_kwargs,
        reasons=reply.reasons or None,
        comment=reply.comment or None,
    )


def finish_thumb(
    form: ThumbForm, conversation: str, redactor: Redactor, known: Sequence[str] = ()
) -> Collected:
    """A thumb depends on nobody else's weight; what it states is kept for the writer of the file."""
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
    refusals: Tally,
) -> Iterator[tuple[Record, F]]:
    """The selected records of a kind in their form; one that an older version let in and this one refuses is
    counted.
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
