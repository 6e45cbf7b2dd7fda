from datetime import UTC, datetime, timedelta

import pytest
from apscheduler.triggers.cron import CronTrigger

from feedback.deployment.policy import Policy
from feedback.store import runs
from feedback.store.engine import read, unit_of_work
from serving.errors import EngineNotRunning
from serving.settings import ServingSettings
from tests.clock import FrozenClock
from tests.databases import START
from tests.trainer.nights import import_choices
from trainer.context import NightContext
from trainer.jobs.scheduler import (
    catch_up,
    check_harm,
    find_due,
    request_by_volume,
    request_night,
    start_scheduler,
)
from trainer.settings import TrainerSettings


def no_engine():
    raise EngineNotRunning("endpoint.json")


@pytest.fixture
def ctx(sqlite_engine, tmp_path):
    """Ten days after the desk was made, at 09:00 UTC."""
    return NightContext(
        store_engine=sqlite_engine,
        data_dir=tmp_path,
        settings=TrainerSettings(trigger_new_choices=20),
        serving=ServingSettings(),
        fleet_factory=no_engine,
        clock=FrozenClock(START + timedelta(days=10)),
        desk_id="default",
        policy=Policy(),
    )


def list_runs(ctx):
    with read(ctx.store_engine) as session:
        return [(run.kind, run.slot, run.state) for run in runs.list_runs(session, desk_id="default")]


@pytest.mark.parametrize(
    ("cron", "due"),
    [
        ("0 2 * * *", datetime(2026, 12, 2, 2, 0, tzinfo=UTC)),
        ("0 9 * * *", datetime(2026, 12, 2, 9, 0, tzinfo=UTC)),  # due this very minute
        ("30 9 * * *", datetime(2026, 12, 1, 9, 30, tzinfo=UTC)),
        ("* * * * *", datetime(2026, 12, 2, 9, 0, tzinfo=UTC)),
        ("0 2 * * sun", datetime(2026, 11, 29, 2, 0, tzinfo=UTC)),
        ("0 2 1 1 *", datetime(2026, 1, 1, 2, 0, tzinfo=UTC)),
    ],
)
def test_newest_due_time_is_found_by_cron_in_utc(cron, due):
    now = datetime(2026, 12, 2, 9, 0, tzinfo=UTC)
    assert find_due(CronTrigger.from_crontab(cron, timezone=UTC), now) == due


def test_night_is_asked_for_once_however_many_schedulers_ask(ctx):
    assert request_night(ctx)
    assert not request_night(ctx)
    assert not catch_up(ctx)
    assert list_runs(ctx) == [("night", "2026-12-02T02:00:00+00:00", "queued")]


def test_missed_nights_are_caught_up_as_one_run(ctx):
    assert catch_up(ctx)  # ten nights were missed
    assert [slot for _, slot, _ in list_runs(ctx)] == ["2026-12-02T02:00:00+00:00"]


def test_new_instance_has_missed_no_night(ctx):
    ctx.clock.advance(-10 * 86_400)  # the minute the desk was made
    assert not catch_up(ctx) and list_runs(ctx) == []


def test_enough_new_choices_ask_for_one_run_until_it_is_done(ctx):
    import_choices(ctx, 19)
    assert not request_by_volume(ctx)
    import_choices(ctx, 1, first=19)
    assert request_by_volume(ctx) and not request_by_volume(ctx)
    with unit_of_work(ctx.store_engine) as session:
        run = runs.claim_run(session, desk_id="default", owner="w", now=ctx.clock.now(), lease_s=60)
        runs.finish_run(session, run_id=run.id, token=run.fence, state="done", now=ctx.clock.now())
    assert not request_by_volume(ctx)
    ctx.clock.advance(3600)
    import_choices(ctx, 20, first=20)
    assert request_by_volume(ctx)
    assert len(list_runs(ctx)) == 2


def test_nothing_serves_so_nothing_harms(ctx):
    assert check_harm(ctx) == []


def test_scheduler_has_its_jobs_without_misfire_limit_and_catches_up_at_start(ctx):
    scheduler = start_scheduler(ctx)
    try:
        jobs = {job.id: job for job in scheduler.get_jobs()}
        assert set(jobs) == {"night", "volume", "exposure", "harm"}
        assert all(job.misfire_grace_time is None and job.coalesce for job in jobs.values())
        assert [kind for kind, _, _ in list_runs(ctx)] == ["night"]
    finally:
        scheduler.shutdown(wait=True)


def test_bad_time_table_is_refused_with_a_remedy():
    with pytest.raises(ValueError, match="five fields"):
        TrainerSettings(nightly_cron="at night")
