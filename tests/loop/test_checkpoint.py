"""A checkpoint from its training to its rollback on the demo model: two real engines, real sets."""

import random
import time
from collections import Counter

import pytest

from feedback.clock import SystemClock
from feedback.deployment import deploy
from feedback.deployment.deploy import Deployer, find_wanted_checkpoint
from feedback.deployment.policy import ApprovalPolicy, Policy
from feedback.errors import CheckpointStarts
from feedback.settings import FeedbackSettings
from feedback.store import deployments
from feedback.store.engine import read, unit_of_work
from feedback.suggestions.suggester import Suggester
from serving.adapters.staging import stage_checkpoint
from serving.base import compute_base_id
from serving.client.current import CurrentFleet
from serving.client.endpoint import read_second_engine
from serving.engine.second import KeptCheckpoint
from tests.contract.checkpoint import check_contract
from tests.feedback.builders import DESK, add_adapter, add_system_prompt
from tests.feedback.set_desk import SetDesk
from tests.trainer.conftest import TINY
from tests.trainer.tiny import make_dataset

pytestmark = [pytest.mark.real, pytest.mark.alone]

LONG_S = 300  # a machine that does much else besides
PROMPT = [{"role": "user", "content": "Where is my order?"}]


@pytest.fixture
def name(real_engine, sqlite_engine, adapter_names, tmp_path):
    """A checkpoint of a few steps of full training, staged and registered as a night does it."""
    from trainer.release.probe import write_probe
    from trainer.training.train import train

    name, base = adapter_names(), real_engine.base
    changes = {
        "objective": "choice",
        "method": "full",
        "epochs": 1,
        "learning_rate": 1e-4,
        "max_examples": 24,
    }
    dataset = make_dataset(tmp_path / "dataset")
    made = train(dataset, base, TINY.model_copy(update=changes), tmp_path, lambda report: None)
    write_probe(
        tmp_path / "probe.json",
        made.adapter_dir,
        base,
        compute_base_id(base),
        [PROMPT],
        prompts_from="guards",
        dtype="float32",
        threads=1,
        template_kwargs={},
    )
    stage_checkpoint(made.adapter_dir, real_engine.data_dir / "adapters", name, base=base)
    with unit_of_work(sqlite_engine) as session:
        add_adapter(session, name, base_id=compute_base_id(base), is_checkpoint=True)
        add_system_prompt(session)
    return name


@pytest.fixture
def ctx(real_engine, sqlite_engine):
    fleet = CurrentFleet(real_engine.settings, real_engine.data_dir)
    policy = Policy(approval=ApprovalPolicy(second_person=False))
    settings = real_engine.settings
    yield Deployer(sqlite_engine, fleet, settings, real_engine.data_dir, SystemClock(), policy, 0.1)
    fleet.close()


@pytest.fixture
def desk(real_engine, sqlite_engine, ctx):
    suggester = Suggester(
        store_engine=sqlite_engine,
        fleet_factory=ctx.fleet_factory,
        serving=real_engine.settings,
        settings=FeedbackSettings(data_dir=real_engine.data_dir, set_deadline_s=LONG_S),
        clock=ctx.clock,
        randbelow=random.Random(7).randrange,
    )
    yield SetDesk(sqlite_engine, None, suggester, ctx.clock, real_engine.settings, real_engine.fleet)
    suggester.close()


@pytest.fixture
def kept(real_engine):
    found = KeptCheckpoint(real_engine.settings, real_engine.data_dir, lambda name, note: None)
    yield found
    found.stop()


def arms_of(desk, text: str) -> tuple[str, Counter]:
    row = desk.prepare(desk.ask(text), LONG_S)
    assert row.state == "ready"
    return row.design, Counter((card.arm, card.adapter) for card in desk.read_candidates(row.id))


def wait_for_engine(kept, ctx) -> None:
    """Does what `rejoinder up` does every few seconds, until the second engine serves."""
    while True:
        kept.keep(find_wanted_checkpoint(ctx, kept.name))
        found = read_second_engine(ctx.data_dir)
        assert found is not None and found.fault is None, found
        if found.endpoint is not None:
            return
        time.sleep(0.2)


def test_a_checkpoint_is_trained_served_judged_blind_and_taken_back(ctx, desk, kept, name):
    with pytest.raises(CheckpointStarts):
        deploy.publish_canary(ctx, name, role="canary", actor="t", reason="t")
    wait_for_engine(kept, ctx)
    deploy.publish_canary(ctx, name, role="canary", actor="t", reason="t")
    _, client = ctx.fleet_factory().checkpoint
    check_contract(client, name)
    assert arms_of(desk, "Hello") == ("2+2", {("base", None): 2, ("tuned", name): 2})
    done = deploy.roll_back_adapter(ctx, actor="t", reason="t")
    assert (done.from_, done.to) == (name, None)
    # The rows alone did it: its engine still runs, and nobody asks it.
    assert read_second_engine(ctx.data_dir).endpoint is not None
    assert arms_of(desk, "And now?") == ("4+0", {("base", None): 4})
    kept.keep(find_wanted_checkpoint(ctx, kept.name))
    with read(ctx.store_engine) as session:
        rows = deployments.list_deployments(session, desk_id=DESK)
    assert [(row.role, row.adapter) for row in rows] == [("canary", None), ("canary", name)]
