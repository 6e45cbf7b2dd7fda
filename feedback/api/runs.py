"""Calls about runs of the nightly job: request one, see its progress. A worker claims it in the store."""

from datetime import datetime
from typing import Annotated, Any

from flask import Blueprint
from pydantic import Field, StringConstraints

from feedback.api.routes import Read, Write, get, write
from feedback.api.schemas import Answer, Body, Query
from feedback.store import runs
from feedback.store.tables import Run

bp = Blueprint("runs", __name__)

RecipeName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]


class NewRun(Body):
    recipe: RecipeName | None = Field(
        None, description="Name of a built-in recipe; the instance's own by default. Never a path."
    )


class RunQueued(Answer):
    run_id: str
    state: str


class RunShown(Answer):
    run_id: str
    kind: str = Field(description="night, volume, manual or rebase")
    state: str = Field(description="queued, running, done, failed, cancelled or skipped")
    step: str | None = Field(description="collect, train, evaluate, gate or publish")
    progress: float = Field(description="Share of the step that is done, 0 to 1.")
    dataset: str | None
    adapter: str | None
    report: dict[str, Any] | None
    decision: str | None = Field(description="passed or refused")
    reasons: list[dict[str, Any]]
    error: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class RunsAsked(Query):
    limit: int = Field(50, ge=1, le=500)


class RunList(Answer):
    runs: list[RunShown] = Field(description="Newest first.")


@write(bp, "/v1/runs", roles=("admin",), body=NewRun, answer=RunQueued, status=202)
def request_run(call: Write, body: NewRun) -> RunQueued:
    """Request a run now. One runs at a time; the others wait."""
    run, _ = runs.file_run_request(
        call.session,
        desk_id=call.actor.desk_id,
        kind="manual",
        slot=body.event_id,
        request={"recipe": body.recipe} if body.recipe else {},
        requested_by=call.actor.name,
        now=call.now,
    )
    return RunQueued(run_id=run.id, state=run.state)


@get(bp, "/v1/runs", roles=("expert", "admin"), answer=RunList, query=RunsAsked)
def list_runs(call: Read[RunsAsked]) -> RunList:
    """The latest runs."""
    with call.read() as session:
        found = runs.select_runs(session, desk_id=call.actor.desk_id, limit=call.query.limit)
    return RunList(runs=[tell_run(run) for run in found])


@get(bp, "/v1/runs/<run_id>", roles=("expert", "admin"), answer=RunShown)
def show_run(call: Read[Query], run_id: str) -> RunShown:
    """How far a run is, and how it ended."""
    with call.read() as session:
        return tell_run(runs.get_run(session, desk_id=call.actor.desk_id, run_id=run_id))


def tell_run(run: Run) -> RunShown:
    return RunShown(
        run_id=run.id,
        kind=run.kind,
        state=run.state,
        step=run.step,
        progress=run.progress,
        dataset=run.dataset_id,
        adapter=run.adapter,
        report=run.report,
        decision=run.decision,
        reasons=run.reasons,
        error=run.error,
        created_at=run.created_at,
        started_at=run.started_at,
        finished_at=run.finished_at,
    )
