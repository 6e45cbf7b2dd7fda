"""`rejoinder rebase`: the plan, the row and the run, and every refusal before anything is written."""

import json
from pathlib import Path

from feedback.store import runs
from feedback.store.engine import read
from feedback.store.rebases import list_rebases
from serving.base import compute_base_id
from serving.settings import DEMO_BASE
from tests.commands.conftest import Call
from tests.commands.rebase.conftest import SERVES
from tests.feedback.builders import DESK


def read_rebase(engine):
    with read(engine) as session:
        return next(iter(list_rebases(session, desk_id=DESK)), None)


def test_the_plan_says_what_is_kept_recomputed_and_refused(call: Call, learnt, other_base):
    told = call("rebase", "plan", str(other_base))
    assert told.exit_code == 0, told.output
    lines = {line.split("  ")[0]: line for line in told.output.splitlines()}
    assert lines["now"].endswith(f"id {compute_base_id(DEMO_BASE)[:16]}; {SERVES} serves")
    assert f"id {compute_base_id(other_base)[:16]}" in lines["new base"]
    assert "0 conversations, 0 judgements, 0 thumbs, 0 datasets with their ids" in lines["kept"]
    assert "an adapter from all 1 choices" in lines["recomputed"]
    assert "1 adapters of the old base" in lines["refused"]
    changes = [
        line.split("  ", 1)[1].strip() for line in told.output.splitlines() if line.startswith("changes ")
    ]
    assert changes == [
        "[trainer] recipe is not set: demo now, lora_choice with the new base",
        "[feedback] policy is not set: demo now, default with the new base",
        "[feedback] public_chat is not set: true now, false with the new base",
    ]
    plan = json.loads(call("rebase", "plan", str(other_base), "--json").output)
    assert (plan["old_adapter"], plan["old_role"], plan["holdings"]["choices"]) == (SERVES, "live", 1)
    assert read_rebase(learnt) is None


def test_a_rebase_asks_for_one_run_and_is_given_up_with_it(call: Call, learnt, other_base):
    assert call("rebase", "status").exit_code == 3
    unexplained = call("rebase", "start", str(other_base))
    assert (unexplained.exit_code, read_rebase(learnt)) == (2, None)

    started = call("rebase", "start", str(other_base), "--reason", "more languages")
    assert started.exit_code == 0, started.output
    rebase = read_rebase(learnt)
    assert (rebase.state, rebase.base_model, rebase.old_adapter) == ("open", str(other_base), SERVES)
    with read(learnt) as session:
        run = runs.get_run(session, desk_id=DESK, run_id=rebase.run_id)
    assert (run.kind, run.state, run.id) == ("rebase", "queued", started.output.split()[-1])
    assert run.request["serving"]["base_model"] == str(other_base)

    second = call("rebase", "start", str(other_base), "--reason", "again")
    assert second.exit_code == 1 and "is open; a desk has one at a time" in second.output
    shown = call("rebase", "status").output.splitlines()
    assert shown[0] == f"rebase    demo/model -> {other_base}: open (command line: more languages)"
    assert shown[1:3] == [f"serves    the old base, {SERVES}", f"run       {run.id}: queued"]

    assert call("rebase", "cancel", "--reason", "no better").exit_code == 0
    with read(learnt) as session:
        assert runs.get_run(session, desk_id=DESK, run_id=run.id).state == "cancelled"
    told = json.loads(call("rebase", "status", "--json").output)
    assert (told["state"], told["reason"], told["next"]) == ("cancelled", "no better", "nothing: it is over")
    over = call("rebase", "cancel", "--reason", "once more")
    assert over.exit_code == 1 and "There is no rebase that is open." in over.output
    assert call("rebase", "start", str(other_base), "--reason", "now").exit_code == 0


def test_a_base_that_serves_already_or_cannot_is_refused(call: Call, learnt, other_base: Path):
    same = call("rebase", "plan", DEMO_BASE)
    assert same.exit_code == 1 and "is the base that serves already" in same.output
    unknown = call("rebase", "plan", "/no/such/base")
    assert unknown.exit_code == 1 and "/no/such/base" in unknown.output
    (other_base / "chat_template.jinja").unlink()
    unfit = call("rebase", "start", str(other_base), "--reason", "why not")
    assert unfit.exit_code == 1 and "it has no chat template" in unfit.output
    assert read_rebase(learnt) is None


def test_a_desk_without_choices_changes_its_base_by_the_setting(call: Call, engine, other_base):
    told = call("rebase", "plan", str(other_base))
    assert told.exit_code == 1 and "Set [serving] base_model to the new one" in told.output


def test_engines_that_run_elsewhere_are_not_switched_from_here(call: Call, learnt, other_base, monkeypatch):
    monkeypatch.setenv("REJOINDER_SERVING__REPLICAS", '["http://10.0.0.1:8101"]')
    monkeypatch.setenv("REJOINDER_SERVING__BACKEND", "cuda")
    told = call("rebase", "plan", str(other_base))
    assert told.exit_code == 1 and "run elsewhere (http://10.0.0.1:8101)" in told.output
