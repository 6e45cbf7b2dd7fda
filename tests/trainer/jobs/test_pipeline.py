"""The five steps on the tiny base, a real store and the fake engine."""

import json
from dataclasses import replace

import pytest

from feedback.datasets.build import Selection, build_dataset
from feedback.errors import StaleLease
from feedback.run_report.curves import list_curves
from feedback.run_report.stages import split_stages
from feedback.store import adapters, deployments, runs
from feedback.store.deployments import serving_state
from feedback.store.engine import read, unit_of_work
from feedback.store.rests import OVER, UNKNOWN, find_rest
from feedback.store.run_history import read_numbers
from feedback.store.runs import RESTS, RunToken
from serving.base import compute_base_id
from serving.errors import EngineNotRunning, EngineResting
from serving.settings import ServingSettings
from tests.clock import FrozenClock
from tests.databases import START
from tests.feedback.builders import add_adapter
from tests.trainer.nights import LAX, LAX_LIMITS, ask_and_claim, import_choices, import_thumbs
from tests.trainer.tiny import find_rounding
from trainer.context import NightContext
from trainer.jobs.card import CardLeft
from trainer.jobs.pipeline import find_serving, run_night
from trainer.jobs.run_metrics import EVERY_S, LiveRows
from trainer.progress import Report
from trainer.recipes.recipe import Measurement, recall_recipe
from trainer.settings import TrainerSettings


def no_engine():
    raise EngineNotRunning("endpoint.json")


@pytest.fixture
def ctx(sqlite_engine, base, tmp_path):
    return NightContext(
        store_engine=sqlite_engine,
        data_dir=tmp_path,
        settings=TrainerSettings(min_new_choices=50),
        serving=ServingSettings(base_model=str(base)),
        fleet_factory=no_engine,
        clock=FrozenClock(START),
        desk_id="default",
        policy=LAX,
    )


@pytest.fixture
def asked(recipe):
    small = Measurement(max_prompts=2, samples_per_prompt=2, max_new_tokens=4, probe_prompts=2)
    return recipe.model_copy(update={"measurement": small}).model_dump(mode="json")


def read_run(ctx, token):
    return ctx.read_run(token.run_id)


def test_night_trains_measures_passes_and_says_that_no_engine_runs(ctx, asked):
    import_choices(ctx, 80)
    token = ask_and_claim(ctx, request={"recipe": asked})
    assert run_night(ctx, token) == "done"
    run = read_run(ctx, token)
    assert (run.state, run.step, run.decision, run.adapter) == (
        "done",
        "publish",
        "passed",
        "tuned-20261122-1",
    )
    assert [reason["code"] for reason in run.reasons] == ["not_published"]
    assert run.report["adapter"]["log_loss"] < run.report["uniform"]["log_loss"]
    with read(ctx.store_engine) as session:
        adapter = adapters.get_adapter(session, desk_id="default", name=run.adapter)
        assert (adapter.state, adapter.dataset_id, adapter.run_id) == ("passed", run.dataset_id, run.id)
        metrics = runs.list_metrics(session, run_id=run.id, name="loss")
        assert metrics[0].step == 1
    version = ctx.data_dir / "adapters" / run.adapter
    assert {path.name for path in version.iterdir()} == {
        "weights",
        "manifest.json",
        "probe.json",
        "README.md",
    }
    assert not (ctx.run_dir(run.id) / "checkpoints").exists()


@pytest.mark.rounding
def test_night_on_whole_choices_keeps_the_reference_for_the_next_one(ctx, asked):
    import_choices(ctx, 80)
    counts = []
    for number in (1, 2):
        token = ask_and_claim(ctx, request={"recipe": asked | {"objective": "choice"}})
        assert run_night(ctx, token) == "done"
        run = read_run(ctx, token)
        assert run.decision == "passed" and run.adapter == f"tuned-20261122-{number}"
        metrics = json.loads((ctx.run_dir(run.id) / "metrics.json").read_text())
        assert metrics["objective"] == "choice"
        counts.append((metrics["reference"]["stored"], metrics["reference"]["computed"]))
        card = (ctx.data_dir / "adapters" / run.adapter / "README.md").read_text()
        assert f"{metrics['examples_trained']} of {metrics['examples_found']} training examples" in card
        with read(ctx.store_engine) as session:
            shift = runs.list_metrics(session, run_id=run.id, name="shift")[0].value
        assert abs(shift) <= find_rounding(ctx.data_dir / "datasets" / run.dataset_id, ctx.base)
    replies = counts[0][1]
    assert replies > 100 and counts == [(0, replies), (replies, 0)]
    quarters = ((1, 2), (3, 4))
    kept = [build_dataset_of(ctx, quarter).counts["choices"]["all"] for quarter in quarters]
    assert sum(kept) == metrics["examples_trained"] + metrics["examples_held_out"] and 0 not in kept


def build_dataset_of(ctx, quarters):
    selection = Selection(difficulty=quarters)
    return build_dataset(ctx.store_engine, data_dir=ctx.data_dir, clock=ctx.clock, selection=selection)


def test_an_adapter_of_another_base_is_not_what_a_night_measures_against(ctx):
    own, other = "tuned-20261101-1", "tuned-20261101-2"
    for name in (own, other):
        (ctx.data_dir / "adapters" / name / "weights").mkdir(parents=True)
    with unit_of_work(ctx.store_engine) as session:
        add_adapter(session, own, "live", base_id=compute_base_id(ctx.base))
        add_adapter(session, other, "canary", base_id="b" * 64)
        told = {"desk_id": ctx.desk_id, "actor": "ann", "reason": "good", "now": START}
        deployments.add_deployment(session, role="live", adapter=own, **told)
        deployments.add_deployment(session, role="canary", adapter=other, **told)
    found = find_serving(ctx)
    assert found is not None and found[0] == own


def test_gate_refuses_and_the_adapter_can_never_serve(ctx, asked):
    import_choices(ctx, 80)
    strict = LAX_LIMITS.model_copy(update={"max_kl_to_base": 0.0})
    ctx = replace(ctx, policy=LAX.model_copy(update={"offline": strict}))
    token = ask_and_claim(ctx, request={"recipe": asked})
    assert run_night(ctx, token) == "done"
    run = read_run(ctx, token)
    drifted = next(reason for reason in run.reasons if reason["code"] == "drifted")
    assert run.decision == "refused" and drifted["value"] > drifted["limit"] == 0.0
    with read(ctx.store_engine) as session:
        assert adapters.get_adapter(session, desk_id="default", name=run.adapter).state == "refused"
        assert serving_state(session, desk_id="default").named == frozenset()


def test_rerun_of_a_killed_night_takes_what_stands_and_ends_with_one_adapter(ctx, asked, monkeypatch):
    """The run has the engine's card, so it publishes in another process than the one that staged."""
    import trainer.jobs.pipeline

    looks = []

    def find_engine():
        looks.append("look")
        raise EngineResting(None, is_gone=True) if len(looks) < 3 else EngineNotRunning("endpoint.json")

    chosen = ctx.serving.model_copy(update={"during_training": "stop"})
    ctx = replace(ctx, serving=chosen, fleet_factory=find_engine)
    import_choices(ctx, 80)
    token = ask_and_claim(ctx, request={"recipe": asked})

    def die(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(trainer.jobs.pipeline, "stage", die)  # the process ends between evaluate and gate
        with pytest.raises(KeyboardInterrupt):
            run_night(ctx, token)
    before = (ctx.run_dir(token.run_id) / "report.json").stat().st_mtime_ns
    ctx.clock.advance(3600)
    with unit_of_work(ctx.store_engine) as session:
        run = runs.claim_run(session, desk_id="default", owner="second", now=ctx.clock.now(), lease_s=60)
        again = RunToken(run.id, run.fencing_token)
        assert (
            find_rest(session, desk_id="default", now=ctx.clock.now(), lease_s=60) is not None
        )  # with the claim
    assert again == RunToken(token.run_id, token.fencing_token + 1)
    with pytest.raises(CardLeft):
        run_night(ctx, again)
    assert (read_run(ctx, token).state, read_run(ctx, token).decision) == ("running", "passed")
    with read(ctx.store_engine) as session:
        marks = [mark.value for mark in runs.list_metrics(session, run_id=token.run_id, name=RESTS)]
        told = runs.list_metrics(session, run_id=token.run_id, name="seconds_forecast")[0].value
        assert find_rest(session, desk_id="default", now=ctx.clock.now(), lease_s=60) is None
    assert marks == [UNKNOWN, max(UNKNOWN, told), OVER]
    for part in ("make_room", "stage"):  # done: nothing that takes memory is done again
        monkeypatch.setattr(trainer.jobs.pipeline, part, None)
    looks.clear()
    assert run_night(ctx, again) == "done"
    assert len(looks) > 3  # it waited for the engine, and then looked for it to publish
    assert [reason["code"] for reason in read_run(ctx, token).reasons] == ["not_published"]
    assert (ctx.run_dir(token.run_id) / "report.json").stat().st_mtime_ns == before
    assert [path.name for path in (ctx.data_dir / "adapters").iterdir()] == ["tuned-20261122-1"]
    with pytest.raises(StaleLease):
        ctx.advance(token, progress=0.5)


@pytest.mark.parametrize(
    ("choices", "kind", "code"), [(0, "manual", "no_data"), (49, "night", "too_little_new")]
)
def test_too_little_data_is_skipped_with_its_reason(ctx, choices, kind, code):
    import_choices(ctx, choices)
    token = ask_and_claim(ctx, kind=kind)
    assert run_night(ctx, token) == "skipped"
    run = read_run(ctx, token)
    assert (run.state, run.step, run.reasons[0]["code"]) == ("skipped", "collect", code)
    assert run.reasons[0]["value"] == choices


def test_a_night_of_kto_waits_for_thumbs_not_for_choices(ctx, asked):
    import_choices(ctx, 80)
    import_thumbs(ctx, 49)
    needed = {"objective": "kto", "nll_weight": 0.1}
    token = ask_and_claim(ctx, kind="night", request={"recipe": asked | needed})
    assert run_night(ctx, token) == "skipped"
    [reason] = read_run(ctx, token).reasons
    assert reason["text"] == "49 new thumbs since the last run, 50 are needed"


def test_new_choices_are_counted_since_the_last_done_run(ctx):
    from trainer.jobs.new_choices import count_new

    import_choices(ctx, 60)
    token = ask_and_claim(ctx)
    with unit_of_work(ctx.store_engine) as session:
        runs.finish_run(
            session, run_id=token.run_id, token=token.fencing_token, state="done", now=ctx.clock.now()
        )
    assert count_new(ctx) == 0
    ctx.clock.advance(60)
    import_choices(ctx, 7, first=60)
    assert count_new(ctx) == 7


def test_rank_beyond_the_servers_limit_is_refused_before_training(ctx, asked):
    from trainer.errors import RecipeRefused

    token = ask_and_claim(ctx, request={"recipe": asked | {"rank": 32}})
    with pytest.raises(RecipeRefused, match="serving takes at most 16"):
        run_night(ctx, token)


def test_objective_that_is_not_built_is_refused(ctx):
    from trainer.errors import RecipeRefused

    token = ask_and_claim(ctx, request={"objective": "orpo"})
    with pytest.raises(RecipeRefused, match="objective"):
        run_night(ctx, token)


def test_limit_of_the_request_reaches_the_recipe_that_is_kept(ctx, asked):
    import_choices(ctx, 80)
    token = ask_and_claim(ctx, request={"recipe": asked, "limit": 12})
    run_night(ctx, token)
    assert read_run(ctx, token).recipe["max_pairs"] == 12
    assert json.loads((ctx.run_dir(token.run_id) / "metrics.json").read_text())["pairs_trained"] == 12


def test_reading_the_base_is_shown_until_the_first_step(ctx):
    token, now = ask_and_claim(ctx), [0.0]

    def list_numbers():
        with read(ctx.store_engine) as session:
            return [
                (row.name, row.step, row.value) for row in runs.list_metrics(session, run_id=token.run_id)
            ]

    live = LiveRows(ctx, token, timer=lambda: now[0])
    live.report_reading(64, 256)
    live.report_reading(128, 256)  # too soon
    now[0] = EVERY_S
    live.report_reading(192, 256)
    assert ctx.read_run(token.run_id).progress == 0.75
    live.report_reading(256, 256)
    assert ctx.read_run(token.run_id).progress == 0.0  # the bar begins again with the steps
    shares = [("base_read", 64, 0.25), ("base_read", 192, 0.75), ("base_read", 256, 1.0)]
    assert list_numbers() == shares
    live.report(Report(1, 2, 1.25, 0.0, 0.5, 3.0))
    assert {name for name, _, _ in list_numbers()} == {
        "loss",
        "margin",
        "accuracy",
        "seconds_left",
    }


def test_a_night_in_stages_tells_each_and_leaves_one_adapter(ctx, asked):
    import_choices(ctx, 80)
    stages = [{"objective": "choice", "epochs": 1}, {"epochs": 0.5, "learning_rate": 1e-3}]
    token = ask_and_claim(ctx, request={"recipe": asked | {"stages": stages}})
    assert run_night(ctx, token) == "done"
    run = read_run(ctx, token)
    assert (run.decision, run.adapter, run.progress) == ("passed", "tuned-20261122-1", 1.0)
    assert [one["stage"] for one in run.report["stages"]] == [1, 2]
    assert run.report["curves"]["loss"] == run.report["stages"][1]["loss"]
    with read(ctx.store_engine) as session:
        numbers = read_numbers(session, run_id=run.id)
    first, second = split_stages(numbers)
    metrics = json.loads((ctx.run_dir(run.id) / "metrics.json").read_text())
    lengths = [each["steps"] for each in metrics["stages"]]
    assert [len(each["loss"]) for each in (first, second)] == lengths
    assert second["loss"][0][0] == lengths[0] + 1 and "decision_loss" not in second
    assert metrics["recipe_digest"] == recall_recipe(run.recipe, run.id).digest
    shown = list_curves(second)
    assert shown["loss"]["epoch"]["is_epoch"] and shown["loss"]["last"]["step"] == sum(lengths)
