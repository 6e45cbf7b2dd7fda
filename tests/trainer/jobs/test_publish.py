"""Into service and out of it: the last step of a night against an engine that computes with the adapter, and
one that does not.
"""

import threading
from contextlib import closing
from typing import Any

import pytest

from feedback.store import adapters
from feedback.store.deployments import serving_state
from feedback.store.engine import read
from serving.adapters.manifest import read_manifest
from serving.backend import ZERO_NAME
from serving.client.fake import FakeEngine
from serving.client.fleet import Fleet
from serving.errors import ProbeFailed
from serving.settings import ServingSettings
from tests.clock import FrozenClock
from tests.databases import START
from tests.trainer.conftest import TINY
from tests.trainer.nights import LAX, ask_and_claim, import_choices
from trainer.context import NightContext
from trainer.jobs.pipeline import run_night
from trainer.recipes.recipe import Measurement
from trainer.settings import TrainerSettings

QUICK = TINY.model_copy(
    update={
        "measurement": Measurement(max_prompts=2, samples_per_prompt=2, max_new_tokens=4, probe_prompts=2)
    }
).model_dump(mode="json")


class ComputingEngine(FakeEngine):
    """The fake's routes with the tiny base's own log-probabilities, so that a probe means something."""

    def __init__(self, base) -> None:
        from trainer.evaluation.scoring import Scorer

        self._scorer = Scorer(base, threads=1)
        self._attached: set[str] = set()
        self._turn = threading.Lock()  # a probe asks for adapter and base at once
        super().__init__()

    def _score(self, body: dict[str, Any]):
        from trainer.data.tokens import PairTokens

        tokens, name = body["prompt"], body["model"]
        adapter = None if name in self.neutral else name
        with self._turn:
            if adapter and adapter not in self._attached:
                self._scorer.attach(adapter, self.adapters[adapter])
                self._attached.add(adapter)
            values = self._scorer.score([PairTokens(tokens[:1], tokens[1:])], adapter)[0].tolist()
        scores = [None, *({str(t): {"logprob": v}} for t, v in zip(tokens[1:], values, strict=True))]
        return 200, {"choices": [{"index": 0, "text": "", "prompt_logprobs": scores}]}


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


def test_engine_that_computes_something_else_never_serves_it(sqlite_engine, base, tmp_path):
    with FakeEngine() as engine, connect(engine) as fleet:
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
