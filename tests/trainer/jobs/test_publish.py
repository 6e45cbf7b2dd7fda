"""Into service and out of it: the last step of a night against an engine that computes with the adapter, and
one that does not.
"""

from contextlib import closing
from typing import Any

import pytest

from feedback.store import adapters
from feedback.store.deployments import serving_state
from feedback.store.engine import read
from serving.adapters.manifest import read_manifest
from serving.adapters.trials import find_trial
from serving.backend import ZERO_NAME
from serving.base import compute_base_id
from serving.client.fake import FakeEngine
from serving.client.fleet import Fleet
from serving.errors import ProbeFailed
from serving.facts.profile import read_profile
from serving.settings import ServingSettings
from tests.clock import FrozenClock
from tests.databases import START
from tests.trainer.computing_engine import ComputingEngine
from tests.trainer.conftest import TINY
from tests.trainer.nights import LAX, ask_and_claim, import_choices
from trainer.context import NightContext
from trainer.errors import TrialFailed
from trainer.jobs.pipeline import run_night
from trainer.recipes.recipe import Measurement
from trainer.settings import TrainerSettings

QUICK = TINY.model_copy(
    update={
        "measurement": Measurement(max_prompts=2, samples_per_prompt=2, max_new_tokens=4, probe_prompts=2)
    }
).model_dump(mode="json")


def connect(engine: FakeEngine):
    return closing(Fleet.from_endpoints([engine.endpoint], ServingSettings(backend="cpu")))


def make_context(store_engine, base, folder, fleet) -> NightContext:
    return NightContext(
        store_engine=store_engine,
        data_dir=folder,
        settings=TrainerSettings(engine_wait_s=0),
        serving=ServingSettings(base_model=str(base)),
        fleet_factory=lambda: fleet,
        clock=FrozenClock(START),
        desk_id="default",
        policy=LAX,
    )


def test_passed_adapter_serves_as_canary_for_all_conversations(sqlite_engine, base, tmp_path):
    with ComputingEngine(base) as engine, connect(engine) as fleet:
        ctx = make_context(sqlite_engine, base, tmp_path, fleet)
        import_choices(ctx, 60)
        token = ask_and_claim(ctx, request={"recipe": QUICK})
        assert run_night(ctx, token) == "done"
        name = ctx.read_run(token.run_id).adapter
        assert name in engine.adapters and ctx.read_run(token.run_id).reasons == []
        with read(ctx.store_engine) as session:
            state = serving_state(session, desk_id="default")
            assert (state.canary, state.live, state.share) == (name, None, 1.0)
            assert adapters.get_adapter(session, desk_id="default", name=name).state == "canary"
        assert read_manifest(tmp_path).canary == name
        tried = find_trial(
            tmp_path, base_id=compute_base_id(base), engine=read_profile(base).engine.version, dtype="float32"
        )
        assert tried is not None and tried.largest_difference < 1e-4

        ctx.clock.advance(86_400)  # the next night compares with it and takes its place
        import_choices(ctx, 60, first=60)
        token = ask_and_claim(ctx, request={"recipe": QUICK | {"seed": 5}})
        assert run_night(ctx, token) == "done"
        run = ctx.read_run(token.run_id)
        assert run.report["serving_name"] == name and run.report["serving"] is not None
        if run.decision == "passed":
            with read(ctx.store_engine) as session:
                assert serving_state(session, desk_id="default").canary == run.adapter
                assert adapters.get_adapter(session, desk_id="default", name=name).state == "retired"


class TurningEngine(ComputingEngine):
    """Computes rightly with what is tried and wrongly with what was trained."""

    def _score(self, body: dict[str, Any]):
        return FakeEngine._score(self, body) if body["model"].startswith("tuned-") else super()._score(body)


def test_engine_that_computes_something_else_never_serves_it(sqlite_engine, base, tmp_path):
    with TurningEngine(base) as engine, connect(engine) as fleet:
        ctx = make_context(sqlite_engine, base, tmp_path, fleet)
        import_choices(ctx, 60)
        token = ask_and_claim(ctx, request={"recipe": QUICK})
        with pytest.raises(ProbeFailed):
            run_night(ctx, token)
        name = ctx.read_run(token.run_id).adapter
        assert list(engine.adapters) == [ZERO_NAME]
        with read(ctx.store_engine) as session:
            assert serving_state(session, desk_id="default").named == frozenset()
            assert adapters.get_adapter(session, desk_id="default", name=name).state == "retired"


def test_engine_that_computes_something_else_is_found_out_before_the_first_step(
    sqlite_engine, base, tmp_path
):
    with FakeEngine() as engine, connect(engine) as fleet:
        ctx = make_context(sqlite_engine, base, tmp_path, fleet)
        import_choices(ctx, 60)
        token = ask_and_claim(ctx, request={"recipe": QUICK})
        with pytest.raises(TrialFailed, match="nothing was trained: a token's log-probability is"):
            run_night(ctx, token)
        assert list(engine.adapters) == [ZERO_NAME]
    run_dir = ctx.run_dir(token.run_id)
    assert not (run_dir / "progress.jsonl").exists() and not (run_dir / "trial").exists()
