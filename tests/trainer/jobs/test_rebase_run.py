"""A run on another base: a tiny Qwen2 serves, a tiny Llama with another tokenizer and template is trained."""

import sqlite3
from contextlib import closing

import pytest

from feedback.rebase.plan import BasePair, make_rebase_plan
from feedback.rebase.start import start_rebase
from feedback.store import adapters, runs
from feedback.store.deployments import serving_state
from feedback.store.engine import read, unit_of_work
from feedback.store.runs import RunToken
from serving.base import compute_base_id
from serving.errors import EngineNotRunning
from serving.settings import ServingSettings
from tests.clock import FrozenClock
from tests.databases import START
from tests.families.models import build_family
from tests.families.table import FAMILIES
from tests.trainer.nights import LAX, import_choices
from trainer.context import NightContext
from trainer.jobs import pipeline
from trainer.jobs.pipeline import count_new, run_night
from trainer.recipes.recipe import Measurement
from trainer.settings import TrainerSettings


def no_engine():
    raise EngineNotRunning("endpoint.json")


@pytest.fixture
def pair(base, tmp_path):
    other = build_family(tmp_path / "llama3", FAMILIES["llama3"])
    old = ServingSettings(base_model=str(base), backend="cpu")
    return BasePair(old, old.model_copy(update={"base_model": str(other), "max_tokens": 64}))


@pytest.fixture
def ctx(sqlite_engine, pair, tmp_path):
    return NightContext(
        store_engine=sqlite_engine,
        data_dir=tmp_path,
        settings=TrainerSettings(),
        serving=pair.old,
        fleet_factory=no_engine,
        clock=FrozenClock(START),
        desk_id="default",
        policy=LAX,
    )


def claim(ctx) -> RunToken:
    with unit_of_work(ctx.store_engine) as session:
        run = runs.claim_run(session, desk_id=ctx.desk_id, owner="test", now=ctx.clock.now(), lease_s=60)
        assert run is not None
        return RunToken(run.id, run.fencing_token)


def test_a_killed_rebase_goes_on_and_trains_an_adapter_that_serves_nobody(
    ctx, pair, recipe, tmp_path, monkeypatch
):
    import_choices(ctx, 60)
    small = Measurement(max_prompts=2, samples_per_prompt=2, max_new_tokens=4, probe_prompts=2)
    path = tmp_path / "small.yaml"
    layers = ("q_proj", "v_proj")
    told = recipe.model_copy(update={"measurement": small, "objective": "choice", "target_modules": layers})
    path.write_text(told.to_yaml())
    plan = make_rebase_plan(ctx.store_engine, pair, desk_id=ctx.desk_id)
    assert plan.holdings.choices == 60
    asked = {"recipe": str(path), "actor": "ann", "reason": "try", "desk_id": ctx.desk_id, "now": START}
    rebase = start_rebase(ctx.store_engine, plan, pair, **asked)

    with monkeypatch.context() as broken:
        broken.setattr(pipeline, "evaluate_run", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            run_night(ctx, claim(ctx))
    trained = (ctx.run_dir(rebase.run_id) / "adapter" / "adapter_model.safetensors").stat().st_mtime_ns
    ctx.clock.advance(120)
    assert run_night(ctx, claim(ctx)) == "done"
    assert (
        ctx.run_dir(rebase.run_id) / "adapter" / "adapter_model.safetensors"
    ).stat().st_mtime_ns == trained

    run = ctx.read_run(rebase.run_id)
    assert (run.decision, run.step) == ("passed", "gate")
    assert [reason["code"] for reason in run.reasons] == ["waits_for_comparison"]
    with read(ctx.store_engine) as session:
        adapter = adapters.get_adapter(session, desk_id=ctx.desk_id, name=run.adapter)
        assert serving_state(session, desk_id=ctx.desk_id).fencing_token == 0
    assert (adapter.state, adapter.base_id) == ("passed", compute_base_id(pair.new.base_model))
    assert adapter.base_id != compute_base_id(ctx.base)
    with closing(sqlite3.connect(ctx.data_dir / "reference.db")) as stored:
        assert stored.execute("SELECT count(*) FROM logprob").fetchone()[0] > 100
    assert count_new(ctx) == 60  # for the base that serves, no night has trained on them
