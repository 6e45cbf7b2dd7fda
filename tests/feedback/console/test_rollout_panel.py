"""The panel "Rollout" of an adapter's page: latest decision, what is missing, who may approve and veto."""

from dataclasses import replace

import pytest

from feedback.deployment import rollout
from feedback.deployment.policy import ApprovalPolicy, Policy
from tests.feedback.api.test_adapters import use
from tests.feedback.builders import NOW
from tests.feedback.desk import Desk, make_desk
from tests.feedback.pick_rows import add_picks
from tests.feedback.plant import ONE, Plant, build

PAGE = f"/console/adapters/{ONE}"
APPROVE, VETO = (f'data-action="/v1/adapters/{ONE}/{word}"' for word in ("approve", "veto"))


@pytest.fixture
def plant(sqlite_engine, fake_engine, fake_fleet, tmp_path) -> Plant:
    plant = build(sqlite_engine, fake_engine, tmp_path, fake_fleet)
    plant.ctx = replace(plant.ctx, policy=Policy())
    plant.add(ONE)
    plant.publish(ONE)
    return plant


@pytest.fixture
def desk(plant, sqlite_engine, tmp_path) -> Desk:
    desk = make_desk(sqlite_engine, tmp_path)
    use(desk, plant.ctx)
    return desk


def read_panel(desk: Desk, role: str = "expert", language: str = "en") -> str:
    """The panel's own part of the page, with runs of white space as one blank."""
    headers = {"Authorization": f"Bearer {desk.tokens[role]}", "Accept-Language": language}
    answer = desk.app.test_client().get(PAGE, headers=headers)
    assert answer.status_code == 200, answer.text
    return " ".join(answer.text.split('id="rollout">')[1].split("</section>")[0].split())


def test_before_the_first_analysis_nothing_is_decided(desk):
    panel = read_panel(desk)
    assert "Nothing decided yet: the first analysis comes at night." in panel
    assert "somebody other than who promotes it has to approve it" in panel


def test_a_held_canary_shows_what_it_lacks_with_value_and_limit(desk, plant):
    add_picks(plant.ctx.store_engine, ONE, tuned=6, base=4, at=NOW)
    found = rollout.evaluate_canary(plant.ctx, actor="scheduler")
    panel = read_panel(desk)
    assert "On 24 picks of this adapter and 16 of the base." in panel
    needed = found.rollout.picks_needed
    assert f"About {needed} more picks at the present share would be enough for the evidence." in panel
    assert 'picks that decide <span class="muted small">(40; limit 100)</span>' in panel
    assert f'policy strictest <span class="mono">{Policy().sha256[:16]}</span>' in panel


def test_a_proven_canary_shows_who_keeps_it_from_going_live(desk, plant):
    add_picks(plant.ctx.store_engine, ONE, tuned=28, base=12, at=NOW)
    rollout.evaluate_canary(plant.ctx, actor="scheduler")
    panel = read_panel(desk)
    assert "The evidence is enough; what follows stands against it." in panel
    assert "this policy lets a person alone take it live" in panel


def test_the_panel_is_there_in_chinese(desk, plant):
    add_picks(plant.ctx.store_engine, ONE, tuned=5, base=5, at=NOW)
    rollout.evaluate_canary(plant.ctx, actor="scheduler")
    panel = read_panel(desk, language="zh")
    assert "依据：20 次选中此适配器，20 次选中基础模型。" in panel
    assert "按目前的份额，在策略让它退役之前无法得到证明。" in panel and "否决" in panel


def test_experts_and_admins_have_the_buttons_until_they_have_spoken(desk):
    for role in ("expert", "admin"):
        assert APPROVE in read_panel(desk, role) and VETO in read_panel(desk, role)
    desk.post(f"/v1/adapters/{ONE}/approve", "expert", reason="read 40 replies")
    panel = read_panel(desk, "expert")
    assert APPROVE not in panel and VETO in panel and "eva: read 40 replies" in panel
    assert "somebody other than who promotes it" not in panel
    desk.post(f"/v1/adapters/{ONE}/veto", "expert", reason="<b>too curt</b>")
    panel = read_panel(desk, "expert")
    assert APPROVE in panel and VETO not in panel
    assert "eva: &lt;b&gt;too curt&lt;/b&gt;" in panel and "read 40 replies" not in panel


def test_experts_without_a_veto_have_no_such_button(desk, plant):
    use(desk, replace(plant.ctx, policy=Policy(approval=ApprovalPolicy(expert_veto=False))))
    assert VETO not in read_panel(desk, "expert") and VETO in read_panel(desk, "admin")


def test_an_instance_without_a_model_server_shows_no_buttons(desk):
    use_none = desk.app.extensions["rejoinder"]
    desk.app.extensions["rejoinder"] = replace(use_none, deployer=None, fleet_factory=None)
    assert APPROVE not in read_panel(desk, "admin")
