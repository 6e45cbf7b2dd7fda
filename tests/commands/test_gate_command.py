"""`rejoinder gate --explain`: every limit with its value, what would change the decision, and exit codes."""

import json
from pathlib import Path

import pytest
from sqlmodel import Session

from feedback.deployment.policy import load_policy
from feedback.store.engine import open_engine, unit_of_work
from feedback.store.tables import Approval, Run
from tests.commands.conftest import Call
from tests.feedback.builders import DESK, NOW, add, add_adapter
from tests.feedback.pick_rows import add_picks
from tests.trainer.evaluation.test_gate import GOOD

ONE = "tuned-20261122-1"


@pytest.fixture
def engine(store: Path):
    engine = open_engine(f"sqlite:///{store / 'rejoinder.db'}")
    yield engine
    engine.dispose()


def add_run(session: Session, **fields) -> Run:
    given = {"kind": "manual", "slot": "1", "request": {}, "requested_by": "ada", "created_at": NOW}
    return add(session, Run(desk_id=DESK, **(given | fields)))


@pytest.fixture
def run_id(engine) -> str:
    """A run whose adapter is the canary, judged under a policy that is no longer in force."""
    report = {**GOOD.model_dump(mode="json"), "policy": "older", "policy_sha256": "e" * 64}
    with unit_of_work(engine) as session:
        run = add_run(session, report=report, decision="passed", adapter=ONE)
        add_adapter(session, ONE, "canary", run_id=run.id)
        return run.id


def explain(call: Call, name: str, code: int = 0):
    result = call("gate", "--explain", name, "--json")
    assert result.exit_code == code, result.output
    return json.loads(result.output)


def test_offline_limits_come_with_value_and_whether_they_are_met(call: Call, run_id: str) -> None:
    found = explain(call, ONE)
    assert explain(call, run_id) == found
    demo = load_policy("demo")
    assert (found["policy"], found["policy_sha256"]) == ("demo", demo.sha256)
    offline = found["offline"]
    assert offline["decided"] == "passed"
    assert offline["decided_under"] == {"policy": "older", "policy_sha256": "e" * 64}
    checks = {check["code"]: check for check in offline["checks"]}
    drifted = checks["drifted"]
    assert (drifted["value"], drifted["limit"], drifted["sense"], drifted["met"]) == (
        0.1,
        0.5,
        "at most",
        True,
    )
    assert checks["cannot_fit"]["limit"] == 0.3 and checks["cannot_fit"]["sense"] == "at least"
    assert len(checks) >= 10


def test_rollout_says_what_it_lacks_and_how_many_picks(call: Call, run_id: str, engine) -> None:
    add_picks(engine, ONE, tuned=6, base=4, at=NOW)  # 24 of 40
    rollout = explain(call, ONE)["exposure"]
    limits = {limit["code"]: limit for limit in rollout["limits"]}
    assert rollout["verdict"] == "hold" and rollout["picks_needed"] > 60
    assert (limits["picks"]["value"], limits["picks"]["limit"], limits["picks"]["reached"]) == (
        40,
        100,
        False,
    )
    assert limits["agents"]["reached"] and not limits["harm_proven"]["reached"]
    assert (limits["undecided"]["value"], limits["undecided"]["leads_to"]) == (40, "retire")
    text = call("gate", "--explain", ONE).output
    assert f"{rollout['picks_needed']} more picks at the present share" in text
    assert "To go live it lacks picks, e_value" in text
    assert "decided then: passed under older" in text
    assert "open    picks" in text and "100 -> go_live" in text


def test_the_gate_names_the_veto(call: Call, run_id: str, engine) -> None:
    add_picks(engine, ONE, tuned=28, base=12, at=NOW)
    with unit_of_work(engine) as session:
        session.add(Approval(desk_id=DESK, adapter=ONE, actor="eva", kind="veto", reason="too curt", at=NOW))
    rollout = explain(call, ONE)["exposure"]
    assert (rollout["verdict"], [block["code"] for block in rollout["forbids"]]) == ("hold", ["vetoed"])
    assert "vetoed by eva: too curt" in call("gate", "--explain", ONE).output


def test_a_share_of_one_half_never_gets_there(call: Call, run_id: str, engine) -> None:
    add_picks(engine, ONE, tuned=5, base=5, at=NOW)
    assert explain(call, ONE)["exposure"]["picks_needed"] is None
    assert "it will not be proven before it retires" in call("gate", "--explain", ONE).output


def test_without_a_pick_no_share_is_talked_about(call: Call, run_id: str) -> None:
    assert "adjusted_low; nobody has picked yet." in call("gate", "--explain", ONE).output


def test_a_run_that_measured_nothing_yet_ends_with_3(call: Call, engine) -> None:
    with unit_of_work(engine) as session:
        run = add_run(session)
    found = explain(call, run.id, code=3)
    assert (found["run"], found["offline"], found["exposure"]) == (run.id, None, None)


def test_a_refused_adapter_is_shown_with_what_it_missed_and_no_rollout(call: Call, engine) -> None:
    report = GOOD.model_copy(update={"kl_to_base": 0.9}).model_dump(mode="json")
    with unit_of_work(engine) as session:
        run = add_run(session, report=report, decision="refused", adapter=ONE)
        add_adapter(session, ONE, "refused", run_id=run.id)
    found = explain(call, ONE)
    missed = [check for check in found["offline"]["checks"] if not check["met"]]
    assert [(check["code"], check["value"], check["limit"]) for check in missed] == [("drifted", 0.9, 0.5)]
    assert found["exposure"] is None
    assert "MISSED  drifted" in call("gate", "--explain", ONE).output


@pytest.mark.parametrize("words", [("gate",), ("gate", "--explain", "tuned-20261122-9")])
def test_wrong_use_ends_with_2(call: Call, store: Path, words: tuple[str, ...]) -> None:
    assert call(*words).exit_code == 2


def test_a_policy_that_cannot_be_read_stops_every_command_that_needs_it(
    call: Call, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("[canary]\nshare = 2\n")
    monkeypatch.setenv("REJOINDER_FEEDBACK__POLICY", str(path))
    result = call("doctor")
    assert result.exit_code == 2
    assert f"canary.share = 2: Input should be less than or equal to 1. Change it in {path}." in result.output
