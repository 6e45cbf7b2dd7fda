"""The main pages of the console. They read the store; runs, promotion and rollback go through the HTTP API.

Experts may read, admins may also act. Every list takes its filters from the query parameters.
"""

from collections.abc import Sequence
from datetime import timedelta

from flask import Blueprint, render_template, request

from feedback.console.charts import draw_interval
from feedback.console.dataset_jobs import gather_check, gather_form, list_builds
from feedback.console.datasets import read_reuse, read_splits
from feedback.console.health import check_health
from feedback.console.policy import read_policy_line
from feedback.console.reports import describe_counts, describe_selection, read_report, tabulate_counts
from feedback.console.rollout import read_panel
from feedback.console.run_curves import draw_stages
from feedback.console.run_report import find_sides
from feedback.console.tag_choice import asked_tag, list_tag_paths
from feedback.datasets.layout import FORMATS
from feedback.duels.start import MAX_ROUNDS
from feedback.experiments.account import read_account
from feedback.experiments.funnel import count_funnel
from feedback.labelling.adapter_scores import read_scores
from feedback.lineage.graph import Scope
from feedback.morning.gather import say_now
from feedback.reactions.counts import count_adapter_reactions
from feedback.run_report.need import read_need
from feedback.store import adapters, datasets, deployments, overview, runs
from feedback.store.closings import count_closings
from feedback.store.dataset_jobs import select_builds
from feedback.store.engine import read
from feedback.store.policy_changes import list_changes
from feedback.store.probe import read_in_haste
from feedback.store.record_counts import count_given
from feedback.store.run_history import find_run_behind, read_numbers
from feedback.store.scores import list_scoring
from feedback.store.source_marks import find_withdrawn_in, find_withdrawn_of, list_sources_of
from feedback.store.sources import read_withdrawn
from feedback.store.tags import read_tag_tree
from feedback.store.users import name_agents
from feedback.web.auth import allow, current_actor
from feedback.web.services import services

bp = Blueprint("console", __name__, url_prefix="/console")

RUN_STATES = ("queued", "running", "done", "failed", "cancelled", "skipped")
RUN_KINDS = ("night", "volume", "manual", "rebase")
ADAPTER_STATES = ("trained", "refused", "passed", "canary", "live", "retired", "rolled_back")
SECONDS_LEFT = "seconds_left"
BASE_READ = "base_read"
ROWS, POLICIES = 100, 20  # shown, the newest first
PERIODS = {"1": 1, "7": 7, "30": 30}


def choice_of(name: str, allowed: Sequence[str]) -> str | None:
    """The value of a filter in the query parameters. None if it is absent or unknown: then nothing is
    filtered.
    """
    value = request.args.get(name, "")
    return value if value in allowed else None


@bp.get("")
@allow("expert")
def today() -> str:
    """What came in, and whether everything works."""
    days = PERIODS.get(request.args.get("days", ""), 1)
    found, desk_id = services(), current_actor().desk_id
    until = found.clock.now()
    since = until - timedelta(days=days)
    store_check, engine_check = check_health()  # asks the engine, so outside the transaction
    reading = read if store_check.ok else read_in_haste
    with reading(found.store_engine) as store:
        return render_template(
            "console/today.html",
            said=say_now(store, found.outlook, now=until, desk_id=desk_id),
            watch=found.watch.read(store, now=until, desk_id=desk_id),
            advice=found.advice.read(store, found.outlook, now=until, desk_id=desk_id),
            checks=(store_check, engine_check),
            days=days,
            since=since,
            until=until,
            inflow=overview.count_inflow(store, desk_id=desk_id, since=since, until=until),
            waiting=overview.count_unanswered(store, desk_id=desk_id),
            state=deployments.serving_state(store, desk_id=desk_id),
            run=runs.latest_run(store, desk_id=desk_id),
            kinds=overview.JUDGEMENT_KINDS,
            policy_line=read_policy_line(store, desk_id=desk_id),
        )


@bp.get("/funnel")
@allow("expert")
def show_funnel() -> str:
    """From judgements to choices and pairs, with every reason why one was left out."""
    found, desk_id = services(), current_actor().desk_id
    days = PERIODS.get(request.args.get("days", ""))
    agent, tag = request.args.get("agent") or None, asked_tag()
    until = found.clock.now()
    since = until - timedelta(days=days) if days else None
    with read(found.store_engine) as store:
        agents = overview.list_agents(store, desk_id=desk_id)
        languages = overview.list_languages(store, desk_id=desk_id)
        given = count_given(store, desk_id=desk_id, since=since, until=until, agent=agent, tag=tag)
        tags = list_tag_paths(store, desk_id=desk_id)
    language = choice_of("language", languages)
    spoken = (row for row in given if language in (None, overview.name_language(row.language)))
    with read(found.store_engine) as store:
        closings = count_closings(
            store, desk_id=desk_id, since=since, until=until, agent=agent, language=language, tag=tag
        )
    return render_template(
        "console/funnel.html",
        funnel=count_funnel(spoken),
        closings=closings,
        agents=agents,
        agent=agent,
        days=days,
        chosen_language=language,
        chosen={"since": since, "until": until, "agent": agent, "language": language, "tag": tag},
        tag=tag,
        tags=tags,
        spoken_languages=languages,
    )


@bp.get("/runs")
@allow("expert")
def list_runs() -> str:
    state, kind = choice_of("state", RUN_STATES), choice_of("kind", RUN_KINDS)
    with read(services().store_engine) as store:
        desk_id = current_actor().desk_id
        found = runs.select_runs(store, desk_id=desk_id, state=state, kind=kind, limit=ROWS)
        return render_template(
            "console/runs.html", runs=found, state=state, kind=kind, states=RUN_STATES, kinds=RUN_KINDS
        )


@bp.get("/runs/<run_id>")
@allow("expert")
def show_run(run_id: str) -> str:
    return _render_run("console/run.html", run_id)


@bp.get("/runs/<run_id>/live")
@allow("expert")
def show_run_progress(run_id: str) -> str:
    """The part of a run's page that is refreshed while it runs."""
    return _render_run("console/run_live.html", run_id)


def _render_run(template: str, run_id: str) -> str:
    with read(services().store_engine) as store:
        run = runs.get_run(store, desk_id=current_actor().desk_id, run_id=run_id)
        numbers = read_numbers(store, run_id=run_id)
        behind = find_run_behind(store, desk_id=run.desk_id, run=run)
        return render_template(
            template,
            run=run,
            behind=behind,
            steps=runs.STEPS,
            finished=run.state in runs.FINISHED,
            stages=draw_stages(run, numbers, read_numbers(store, run_id=behind.id) if behind else {}),
            is_reading_base=BASE_READ in numbers and "loss" not in numbers,
            seconds_left=numbers[SECONDS_LEFT][-1][1] if SECONDS_LEFT in numbers else None,
            need=read_need(numbers),
            report=read_report(run.report),
            sides=find_sides(store, run) if run.state in runs.FINISHED else [],
        )


@bp.get("/adapters")
@allow("expert")
def list_adapters() -> str:
    state, desk_id = choice_of("state", ADAPTER_STATES), current_actor().desk_id
    with read(services().store_engine) as store:
        rows = adapters.select_adapters(store, desk_id=desk_id, state=state, limit=ROWS)
        used = overview.count_sets_of(store, desk_id=desk_id, adapters=[row.name for row in rows])
        policies = list_changes(store, desk_id=desk_id, limit=POLICIES + 1)
        return render_template(
            "console/adapters.html",
            adapters=rows,
            supports={name: read_account(store, name, desk_id=desk_id).support for name in used},
            serving=deployments.serving_state(store, desk_id=desk_id),
            history=deployments.list_deployments(store, desk_id=desk_id, limit=20),
            policies=policies[:POLICIES],
            has_earlier=len(policies) > POLICIES,
            state=state,
            states=ADAPTER_STATES,
            transitions=adapters.TRANSITIONS,
        )


@bp.get("/adapters/<name>")
@allow("expert")
def show_adapter(name: str) -> str:
    found, desk_id = services(), current_actor().desk_id
    with read(found.store_engine) as store:
        adapter = adapters.get_adapter(store, desk_id=desk_id, name=name)
        confidence = found.rollout_policy.confidence
        account = read_account(store, name, desk_id=desk_id)
        tally, shown = account.support.tally, account.to_json(confidence=confidence)
        run = runs.get_run(store, desk_id=desk_id, run_id=adapter.run_id) if adapter.run_id else None
        return render_template(
            "console/adapter.html",
            adapter=adapter,
            run=run,
            support=account.support,
            account=shown,
            agents=name_agents(store, desk_id=desk_id, agents=shown["breakdown"].get("agents", ())),
            drawn=draw_interval(tally.rate, *tally.interval) if tally.rate is not None else None,
            comparisons=account.comparisons,
            confidence=confidence,
            reactions=count_adapter_reactions(store, name, desk_id=desk_id, now=found.clock.now()),
            rollout=read_panel(store, adapter, reader=current_actor()),
            events=adapters.list_events(store, name=name),
            learned_erased_at=adapters.find_erased_at(store, adapter=adapter),
            withdrawn=find_withdrawn_of(store, adapter=adapter),
            serving=deployments.serving_state(store, desk_id=desk_id),
            report=read_report(adapter.report or (run.report if run else None)),
            transitions=adapters.TRANSITIONS,
            scores=read_scores(store, desk_id=desk_id, adapter=name),
            scorings=list_scoring(store, desk_id=desk_id, adapter=name),
            most_prompts=MAX_ROUNDS,
        )


@bp.get("/datasets")
@allow("expert")
def list_datasets() -> str:
    desk_id = current_actor().desk_id
    with read(services().store_engine) as store:
        return render_template(
            "console/datasets.html",
            datasets=datasets.select_datasets(store, desk_id=desk_id),
            builds=list_builds(store, desk_id=desk_id),
            withdrawn=set(read_withdrawn(store, desk_id=desk_id)),
            form=gather_form(store, desk_id=desk_id),
            list_sources_of=list_sources_of,
            describe_counts=describe_counts,
            describe_selection=describe_selection,
        )


@bp.get("/datasets/<dataset_id>")
@allow("expert")
def show_dataset(dataset_id: str) -> str:
    found, desk_id = services(), current_actor().desk_id
    with read(found.store_engine) as store:
        dataset = datasets.get_dataset(store, desk_id=desk_id, dataset_id=dataset_id)
        before = datasets.find_dataset_before(store, dataset=dataset)
        withdrawn = find_withdrawn_in(store, dataset=dataset)
        on_it = runs.select_runs(store, desk_id=desk_id, dataset_id=dataset_id, limit=ROWS)
        tag_ids = read_tag_tree(store, desk_id=desk_id).meanings
        check = gather_check(store, desk_id=desk_id, dataset_id=dataset_id)
        builds = select_builds(store, desk_id=desk_id, dataset_id=dataset_id, limit=ROWS)
    return render_template(
        "console/dataset.html",
        **check,
        builds=builds,
        dataset=dataset,
        withdrawn=withdrawn,
        before=before,
        runs=on_it,
        tag_ids=tag_ids,
        table=tabulate_counts(dataset.counts),
        splits=read_splits(found.settings.data_dir, dataset),
        reuse=read_reuse(Scope(found.store_engine, found.settings.data_dir, desk_id), dataset),
        formats=FORMATS,
        describe_selection=describe_selection,
    )
