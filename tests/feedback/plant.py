"""A store, an engine that speaks HTTP and a data directory with adapters in it, for tests of deploying."""

import json
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

from feedback.deployment import deploy
from feedback.deployment.deploy import Deployer, RolledBack, ServingState, serving_state
from feedback.deployment.policy import ApprovalPolicy, Policy
from feedback.store import adapters
from feedback.store.engine import read, unit_of_work
from serving.adapters.manifest import read_manifest
from serving.client.fake import FakeEngine, fake_logprob
from serving.client.fleet import Fleet
from serving.settings import ServingSettings
from tests.clock import FrozenClock
from tests.feedback.builders import BASE_ID, DESK, NOW, add_adapter

ONE, TWO, THREE = (f"tuned-20261122-{number}" for number in (1, 2, 3))
# People promote alone here; what a second person and a veto change: test_approvals.py.
POLICY = Policy(approval=ApprovalPolicy(second_person=False))
PROMPT, REPLY = [10, 11, 12], [20, 21, 1]


@dataclass
class Plant:
    """A store, an engine and a data directory with adapters in it."""

    ctx: Deployer
    engine: FakeEngine
    clock: FrozenClock

    def add(self, *names: str, state: str = "passed", **fields) -> None:
        for name in names:
            stage(self.ctx.data_dir, name)
            with unit_of_work(self.ctx.store_engine) as session:
                add_adapter(session, name, state, **fields)

    def publish(self, name: str, role: str = "canary", **fields) -> int:
        return deploy.publish_canary(
            self.ctx, name, role=role, actor="worker", reason="passed the gate", **fields
        )

    def rollback(self, **fields) -> RolledBack:
        return deploy.roll_back_adapter(self.ctx, actor="ann", reason="too curt", **fields)

    def promote(self, name: str) -> int:
        return deploy.promote_adapter(self.ctx, name, actor="ann", reason="good")

    @property
    def state(self) -> ServingState:
        with read(self.ctx.store_engine) as session:
            return serving_state(session, desk_id=DESK)

    @property
    def loaded(self) -> set[str]:
        return set(self.engine.adapters) - {"zero"}

    def state_of(self, name: str) -> str:
        with read(self.ctx.store_engine) as session:
            return adapters.get_adapter(session, desk_id=DESK, name=name).state

    @property
    def manifest(self) -> tuple[int, str | None, str | None]:
        found = read_manifest(self.ctx.data_dir)
        assert found is not None
        return found.fence, found.live, found.canary

    def restart_engine(self) -> None:
        self.engine.adapters = {"zero": "(zero)"}


def stage(data_dir: Path, name: str) -> None:
    """Files in the form of a staged version, with a probe that the fake engine passes."""
    from serving.adapters.check import hash_files

    version = data_dir / "adapters" / name
    weights = version / "weights"
    weights.mkdir(parents=True)
    (weights / "adapter_config.json").write_text(json.dumps({"name": name}))
    (weights / "adapter_model.safetensors").write_bytes(name.encode())
    (version / "manifest.json").write_text(json.dumps({"base_id": BASE_ID, "sha256": hash_files(weights)}))
    write_probe(version, name)


def write_probe(version: Path, name: str, shift: float = 0.0) -> None:
    def score(model: str) -> list[float]:
        tokens = PROMPT + REPLY
        return [fake_logprob(model, tokens[: place + 1]) for place in range(len(PROMPT), len(tokens))]

    prompt = {
        "prompt_token_ids": PROMPT,
        "reply_token_ids": REPLY,
        "adapter_logprobs": [number + shift for number in score(name)],
        "base_logprobs": score("base"),
    }
    (version / "probe.json").write_text(
        json.dumps({"base_id": BASE_ID, "dtype": "float32", "prompts": [prompt]})
    )


def build(store: Engine, engine: FakeEngine, data_dir: Path, fleet: Fleet) -> Plant:
    clock = FrozenClock(NOW)
    # No such base on disk: ids of the base are then not compared, as where remote engines alone have it.
    settings = ServingSettings(backend="cpu", data_dir=data_dir, base_model=str(data_dir / "no-base"))
    return Plant(Deployer(store, lambda: fleet, settings, data_dir, clock, POLICY), engine, clock)
