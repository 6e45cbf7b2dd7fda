"""Calls that report: what became of a run. Numbers, codes and ids; no text of a customer."""

from typing import Any

from flask import Blueprint
from pydantic import Field

from feedback.capture.routes import Read, get
from feedback.capture.shapes import Answer, Query
from feedback.night.facts import read_facts
from feedback.night.report import report_night
from feedback.services import services

bp = Blueprint("reports", __name__)

Object = dict[str, Any]


class NightReport(Answer):
    form: int = Field(description="Of this object; raised when a key changes its meaning.")
    run: Object
    outcome: str = Field(description="published, unpublished, waiting, refused, skipped, cancelled or failed")
    exit_code: int = Field(description="Of `rejoinder report`: 0, 1 or 3, see docs/night-report.md.")
    came_in: Object = Field(description="Since the start of the last run that trained.")
    refused: Object = Field(description="Judgements of that time that train nothing, with reasons.")
    dataset: Object | None
    curves: dict[str, Object] = Field(
        description="First, best and last value of each number, and its points."
    )
    scores: Object | None = Field(description="Numbers of the offline report.")
    decision: Object
    exposure: Object = Field(description="Where the adapter stands now, with support rate and interval.")
    next: list[Object] = Field(description="What to do, in order.")
    steps: list[Object] = Field(description="When each step began and how long it took, in seconds.")
    seconds: float | None
    at: str


@get(bp, "/v1/runs/<run_id>/report", roles=("expert", "admin"), answer=NightReport)
def show_run_report(call: Read[Query], run_id: str) -> NightReport:
    """The night report of a run that has ended; 409 before that."""
    found = services()
    facts = read_facts(found.store_engine, run_id, now=call.now, desk_id=call.actor.desk_id)
    return NightReport(**report_night(facts, found.exposure_policy))
