"""Calls that build a dataset in the background, check one, say how far that is, and cancel it.

The work is done by feedback/datasets/worker.py. What is known beforehand is said at once: that nothing falls
into a selection, or that no difficulty is known.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from flask import Blueprint
from pydantic import Field, StringConstraints

from feedback.api.routes import Read, Write, get, write
from feedback.api.schemas import Answer, Body, Language, Name, Query, Since, TagPath
from feedback.augment.names import OPERATIONS
from feedback.datasets.difficulty import is_difficulty_known
from feedback.datasets.layout import dataset_dir
from feedback.datasets.selection import Selection
from feedback.errors import ApiError, NotFound
from feedback.store import dataset_jobs
from feedback.store.datasets import get_dataset
from feedback.store.record_facts import has_selected
from feedback.store.sources import read_left_out
from feedback.store.tables import DatasetJob
from feedback.store.tags import read_tag_tree
from feedback.web.services import services

bp = Blueprint("dataset_jobs", __name__)

EXPERTS = ("expert", "admin")
Operation = Literal["synonym", "order", "back_translate", "paraphrase", "question"]
MOST_NAMES = 200  # of one kind in a selection


class SelectionEmpty(ApiError):
    def __init__(self, selection: dict[str, Any]) -> None:
        asked = {name: value for name, value in selection.items() if value}
        super().__init__(
            422,
            "selection_empty",
            f"No choice, pair or thumb falls into the selection {asked or 'of all that is there'}.",
            "Import records, judge some sets, or select less narrowly.",
        )


class NoDifficultyKnown(ApiError):
    def __init__(self, quarters: Sequence[int]) -> None:
        super().__init__(
            422,
            "difficulty_unknown",
            f"Difficulty {list(quarters)} was asked for, and of no record it is known.",
            "A run with objective `choice` and `reference: stored` notes it; build again after it.",
        )


class NewDataset(Body):
    sources: Annotated[list[Name], Field(max_length=MOST_NAMES)] = Field(
        default_factory=list, description="Only records of these; `live` and `duel` are what people do here."
    )
    tags: Annotated[list[TagPath], Field(max_length=MOST_NAMES)] = Field(
        default_factory=list, description="Only records with one of these tags or one below it."
    )
    without_tags: Annotated[list[TagPath], Field(max_length=MOST_NAMES)] = Field(
        default_factory=list, description="No record with one of these tags or one below it."
    )
    languages: Annotated[list[Language], Field(max_length=MOST_NAMES)] = Field(
        default_factory=list, description="Only records in these; `zh` takes `zh-CN`, too."
    )
    difficulty: Annotated[list[Literal[1, 2, 3, 4]], Field(max_length=4)] = Field(
        default_factory=list, description="Only records of these quarters, from 1, the easiest for the base."
    )
    since: Since | None = Field(None, description="Only records from this day or time on.")
    augment: Annotated[list[Operation], Field(max_length=len(OPERATIONS))] = Field(
        default_factory=list, description="Make children of choices of train by these operations."
    )
    note: Annotated[str, StringConstraints(max_length=1_000)] | None = Field(
        None, description="Why it is built, for people."
    )

    def select(self) -> Selection:
        return Selection(
            sources=tuple(self.sources),
            tags=tuple(self.tags),
            since=self.since,
            without_tags=tuple(self.without_tags),
            languages=tuple(self.languages),
            difficulty=tuple(self.difficulty),
            augment=tuple(dict.fromkeys(self.augment)),
        )


class CheckDataset(Body):
    pass


class CancelDatasetJob(Body):
    pass


class DatasetJobNow(Answer):
    job_id: str
    state: str


class DatasetJobShown(Answer):
    job_id: str
    kind: str = Field(description="build or check")
    state: str = Field(description="waiting, running, done, failed, interrupted, cancelling or cancelled")
    selection: dict[str, Any]
    note: str | None
    step: str | None
    done: int = Field(description="Records of this step so far.")
    total: int
    dataset: str | None = Field(description="Of a build, once it is done.")
    is_new: bool | None = Field(description="Of a build: whether no dataset had this content before.")
    refusals: dict[str, int] = Field(description="Where nothing was left, what was refused.")
    faults: list[dict[str, Any]] | None = Field(description="What a check found; null before it is over.")
    error: str | None
    created_at: datetime
    finished_at: datetime | None


@write(bp, "/v1/datasets", roles=EXPERTS, body=NewDataset, answer=DatasetJobNow, status=202)
def request_dataset(call: Write, body: NewDataset) -> DatasetJobNow:
    """Build a dataset of a selection in the background, and check it. Equal content is one dataset."""
    found, desk_id, selection = services(), call.actor.desk_id, body.select()
    if selection.difficulty and not is_difficulty_known(found.settings.data_dir):
        raise NoDifficultyKnown(body.difficulty)
    tree = read_tag_tree(call.session, desk_id=desk_id)
    if not has_selected(
        call.session,
        desk_id=desk_id,
        sources=selection.sources,
        left_out=read_left_out(call.session, desk_id=desk_id, named=selection.sources),
        tags=tree.expand(selection.tags) if selection.tags else None,
        without_tags=tree.expand(selection.without_tags),
        languages=selection.languages,
        since=selection.since,
    ):
        raise SelectionEmpty(selection.to_json())
    row = dataset_jobs.add_build(
        call.session,
        desk_id=desk_id,
        selection=selection.to_json(),
        note=(body.note or "").strip() or None,
        actor=call.actor.name,
        now=call.now,
    )
    call.after_commit(lambda: found.datasets.enqueue(row.id))
    return DatasetJobNow(job_id=row.id, state=row.state)


@write(
    bp, "/v1/datasets/<dataset_id>/check", roles=EXPERTS, body=CheckDataset, answer=DatasetJobNow, status=202
)
def request_check(call: Write, body: CheckDataset, dataset_id: str) -> DatasetJobNow:
    """Check the files of a dataset in the background, as `rejoinder dataset check` does."""
    found, desk_id = services(), call.actor.desk_id
    dataset = get_dataset(call.session, desk_id=desk_id, dataset_id=dataset_id)
    if dataset.erased_at or not dataset_dir(found.settings.data_dir, dataset.id).is_dir():
        raise NotFound("dataset", dataset_id)
    row = dataset_jobs.ask_check(
        call.session,
        desk_id=desk_id,
        dataset_id=dataset.id,
        actor=call.actor.name,
        now=call.now,
    )
    call.after_commit(lambda: found.datasets.enqueue(row.id))
    return DatasetJobNow(job_id=row.id, state=row.state)


@get(bp, "/v1/dataset-jobs/<job_id>", roles=EXPERTS, answer=DatasetJobShown)
def show_dataset_job(call: Read[Query], job_id: str) -> DatasetJobShown:
    """How far a build or check is, and what it came to."""
    with call.read() as session:
        row = dataset_jobs.get_job(session, desk_id=call.actor.desk_id, job_id=job_id)
    return shape_job(row)


def shape_job(row: DatasetJob) -> DatasetJobShown:
    return DatasetJobShown(
        job_id=row.id,
        kind=row.kind,
        state=dataset_jobs.name_job_state(row, services().datasets.holder),
        selection=row.selection,
        note=row.note,
        step=row.step,
        done=row.done,
        total=row.total,
        dataset=row.dataset_id,
        is_new=row.is_new,
        refusals=row.refusals,
        faults=row.faults,
        error=row.error,
        created_at=row.created_at,
        finished_at=row.finished_at,
    )


@write(
    bp,
    "/v1/dataset-jobs/<job_id>/cancel",
    roles=EXPERTS,
    body=CancelDatasetJob,
    answer=DatasetJobNow,
    status=202,
)
def cancel_dataset_job(call: Write, body: CancelDatasetJob, job_id: str) -> DatasetJobNow:
    """Cancel a build, or a check that waits. A build that runs stops soon and leaves nothing."""
    row = dataset_jobs.get_job(call.session, desk_id=call.actor.desk_id, job_id=job_id, lock=True)
    dataset_jobs.ask_job_cancel(call.session, row=row, holder=services().datasets.holder)
    return DatasetJobNow(job_id=row.id, state=row.state)
