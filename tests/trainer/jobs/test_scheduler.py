from dataclasses import replace
from datetime import timedelta

import pytest

from feedback.deployment.policy import Policy
from feedback.morning.choices import say_choices
from feedback.morning.gather import gather_facts
from feedback.store import runs
from feedback.store.engine import read, unit_of_work
from serving.errors import EngineNotRunning
from serving.settings import ServingSettings
from tests.clock import FrozenClock
from tests.databases import START
from tests.feedback.formats.files import bring_in, thumb, write
from tests.trainer.nights import import_choices
from trainer.context import NightContext
from trainer.jobs.new_choices import count_new
from trainer.jobs.scheduler import catch_up, check_harm, request_by_volume, request_night, start_scheduler
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
        return [(run.kind, run.slot, run.state) for run in runs.select_runs(session, desk_id="default")]


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
        runs.finish_run(session, run_id=run.id, token=run.fencing_token, state="done", now=ctx.clock.now())
    assert not request_by_volume(ctx)
    ctx.clock.advance(3600)
    import_choices(ctx, 20, first=20)
    assert request_by_volume(ctx)
    assert len(list_runs(ctx)) == 2


TALKS = [
    {"id": f"t{number}", "turns": [{"role": "customer", "text": "Hi"}, {"role": "agent", "text": "Yes?"}]}
    for number in range(2)
]


@pytest.mark.parametrize(
    ("recipe", "kind", "lines", "told"),
    [
        ("lora_kto", "thumbs", [thumb(1), thumb(2, label=False)], "2 new thumbs have come in"),
        ("lora_sft", "conversations", TALKS, "2 new texts have come in"),
    ],
    ids=["thumbs", "texts"],
)
def test_a_run_waits_for_what_its_recipe_learns_from(ctx, tmp_path, recipe, kind, lines, told):
    settings = TrainerSettings(trigger_new_choices=2, min_new_choices=2, recipe=recipe)
    ctx = replace(ctx, settings=settings)
    import_choices(ctx, 5)
    assert not request_by_volume(ctx)
    bring_in(ctx.store_engine, write(tmp_path / "lines.jsonl", *lines), kind)
    assert count_new(ctx, ctx.learns_from) == 2
    with read(ctx.store_engine) as session:
        facts = gather_facts(session, ctx.outlook, now=ctx.clock.now(), desk_id=ctx.desk_id)
    assert told in say_choices(facts).to_json()["text"]
    assert request_by_volume(ctx)


def test_nothing_serves_so_nothing_is_taken_out(ctx):
    assert check_harm(ctx) == []


def test_scheduler_has_its_jobs_without_misfire_limit_and_catches_up_at_start(ctx):
    scheduler = start_scheduler(ctx)
    try:
        jobs = {job.id: job for job in scheduler.get_jobs()}
        assert set(jobs) == {"night", "volume", "rollout", "harm", "erasures", "fits", "labellers"}
        assert all(job.misfire_grace_time is None and job.coalesce for job in jobs.values())
        assert [kind for kind, _, _ in list_runs(ctx)] == ["night"]
    finally:
        scheduler.shutdown(wait=True)


def test_night_of_a_zone_keeps_its_slot_in_utc(ctx):
    settings = TrainerSettings(nightly_cron="0 2 * * *", nightly_zone="Asia/Shanghai")
    assert request_night(replace(ctx, settings=settings))
    assert list_runs(ctx) == [("night", "2026-12-01T18:00:00+00:00", "queued")]
