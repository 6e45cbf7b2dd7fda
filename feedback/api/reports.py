"""Calls that report how a run ended and what the picks of an adapter say. They show no customer's text."""

from datetime import datetime
from typing import Any

from flask import Blueprint
from pydantic import Field

from feedback.advice.gather import advise_on_run
from feedback.api.routes import Read, get
from feedback.api.schemas import Answer, Query
from feedback.experiments.account import read_account
from feedback.morning.gather import say_now
from feedback.run_report.facts import read_facts
from feedback.run_report.report import compose_run_report
from feedback.store import adapters
from feedback.store.engine import read
from feedback.web.services import services

bp = Blueprint("reports", __name__)

Object = dict[str, Any]


class RunReport(Answer):
    form: int = Field(description="Of this object; raised when a key changes its meaning.")
    run: Object
    outcome: str = Field(
        description="published, never_staged, unpublished, waiting, refused, skipped, cancelled or failed"
    )
    exit_code: int = Field(description="Of `rejoinder report`: 0, 1 or 3, see docs/run-report.md.")
    morning: Object = Field(description="How all stands now, in one sentence, and what to do.")
    drift: Object = Field(
        description="`alarms`: what is no longer as it was, each a sentence with what to do; "
        "`too_early`: of what nothing can be told yet."
    )
    advice: Object = Field(description="What would help now, as `GET /v1/advice` says it.")
    run_advice: Object = Field(description="What to change in the recipe of this run.")
    came_in: Object = Field(description="Since the start of the last run that trained.")
    refused: Object = Field(description="Judgements of that time that train nothing, with reasons.")
    dataset: Object | None
    erased: dict[str, int] = Field(description="Rows that the retention of this night erased, by table.")
    curves: dict[str, Object] = Field(
        description="Each number: mean over the last epoch; first, best and last value; points."
    )
    stages: list[dict[str, Object]] = Field(
        description="The curves of each stage, of a training that had several."
    )
    need: Object | None = Field(
        description="Memory and seconds told before the first step, and what was measured."
    )
    unpacked: str | None = Field(
        description="Why the base was read one reply a row; null where rows were packed."
    )
    scores: Object | None = Field(description="Numbers of the offline report.")
    decision: Object
    exposure: Object = Field(description="Where the adapter stands now, with support rate and interval.")
    reactions: list[Object] = Field(
        description="What customers do after replies of the base and of what serves, with intervals."
    )
    steps: list[Object] = Field(description="When each step began and how long it took, in seconds.")
    seconds: float | None
    at: str


@get(bp, "/v1/runs/<run_id>/report", roles=("expert", "admin"), answer=RunReport)
def show_run_report(call: Read[Query], run_id: str) -> RunReport:
    """The report of a run that has ended; 409 before that."""
    found = services()
    facts = read_facts(found.store_engine, run_id, now=call.now, desk_id=call.actor.desk_id)
    with read(found.store_engine) as store:
        said = say_now(store, found.outlook, now=call.now, desk_id=call.actor.desk_id)
        watch = found.watch.read(store, now=call.now, desk_id=call.actor.desk_id)
        advice = found.advice.read(store, found.outlook, now=call.now, desk_id=call.actor.desk_id)
        run_advice = advise_on_run(store, facts.run, found.outlook)
    told = {"advice": advice.to_json(), "run_advice": run_advice.to_json()}
    return RunReport(**compose_run_report(facts, said, watch, **told))


class SupportAccount(Answer):
    adapter: str
    confidence: float = Field(description="Of the one-sided lower bounds.")
    support: Object = Field(description="Rate with its 95 % Wilson interval, counts, e-values.")
    share: float | None = Field(description="Of the picks that decide, without halves.")
    share_low: float | None = Field(description="Its lower bound, clustered by agent.")
    agents: int | None = Field(description="Who made picks that decide.")
    adjusted: Object | None = Field(description="Share and bound with slot, length and style taken out.")
    length_difference: float | None = Field(
        description="Mean log length of the adapter's replies minus the base's."
    )
    without_agent: list[Object] = Field(description="The agent the win hangs on most first.")
    breakdown: dict[str, dict[str, Object]] = Field(
        description="By tags, languages, intents, experience and agents."
    )
    fitted_at: datetime | None = Field(
        description="When the trainer counted and fitted all this; null before it did, and counts are of now."
    )
    fitted_judgements: int | None = Field(description="How many judgements it saw then.")


@get(bp, "/v1/adapters/<name>/support", roles=("expert", "admin"), answer=SupportAccount)
def show_adapter_support(call: Read[Query], name: str) -> SupportAccount:
    """The support rate of an adapter and all other results from its picks."""
    desk_id = call.actor.desk_id
    with call.read() as session:
        adapters.get_adapter(session, desk_id=desk_id, name=name)
        account = read_account(session, name, desk_id=desk_id)
    return SupportAccount(**account.to_json(confidence=services().rollout_policy.confidence))
