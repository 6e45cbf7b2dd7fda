"""Decides when a run is due: at night, after enough new records, and once for a night that was missed. It
only inserts rows.

A run's (kind, slot) is unique in the store, so any number of schedulers make one run for one due time. Every
minute it also checks whether an adapter in service is worse than base, whether an erasure has to be finished
and whether picks have to be fitted again and labellers' reliability estimated. Every night it looks at all
that is known of the canary and acts on it (`feedback/deployment/rollout.py`). It executes no run (see
worker.py).
"""

import logging
from datetime import UTC

from apscheduler.schedulers.background import BackgroundScheduler

from feedback.deployment import rollout
from feedback.experiments.fits import renew_fits
from feedback.labelling.checking import finish_checks
from feedback.labelling.trust import renew_reliabilities
from feedback.store import runs
from feedback.store.desks import find_desk
from feedback.store.engine import read, unit_of_work
from serving.errors import ServingError
from trainer.context import NightContext
from trainer.jobs.erasures import finish_erasures
from trainer.jobs.new_choices import count_new

log = logging.getLogger(__name__)

ACTOR = "scheduler"
VOLUME_CHECK_S = 60
ERASURES_CHECK_S = 60


def start_scheduler(ctx: NightContext) -> BackgroundScheduler:
    """Starts a scheduler with all jobs. A missed night is asked for before this returns."""
    # coalesce: a machine that was off for three nights trains once, on all that came in.
    defaults = {"coalesce": True, "misfire_grace_time": None, "max_instances": 1}
    scheduler = BackgroundScheduler(timezone=UTC, job_defaults=defaults)
    scheduler.add_job(request_night, ctx.settings.timetable(), [ctx], id="night")
    scheduler.add_job(request_by_volume, "interval", [ctx], seconds=VOLUME_CHECK_S, id="volume")
    scheduler.add_job(finish_erasures, "interval", [ctx], seconds=ERASURES_CHECK_S, id="erasures")
    scheduler.add_job(run_interim_analysis, ctx.settings.timetable(), [ctx], id="rollout")
    scheduler.add_job(check_harm, "interval", [ctx], seconds=ctx.settings.harm_check_s, id="harm")
    scheduler.add_job(renew_account_fits, "interval", [ctx], seconds=ctx.settings.harm_check_s, id="fits")
    scheduler.add_job(renew_labellers, "interval", [ctx], seconds=ctx.settings.harm_check_s, id="labellers")
    scheduler.start()
    catch_up(ctx)
    return scheduler


def request_night(ctx: NightContext) -> bool:
    """Asks for the run of the newest due time; returns whether the request is new."""
    due = ctx.settings.timetable().find_last(ctx.clock.now())
    return due is not None and request(ctx, kind="night", slot=due.isoformat())


def catch_up(ctx: NightContext) -> bool:
    """Asks for the newest night that was missed while nothing ran, if this instance existed then."""
    due = ctx.settings.timetable().find_last(ctx.clock.now())
    if due is None:
        return False
    with read(ctx.store_engine) as session:
        desk = find_desk(session, desk_id=ctx.desk_id)
    return desk is not None and due >= desk.created_at and request(ctx, kind="night", slot=due.isoformat())


def request_by_volume(ctx: NightContext) -> bool:
    """Asks for a run when enough of what it learns from came in since the last one, at most once after each
    finished run.
    """
    if count_new(ctx, ctx.learns_from) < ctx.settings.trigger_new_choices:
        return False
    with read(ctx.store_engine) as session:
        last = runs.latest_run(session, desk_id=ctx.desk_id, state="done", but=runs.REBASE)
    return request(ctx, kind="volume", slot=f"after {last.id if last else 'the start'}")


def request(ctx: NightContext, *, kind: str, slot: str) -> bool:
    with unit_of_work(ctx.store_engine) as session:
        run, is_new = runs.file_run_request(
            session,
            desk_id=ctx.desk_id,
            kind=kind,
            slot=slot,
            request={},
            requested_by=ACTOR,
            now=ctx.clock.now(),
        )
    if is_new:
        log.info("run %s asked for: %s %s", run.id, kind, slot)
    return is_new


def check_harm(ctx: NightContext) -> list[str]:
    """Takes every serving adapter that is proven worse than base out of service; returns their names."""
    return rollout.take_out_harmful(ctx.deployer, actor=ACTOR, desk_id=ctx.desk_id)


def renew_account_fits(ctx: NightContext) -> list[str]:
    """Fits the figures of adapters again that were judged since the last fit; returns their names."""
    return renew_fits(ctx.store_engine, policy=ctx.policy.exposure, clock=ctx.clock, desk_id=ctx.desk_id)


def renew_labellers(ctx: NightContext) -> list[str]:
    """Estimates anew how reliable labellers are where labels came in since; returns the kinds of tasks.
    Finishes the checks whose last item is settled.
    """
    finish_checks(ctx.store_engine, clock=ctx.clock, desk_id=ctx.desk_id)
    return renew_reliabilities(ctx.store_engine, clock=ctx.clock, desk_id=ctx.desk_id)


def run_interim_analysis(ctx: NightContext) -> None:
    """Makes the nightly decision on exposure; if the engine cannot load it, the next night decides."""
    found = rollout.evaluate_canary(ctx.deployer, actor=ACTOR, desk_id=ctx.desk_id)
    if found is None:
        return
    try:
        rollout.apply_decision(ctx.deployer, found, actor=ACTOR, desk_id=ctx.desk_id)
    except ServingError as fault:
        log.warning("canary %s stays as it is: %s", found.evidence.adapter, fault)
