"""Everything a run report is made of, read from the store in short transactions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine

from feedback.errors import RunNotEnded
from feedback.experiments.funnel import Funnel, count_funnel
from feedback.experiments.support import Support, support_of
from feedback.reactions.counts import Reactions, count_serving_reactions
from feedback.store import datasets, deployments, erasures, overview, rollout_decisions, run_history, runs
from feedback.store.deployments import ServingState
from feedback.store.engine import read
from feedback.store.overview import Inflow
from feedback.store.record_counts import count_given
from feedback.store.run_history import Numbers
from feedback.store.source_marks import find_withdrawn_in
from feedback.store.tables import DEFAULT_DESK, Adapter, Dataset, Deployment, RolloutDecision, Run

TICK = timedelta(microseconds=1)  # the finest time that both databases keep


@dataclass(frozen=True)
class RunReportFacts:
    """The facts of one run. `since` and `until` are both included; `since` is None for the first run that
    trained.
    """

    run: Run
    previous: Run | None
    since: datetime | None
    until: datetime
    inflow: Inflow
    funnel: Funnel
    dataset: Dataset | None
    withdrawn: Mapping[str, datetime]  # sources of its records that are withdrawn by now
    numbers: Numbers
    erased: Mapping[str, int]  # rows that the retention of this night erased, by table
    began: Sequence[tuple[str, datetime]]
    adapter: Adapter | None
    deployments: Sequence[Deployment]  # of the run's adapter, oldest first
    serving: ServingState
    supports: Mapping[str, Support]  # of the run's adapter and of what serves
    decisions: Mapping[str, RolloutDecision]  # the latest on each of these, where somebody has looked
    at: datetime
    reactions: Sequence[Reactions] = ()  # to the replies of the base and of what serves


def read_facts(
    store_engine: Engine, run_id: str, *, now: datetime, desk_id: str = DEFAULT_DESK
) -> RunReportFacts:
    """Reads the facts of a run. Raises NotFound, or RunNotEnded while the run is queued or running."""
    with read(store_engine) as session:
        run = runs.get_run(session, desk_id=desk_id, run_id=run_id)
        if run.state not in runs.FINISHED:
            raise RunNotEnded(run.id, run.state)
        until = run.started_at or run.finished_at or run.created_at
        previous = run_history.find_previous(session, desk_id=desk_id, run=run, until=until)
        since = previous.started_at + TICK if previous is not None and previous.started_at else None
        adapter = run_history.find_made_adapter(session, desk_id=desk_id, name=run.adapter)
        serving = deployments.serving_state(session, desk_id=desk_id)
        names = sorted(serving.named | ({adapter.name} if adapter else set()))
        latest = {
            name: rollout_decisions.find_latest_rollout_decision(session, desk_id=desk_id, adapter=name)
            for name in names
        }
        dataset = (
            datasets.get_dataset(session, desk_id=desk_id, dataset_id=run.dataset_id)
            if run.dataset_id
            else None
        )
        found: dict[str, Any] = {
            "inflow": overview.count_inflow(session, desk_id=desk_id, since=since, until=until),
            "dataset": dataset,
            "withdrawn": find_withdrawn_in(session, dataset=dataset) if dataset else {},
            "funnel": count_funnel(count_given(session, desk_id=desk_id, since=since, until=until)),
            "supports": {name: support_of(session, name, desk_id=desk_id) for name in names},
            "erased": erasures.sum_of_run(session, run_id=run.id),
            "numbers": run_history.read_numbers(session, run_id=run.id),
            "began": run_history.list_began(session, run_id=run.id),
            "reactions": count_serving_reactions(session, desk_id=desk_id, now=now),
            "deployments": run_history.list_deployments_of(session, desk_id=desk_id, adapter=adapter.name)
            if adapter
            else [],
        }
    return RunReportFacts(
        run=run,
        previous=previous,
        since=since,
        until=until,
        adapter=adapter,
        serving=serving,
        decisions={name: decision for name, decision in latest.items() if decision is not None},
        at=now,
        **found,
    )
