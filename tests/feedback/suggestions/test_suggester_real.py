"""Sets on a real vLLM: all designs, with real adapters beside base, brought up through their probes."""

import random

import pytest

from feedback.deployment import deploy
from feedback.deployment.deploy import Deployer
from feedback.deployment.policy import ApprovalPolicy, Policy
from feedback.settings import FeedbackSettings
from feedback.store.engine import read, unit_of_work
from feedback.store.tables import Adapter
from feedback.suggestions.suggester import Suggester
from serving.adapters.staging import stage_adapter
from serving.base import compute_base_id
from serving.client.client import Sampling
from tests.clock import FrozenClock
from tests.feedback.builders import DESK, NOW, add_adapter, add_system_prompt
from tests.feedback.set_desk import SetDesk

LONG_S = 120  # a machine that does much else besides
pytestmark = [pytest.mark.real, pytest.mark.alone]
HISTORY = [{"role": "system", "content": "You help."}, {"role": "user", "content": "Where is my order 1042?"}]


@pytest.fixture
def desk(real_engine, sqlite_engine):
    clock = FrozenClock(NOW)
    serving = real_engine.settings
    suggester = Suggester(
        store_engine=sqlite_engine,
        fleet_factory=lambda: real_engine.fleet,
        serving=serving,
        settings=FeedbackSettings(data_dir=serving.data_dir, set_deadline_s=LONG_S),
        clock=clock,
        compare_share=1.0,
        randbelow=random.Random(7).randrange,
    )
    with unit_of_work(sqlite_engine) as session:
        add_system_prompt(session)
    yield SetDesk(sqlite_engine, None, suggester, clock, serving, real_engine.fleet)
    suggester.close()


@pytest.fixture
def make_adapter(real_engine, sqlite_engine, adapter_names, tmp_path):
    """A function that stages a random adapter with a probe that transformers computed, and names it."""
    from tests.serving.tiny_model import build_adapter, write_probe

    def make(seed: int, strength: float) -> str:
        name, base = adapter_names(), real_engine.base
        made = tmp_path / name
        weights = build_adapter(base, made / "weights", seed=seed, strength=strength)
        generated = generate(real_engine.fleet, real_engine.fleet.base_name, real_engine.settings)
        probe = [(generated.prompt_token_ids, generated.replies[0].token_ids)]
        write_probe(made / "probe.json", base, weights, probe)
        stage_adapter(made, real_engine.data_dir / "adapters", name, base=base, max_rank=16)
        with unit_of_work(sqlite_engine) as session:
            add_adapter(session, name, base_id=compute_base_id(base))
        return name

    return make


@pytest.fixture
def ctx(desk, real_engine) -> Deployer:
    """Deploys where people promote alone."""
    policy = Policy(approval=ApprovalPolicy(second_person=False))
    return Deployer(
        desk.store, lambda: real_engine.fleet, desk.serving, real_engine.data_dir, desk.clock, policy
    )


def generate(fleet, model, settings):
    sampling = Sampling.from_settings(settings)
    return fleet.generate(
        model=model, messages=HISTORY, sampling=sampling, seed=1, n=1, chat_template_kwargs={}
    )


def test_sets_of_both_designs_come_from_a_real_engine(desk, ctx, make_adapter, real_engine):
    adapter = make_adapter(seed=5, strength=0.02)
    before = desk.prepare(desk.ask(), LONG_S)
    check_set(desk, before, design="4+0", adapter=None, arms=["base"] * 4)
    deploy.publish_canary(ctx, adapter, role="canary", actor="t", reason="t")
    after = desk.prepare(desk.ask(), LONG_S)
    check_set(desk, after, design="2+2", adapter=adapter, arms=["base", "base", "tuned", "tuned"])
    assert after.base_id == before.base_id == compute_base_id(real_engine.base)
    done = deploy.roll_back_adapter(ctx, actor="t", reason="t")
    assert (done.from_, done.to) == (adapter, None)
    check_set(desk, desk.prepare(desk.ask(), LONG_S), design="4+0", adapter=None, arms=["base"] * 4)
    assert adapter not in real_engine.fleet.list_models()
    with read(desk.store) as session:
        assert session.get_one(Adapter, adapter).state == "rolled_back"


def test_three_requests_side_by_side_each_get_the_weights_they_asked_for(desk, ctx, make_adapter):
    """Base, live and canary share batches: what each says is what it says alone, with the same seed."""
    old, new = make_adapter(seed=5, strength=0.3), make_adapter(seed=6, strength=0.3)
    deploy.publish_canary(ctx, old, role="live", actor="t", reason="t")
    deploy.publish_canary(ctx, new, role="canary", actor="t", reason="t")
    for _ in range(2):
        row = desk.prepare(desk.ask(), LONG_S)
        check_set(desk, row, design="2+1+1", adapter=new, arms=["base", "base", "tuned", "tuned"])
        said = {(c.request_no, c.sample_no): c.token_ids for c in desk.read_candidates(row.id)}
        alone = {
            (request["request_no"], number): reply.token_ids
            for request in row.requests
            for number, reply in enumerate(ask_again(desk, row, request, request["adapter"]).replies)
        }
        assert {key: alone[key] for key in said} == said
        (of_base,) = [request for request in row.requests if request["n"] == 2]
        for version in (old, new):
            others = ask_again(desk, row, of_base, version).replies
            assert [reply.token_ids for reply in others] != [
                alone[of_base["request_no"], number] for number in range(2)
            ]
    deploy.roll_back_adapter(ctx, actor="t", reason="t")
    deploy.roll_back_adapter(ctx, actor="t", reason="t")


def check_set(desk, row, *, design, adapter, arms):
    """Random weights rarely end a reply by themselves: then it is cut off and unavailable, and rightly so."""
    assert (row.design, row.adapter, row.desk_id) == (design, adapter, DESK)
    candidates = desk.read_candidates(row.id)
    asked = {request["request_no"]: request["arm"] for request in row.requests}
    assert sorted(asked[c.request_no] for c in candidates) == arms
    assert all(c.token_ids and c.reason != "failed" for c in candidates)
    (first,) = [request for request in row.requests if request["request_no"] == 0]
    again = ask_again(desk, row, first, first["adapter"])
    assert again.prompt_token_ids == row.prompt_token_ids


def ask_again(desk, row, request, adapter):
    """The same request, alone, of an adapter or (None) of base."""
    return desk.fleet.generate(
        model=adapter or desk.fleet.base_name,
        messages=row.messages,
        sampling=Sampling(**row.sampling),
        seed=request["seed"],
        n=request["n"],
        chat_template_kwargs=row.chat_template_kwargs,
    )
