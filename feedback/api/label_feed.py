"""The feed of labels, for programs that act on what people say: every row in the order in which it came."""

from datetime import datetime, timedelta
from typing import Annotated, Any

from flask import Blueprint
from pydantic import Field

from feedback.api.routes import Read, get
from feedback.api.schemas import Answer, Id, Query
from feedback.store.engine import get_row
from feedback.store.label_counts import list_fed
from feedback.store.tables import Item, Label, Task

bp = Blueprint("label_feed", __name__)

# Rows are dated before they are committed: younger ones wait, so that none comes in behind a reader.
SETTLES_AFTER = timedelta(seconds=10)


class FeedQuery(Query):
    after: Id | None = Field(None, description="The last label that was read; none: from the beginning.")
    task: Id | None = Field(None, description="Only labels of this task.")
    limit: Annotated[int, Field(ge=1, le=1_000)] = 500


class FedLabel(Answer):
    label_id: str
    task_id: str
    item_id: str
    kind: str = Field(description="Of the task.")
    subject_kind: str = Field(
        description="What the item is about: conversation, message, set, record, item or label."
    )
    subject_id: str
    labeller: str
    role: str
    value: dict[str, Any] | None = Field(description="Null: erased, or an earlier label is taken back.")
    text: str | None
    reasons: list[str]
    dwell_ms: int | None
    guideline_version: int
    seen: str = Field(description="blind, others (it settles a dispute) or helper.")
    undoes: str | None = Field(description="The label that this row takes back.")
    at: datetime


class LabelFeed(Answer):
    labels: list[FedLabel]


@get(bp, "/v1/labels", roles=("app", "expert"), answer=LabelFeed, query=FeedQuery)
def read_labels_call(call: Read[FeedQuery]) -> LabelFeed:
    """Labels and what took them back, oldest first, ten seconds after they came; none of duels."""
    desk_id, asked = call.actor.desk_id, call.query
    with call.read() as session:
        after = asked.after and get_row(session, Label, asked.after, desk_id=desk_id, what="label")
        found = list_fed(
            session,
            desk_id=desk_id,
            before=call.now - SETTLES_AFTER,
            after=after or None,
            task_id=asked.task,
            limit=asked.limit,
        )
        return LabelFeed(labels=[show_fed(*row) for row in found])


def show_fed(label: Label, task: Task, item: Item) -> FedLabel:
    return FedLabel(
        label_id=label.id,
        task_id=label.task_id,
        item_id=label.item_id,
        kind=task.kind,
        subject_kind=item.subject_kind,
        subject_id=item.subject_id,
        labeller=label.labeller,
        role=label.role,
        value=label.value,
        text=label.text,
        reasons=label.reasons,
        dwell_ms=label.dwell_ms,
        guideline_version=label.guideline_version,
        seen=label.seen,
        undoes=label.undoes,
        at=label.created_at,
    )
