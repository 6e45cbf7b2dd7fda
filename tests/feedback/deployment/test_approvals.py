"""What people say about an adapter: the second person before it goes live, and the veto that keeps it out."""

from dataclasses import replace
from uuid import uuid4

import pytest

from feedback.deployment.policy import ApprovalPolicy, Policy
from feedback.store import users
from feedback.store.approvals import list_words
from feedback.store.deployments import ServingState
from feedback.store.engine import read, unit_of_work
from tests.databases import START
from tests.feedback.api.test_adapters import use
from tests.feedback.builders import DESK
from tests.feedback.desk import Desk, make_desk
from tests.feedback.plant import ONE, TWO, Plant, build

APPROVE, VETO, PROMOTE = (f"/v1/adapters/{ONE}/{word}" for word in ("approve", "veto", "promote"))


@pytest.fixture
def plant(store_engine, fake_engine, fake_fleet, tmp_path) -> Plant:
    plant = build(store_engine, fake_engine, tmp_path, fake_fleet)
    plant.ctx = replace(plant.ctx, policy=Policy())  # the strictest: a second person, a veto for experts
    plant.add(ONE, TWO)
    return plant


@pytest.fixture
def desk(plant, store_engine, tmp_path) -> Desk:
    desk = make_desk(store_engine, tmp_path)
    use(desk, plant.ctx)
    return desk


def told(answer) -> tuple[int, str]:
    return answer.status_code, answer.json["error"]["code"]


def test_promotion_by_hand_needs_an_approval_by_somebody_else(desk, plant):
    refused = desk.post(PROMOTE, "admin", reason="it passed")
    assert told(refused) == (409, "approval_missing")
    assert f"POST {APPROVE}" in refused.json["error"]["hint"]
    assert desk.post(APPROVE, "admin").json["approved_by"] == ["ada"]
    assert told(desk.post(PROMOTE, "admin", reason="it passed")) == (
        409,
        "approval_missing",
    )  # nobody is their own second person
    said = desk.post(APPROVE, "expert", reason="read 40 replies")
    assert (said.status_code, said.json["approved_by"]) == (200, ["ada", "eva"])
    assert desk.post(PROMOTE, "admin", reason="it passed").json == {"live": ONE, "fence": 1}
    assert plant.state == ServingState(fencing_token=1, live=ONE)


def test_promotion_needs_the_expert_score_that_the_policy_asks_for(desk, plant):
    asks = ApprovalPolicy(second_person=False, min_expert_score=0.0)
    use(desk, replace(plant.ctx, policy=Policy(approval=asks)))
    refused = desk.post(PROMOTE, "admin", reason="it passed")
    assert told(refused) == (409, "expert_score_low")  # there is none, which is as bad as a bad one
    assert f"POST /v1/adapters/{ONE}/scores" in refused.json["error"]["hint"]


def test_another_token_of_the_same_person_is_no_second_person(desk, plant):
    with unit_of_work(plant.ctx.store_engine) as session:
        desk.tokens["laptop"] = users.create_token(
            session,
            desk_id=DESK,
            name="laptop",
            role="admin",
            now=START,
            user_id=desk.users["ada"],
        )
    assert desk.post(APPROVE, "laptop").json["approved_by"] == ["ada"]
    assert told(desk.post(PROMOTE, "admin", reason="it passed")) == (409, "approval_missing")


def test_a_policy_without_second_person_asks_for_none(desk, plant):
    alone = Policy(approval=ApprovalPolicy(second_person=False))
    use(desk, replace(plant.ctx, policy=alone))
    assert desk.post(PROMOTE, "admin", reason="it passed").status_code == 200


def test_a_veto_takes_a_canary_out_and_keeps_it_out(desk, plant):
    plant.publish(TWO)
    plant.publish(ONE)
    said = desk.post(VETO, "expert", reason="makes up tracking links")
    assert (said.status_code, said.json["vetoed_by"], said.json["rolled_back"]) == (200, ["eva"], True)
    assert (plant.state.canary, plant.state_of(ONE), plant.loaded) == (TWO, "rolled_back", {TWO})
    desk.post(APPROVE, "admin")
    refused = desk.post(PROMOTE, "admin", reason="it passed")
    assert told(refused) == (409, "adapter_vetoed")
    assert "eva: makes up tracking links" in refused.json["error"]["message"]


def test_a_veto_takes_a_live_one_out_also_beside_a_canary(desk, plant):
    use(desk, plant.ctx)
    desk.post(APPROVE, "expert")
    desk.post(PROMOTE, "admin", reason="it passed")
    plant.publish(TWO)
    assert desk.post(VETO, "admin", reason="wrong prices").json["rolled_back"]
    assert (plant.state.live, plant.state.canary, plant.state_of(ONE)) == (None, TWO, "rolled_back")


def test_a_rollback_does_not_bring_back_what_was_vetoed(desk, plant):
    plant.publish(ONE)
    plant.publish(TWO)  # ONE waits, retired
    assert not desk.post(VETO, "expert", reason="too curt").json["rolled_back"]
    assert plant.rollback().to is None


def test_who_vetoed_may_take_it_back_and_all_words_are_kept(desk, plant):
    desk.post(VETO, "expert", reason="too curt")
    said = desk.post(APPROVE, "expert", reason="read on: it is fine").json
    assert (said["approved_by"], said["vetoed_by"]) == (["eva"], [])
    assert desk.post(PROMOTE, "admin", reason="it passed").status_code == 200
    with read(plant.ctx.store_engine) as session:
        rows = [(row.kind, row.reason) for row in list_words(session, desk_id=DESK, adapter=ONE)]
    assert rows == [("veto", "too curt"), ("approve", "read on: it is fine")]


def test_a_repeated_veto_is_one_veto(desk, plant):
    event_id = str(uuid4())
    answers = [desk.post(VETO, "expert", event_id=event_id, reason="too curt") for _ in range(2)]
    assert answers[0].json == answers[1].json
    with read(plant.ctx.store_engine) as session:
        assert len(list_words(session, desk_id=DESK, adapter=ONE)) == 1


@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": "  "}])
def test_a_veto_needs_a_reason(desk, body):
    assert told(desk.post(VETO, "expert", **body)) == (422, "body_invalid")


def test_a_policy_may_keep_the_veto_to_admins(desk, plant):
    use(desk, replace(plant.ctx, policy=Policy(approval=ApprovalPolicy(expert_veto=False))))
    assert told(desk.post(VETO, "expert", reason="too curt")) == (409, "veto_not_given")
    assert desk.post(VETO, "admin", reason="too curt").status_code == 200


@pytest.mark.parametrize("path", [APPROVE, VETO])
def test_what_the_gate_refused_or_nobody_knows_is_not_spoken_of(desk, plant, path):
    refused = "tuned-20261122-8"
    plant.add(refused, state="refused")
    assert told(desk.post(path.replace(ONE, refused), "expert", reason="x")) == (409, "adapter_state")
    assert told(desk.post(path.replace(ONE, "tuned-20261122-9"), "expert", reason="x")) == (
        404,
        "adapter_not_found",
    )
