"""Calls of labellers: take an item, read it, label it or pass it on, keep what is not sent, take back.

Nothing here tells why an item came, what others said of it (but to who adjudicates), or which model wrote
what.
"""

from datetime import datetime
from typing import Annotated, Any

from flask import Blueprint
from pydantic import Field, StringConstraints

from feedback.api.judgements import MAX_DWELL_MS, Reasons
from feedback.api.routes import Read, Write, get, put, write
from feedback.api.schemas import Answer, Body, Part, Plain, PutBody, Query, TagPath, Time
from feedback.api.tasks import LABELLERS
from feedback.labelling import judging
from feedback.labelling.claim import claim_next
from feedback.labelling.labeller import labeller_of
from feedback.labelling.progress import count_progress
from feedback.labelling.showing import show_item
from feedback.store.tables import Task
from feedback.store.tasks import share_open_task

bp = Blueprint("labels", __name__)

# Longer than a label may have: such a text is refused with a code of its own.
Word = Annotated[str, StringConstraints(max_length=20)]
LabelText = Annotated[str, StringConstraints(max_length=1_000_000)]


class Value(Part):
    """What is said of an item: the one field that belongs to its kind."""

    tags: Annotated[list[TagPath], Field(max_length=100)] | None = None
    side: Word | None = Field(None, description="a, b, tie or both_bad")
    picked: Annotated[list[int], Field(max_length=100)] | None = None
    none: bool | None = Field(None, description="Kind pick: true where no reply is good.")
    score: int | None = Field(None, description="1 to 5")
    unchanged: bool | None = None
    verdict: Word | None = Field(None, description="good, bad or unsure")

    def told(self) -> dict[str, Any]:
        return self.model_dump(exclude_unset=True)


class NewLabel(Body):
    value: Value
    text: LabelText | None = Field(None, description="Kind rewrite: what the reply should say.")
    reasons: Reasons = Field(default_factory=list)
    dwell_ms: Annotated[int, Field(ge=0, le=MAX_DWELL_MS)] | None = Field(
        None, description="Milliseconds that the item was looked at."
    )
    occurred_at: Time | None = None


class LabelDraft(PutBody):
    value: Value | None = None
    text: LabelText | None = None


class OwnProgress(Answer):
    done: int = Field(description="Items of the task that the caller has labelled.")
    left: int = Field(description="Items that are left for them.")


class NextItem(OwnProgress):
    item_id: str | None = Field(description="Null where nothing is left.")


class LabelStored(Answer):
    label_id: str
    late: bool = Field(
        description="Others had settled the item, or took the place: kept, counts for nothing."
    )
    progress: OwnProgress


class LabelTakenBack(Answer):
    undo_id: str
    item_id: str = Field(description="The item, which the caller has again.")
    progress: OwnProgress


class ItemShown(Answer):
    id: str
    task_id: str
    kind: str
    question: dict[str, Any]
    guideline: str
    guideline_version: int
    shown: dict[str, Any] = Field(description="What is to be labelled, by kind.")
    order: list[str | int] = Field(description="In which the caller sees sides or replies; else empty.")
    lease_until: datetime | None = Field(description="Until when nobody else gets the caller's place.")
    draft: dict[str, Any] | None
    others: list[dict[str, Any]] | None = Field(
        None, description="What others said, without names: of a dispute that the caller is to decide."
    )


class LabelDraftKept(Answer):
    lease_until: datetime | None


@write(bp, "/v1/tasks/<task_id>/next", roles=LABELLERS, body=Plain, answer=NextItem, status=200)
def take_next(call: Write, body: Plain, task_id: str) -> NextItem:
    """Take the next item of a task, or go on with the one that the caller has."""
    labeller = labeller_of(call.actor)
    task = share_open_task(call.session, desk_id=call.actor.desk_id, task_id=task_id)
    own = claim_next(call.session, task=task, labeller=labeller, now=call.now)
    progress = count_progress(call.session, task=task, labeller=labeller, now=call.now)
    if own is None:
        return NextItem(item_id=None, done=progress.done, left=0)
    return NextItem(item_id=own.item_id, done=progress.done, left=progress.left)


@get(bp, "/v1/items/<item_id>", roles=LABELLERS, answer=ItemShown)
def show_labelled_item(call: Read[Query], item_id: str) -> ItemShown:
    """An item that the caller has or had, as it is shown to them."""
    with call.read() as session:
        found = show_item(
            session, desk_id=call.actor.desk_id, item_id=item_id, labeller=labeller_of(call.actor)
        )
    return ItemShown(**found)


@write(bp, "/v1/items/<item_id>/labels", roles=LABELLERS, body=NewLabel, answer=LabelStored)
def label(call: Write, body: NewLabel, item_id: str) -> LabelStored:
    """Label an item."""
    said = judging.SentLabel(**(body.model_dump(exclude={"event_id"}) | {"value": body.value.told()}))
    done = judging.record_label(
        call.session,
        desk_id=call.actor.desk_id,
        item_id=item_id,
        labeller=labeller_of(call.actor),
        said=said,
        now=call.now,
    )
    progress = _count(call, done.task)
    return LabelStored(label_id=done.label.id, late=done.late, progress=progress)


@write(bp, "/v1/items/<item_id>/pass", roles=LABELLERS, body=Plain, answer=OwnProgress, status=200)
def pass_on(call: Write, body: Plain, item_id: str) -> OwnProgress:
    """Give an item to others."""
    labeller = labeller_of(call.actor)
    task = judging.pass_item(call.session, desk_id=call.actor.desk_id, item_id=item_id, labeller=labeller)
    return _count(call, task)


@write(bp, "/v1/labels/<label_id>/undo", roles=LABELLERS, body=Plain, answer=LabelTakenBack)
def undo_own_label(call: Write, body: Plain, label_id: str) -> LabelTakenBack:
    """Take one's own label back; the item can be labelled again."""
    undone = judging.undo_label(
        call.session,
        desk_id=call.actor.desk_id,
        label_id=label_id,
        labeller=labeller_of(call.actor),
        now=call.now,
    )
    row = undone.label
    return LabelTakenBack(undo_id=row.id, item_id=row.item_id, progress=_count(call, undone.task))


@put(bp, "/v1/items/<item_id>/draft", roles=LABELLERS, body=LabelDraft, answer=LabelDraftKept)
def keep_label_draft(call: Write, body: LabelDraft, item_id: str) -> LabelDraftKept:
    """Keep what is not sent yet; the item stays with the caller for another term. Without `value` and `text`
    the draft stays as it is: so says a page that it is being read.
    """
    told = {"value": body.value and body.value.told(), "text": body.text}
    own = judging.keep_draft(
        call.session,
        desk_id=call.actor.desk_id,
        item_id=item_id,
        labeller=labeller_of(call.actor),
        draft=told if body.model_fields_set else None,
        now=call.now,
    )
    return LabelDraftKept(lease_until=own.lease_until)


def _count(call: Write, task: Task) -> OwnProgress:
    progress = count_progress(call.session, task=task, labeller=labeller_of(call.actor), now=call.now)
    return OwnProgress(done=progress.done, left=progress.left)
