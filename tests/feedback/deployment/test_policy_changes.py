"""Which policy was in force since when, on both databases; what changed, and why."""

from dataclasses import replace
from datetime import timedelta

import pytest

from feedback.deployment.policy import CanaryPolicy, Policy, load_policy
from feedback.deployment.policy_changes import (
    Difference,
    find_differences,
    find_unexplained,
    list_values,
    note_policy_change,
)
from feedback.errors import NotFound
from feedback.store.engine import read, unit_of_work
from feedback.store.policy_changes import give_reason, list_changes
from tests.databases import START
from tests.feedback.api.test_adapters import use
from tests.feedback.builders import DESK
from tests.feedback.desk import Desk, make_desk
from tests.feedback.plant import build

DEFAULT, CAREFUL = load_policy("default"), load_policy("careful")


@pytest.fixture
def changes(store_engine):
    """Name, reason and who gave it, newest first."""

    def read_all():
        with read(store_engine) as session:
            return [(row.name, row.reason, row.actor) for row in list_changes(session, desk_id=DESK)]

    return read_all


def find(store_engine):
    with read(store_engine) as session:
        return find_unexplained(session, desk_id=DESK)


def explain(store_engine, reason, actor="ada"):
    with read(store_engine) as session:
        change = list_changes(session, desk_id=DESK)[0]
    with unit_of_work(store_engine) as session:
        give_reason(session, desk_id=DESK, change_id=change.id, reason=reason, actor=actor)


def test_a_start_notes_the_policy_only_where_its_values_are_others(store_engine, changes):
    assert note_policy_change(store_engine, DEFAULT, now=START)
    assert not note_policy_change(store_engine, DEFAULT, now=START + timedelta(days=1))
    assert not note_policy_change(store_engine, DEFAULT.model_copy(update={"name": "copy"}), now=START)
    assert changes() == [("default", None, None)]
    assert find(store_engine) is None, "the first one is no change"


def test_a_change_waits_for_a_reason_and_keeps_the_first(store_engine, changes):
    note_policy_change(store_engine, DEFAULT, now=START)
    note_policy_change(store_engine, CAREFUL, now=START + timedelta(days=1))
    found = find(store_engine)
    assert (found.before.name, found.change.name, found.change.at) == (
        "default",
        "careful",
        START + timedelta(days=1),
    )
    assert found.differences == (
        Difference("canary.share", "0", "0.2"),
        Difference("canary.go_live", "false", "true"),
    )
    explain(store_engine, "agents asked for it")
    explain(store_engine, "something else", actor="eva")
    assert find(store_engine) is None
    assert changes() == [("careful", "agents asked for it", "ada"), ("default", None, None)]


def test_a_change_back_is_a_change(store_engine, changes):
    for day, policy in enumerate((DEFAULT, CAREFUL, DEFAULT)):
        note_policy_change(store_engine, policy, now=START + timedelta(days=day))
    assert [name for name, *_ in changes()] == ["default", "careful", "default"]
    assert find(store_engine).before.name == "careful"


def test_a_reason_for_another_desks_or_no_change_is_not_found(store_engine):
    note_policy_change(store_engine, DEFAULT, now=START)
    for desk_id, number in ((DESK, 99), ("other", 1)):
        with pytest.raises(NotFound), unit_of_work(store_engine) as session:
            give_reason(session, desk_id=desk_id, change_id=number, reason="x", actor="ada")


def test_every_value_is_kept_as_the_file_has_it():
    limits = list_values(Policy(canary=CanaryPolicy(share=0.2)))
    assert limits["canary.share"] == "0.2" and limits["approval.second_person"] == "true"
    assert limits["offline.max_log_loss_over_slot"] == "inf" and limits["exposure.min_picks"] == "100"
    assert limits["offline.min_kl_to_base"] == "1e-05"
    assert find_differences({"a": "1", "b": "2"}, {"b": "2", "c": "3"}) == (
        Difference("c", None, "3"),
        Difference("a", "1", None),
    )


@pytest.fixture
def desk(store_engine, fake_engine, fake_fleet, tmp_path) -> Desk:
    desk = make_desk(store_engine, tmp_path)
    plant = build(store_engine, fake_engine, tmp_path, fake_fleet)
    use(desk, replace(plant.ctx, policy=CAREFUL))
    return desk


def open_today(desk: Desk, role: str, language: str = "en") -> str:
    headers = {"Authorization": f"Bearer {desk.tokens[role]}", "Accept-Language": language}
    return " ".join(desk.app.test_client().get("/console", headers=headers).text.split())


def test_today_says_what_the_policy_does_and_asks_an_admin_why_it_changed(desk, changes):
    note_policy_change(desk.engine, DEFAULT, now=START)
    assert "nobody has said why" not in open_today(desk, "admin")
    note_policy_change(desk.engine, CAREFUL, now=START)
    page = open_today(desk, "admin")
    assert "Policy careful: an adapter that passes tonight is shown in 20 % of conversations" in page
    assert "The policy changed from default to careful, and nobody has said why." in page
    assert '<dd class="mono">0 → 0.2</dd>' in page
    assert 'action="/console/policy/2/reason"' in page
    assert "策略 careful：今晚通过准入检查的适配器先在 20 % 的会话中展示" in open_today(
        desk, "admin", "zh-CN"
    )
    assert 'action="/console/policy/2/reason"' not in open_today(desk, "expert")
    assert "An admin can say it here." in open_today(desk, "expert")
    headers = {"Authorization": f"Bearer {desk.tokens['admin']}"}
    for reason in ("agents asked for it", "sent twice"):
        answer = desk.app.test_client().post(
            "/console/policy/2/reason", headers=headers, data={"reason": reason}
        )
        assert (answer.status_code, answer.headers["Location"]) == (302, "/console")
    assert changes()[0] == ("careful", "agents asked for it", "ada")
    assert "nobody has said why" not in open_today(desk, "admin")
    adapters = desk.app.test_client().get("/console/adapters", headers=headers).text
    assert "agents asked for it" in adapters and "the first one that was noted" in adapters


def test_the_oldest_row_of_a_long_list_is_not_called_the_first_one(desk):
    headers = {"Authorization": f"Bearer {desk.tokens['expert']}"}
    for number in range(21):
        note_policy_change(desk.engine, (DEFAULT, CAREFUL)[number % 2], now=START)
        page = desk.app.test_client().get("/console/adapters", headers=headers).text
        assert ("the first one that was noted" in page) == (number < 20)
    assert page.count("nobody has said why") == 20


def test_a_reason_may_hold_wide_spaces_and_joined_signs(desk, changes):
    note_policy_change(desk.engine, DEFAULT, now=START)
    note_policy_change(desk.engine, CAREFUL, now=START)
    headers, reason = {"Authorization": f"Bearer {desk.tokens['admin']}"}, "假期\u3000少展示\u00a0👩\u200d💻"
    answer = desk.app.test_client().post("/console/policy/2/reason", headers=headers, data={"reason": reason})
    assert answer.status_code == 302 and changes()[0] == ("careful", reason, "ada")


@pytest.mark.parametrize("reason", ["", " ", "x" * 201, "a\x00b", "a\nb", "a\u2028b"])
def test_what_is_no_reason_is_refused(desk, changes, reason):
    note_policy_change(desk.engine, DEFAULT, now=START)
    note_policy_change(desk.engine, CAREFUL, now=START)
    headers = {"Authorization": f"Bearer {desk.tokens['admin']}"}
    answer = desk.app.test_client().post("/console/policy/2/reason", headers=headers, data={"reason": reason})
    assert answer.status_code == 422 and changes()[0] == ("careful", None, None)
