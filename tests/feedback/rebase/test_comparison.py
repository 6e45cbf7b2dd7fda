"""The blind comparisons of a rebase: who meets whom, which engine answers, what the verdicts are worth."""

import time
from dataclasses import dataclass

import pytest

from feedback.duels.read import read_result
from feedback.rebase.compare import NotTrained
from feedback.rebase.drawing import RebaseDrawer
from feedback.store import duels
from feedback.store.duel_verdicts import iterate_judged_rounds
from feedback.store.engine import read, unit_of_work
from feedback.store.rebases import NEW_BASE, NEW_TUNED, OLD, NoRebase
from feedback.store.tables import Duel, Rebase
from feedback.suggestions.plan import BaseFacts
from serving.client.fake import FakeEngine
from serving.client.fleet import Fleet
from serving.settings import DEMO_BASE, ServingSettings
from tests.clock import FrozenClock
from tests.feedback.builders import DESK
from tests.feedback.duels.duel_desk import ADAPTER, STARTED, add_prompt, list_items
from tests.feedback.rebase.rebase_desk import JUDGED, NEW, NEW_BASE_ID, compare, judge_all, put_rebase


def test_both_arms_of_the_new_base_meet_what_serves_and_a_repeated_call_adds_nothing(store_engine, tmp_path):
    put_rebase(store_engine, tmp_path)
    tuned, base = compare(store_engine, tmp_path)
    assert (tuned.name, base.name) == (f"new + {NEW} / {ADAPTER}", f"new / {ADAPTER}")
    assert [(duel.arm, duel.adapter, duel.rival) for duel in (tuned, base)] == [
        (NEW_TUNED, NEW, ADAPTER),
        (NEW_BASE, NEW, ADAPTER),
    ]
    for duel, adapter in ((tuned, NEW), (base, None)):
        sides = {
            tuple(each.hidden[name] for name in ("a_arm", "a_adapter", "b_arm", "b_adapter"))
            for each in list_items(store_engine, duel.id)
        }
        assert sides <= {(OLD, ADAPTER, duel.arm, adapter), (duel.arm, adapter, OLD, ADAPTER)}
    again = compare(store_engine, tmp_path, prompts=0)
    assert {duel.id for duel in again} == {tuned.id, base.id}
    with read(store_engine) as session:
        assert duels.list_undrawn(session) == {}  # the web has no engine of the new base
        assert set(duels.list_undrawn(session, rebase_id=tuned.rebase_id)) == {tuned.id, base.id}


def test_an_adapter_that_the_gate_refused_is_judged_by_nobody(sqlite_engine, tmp_path):
    put_rebase(sqlite_engine, tmp_path, passed=False)
    assert [duel.arm for duel in compare(sqlite_engine, tmp_path)] == [NEW_BASE]


def test_nothing_is_compared_before_the_run_is_done_or_after_the_rebase(sqlite_engine, tmp_path):
    rebase_id = put_rebase(sqlite_engine, tmp_path, run_state="running")
    with pytest.raises(NotTrained, match="is running"):
        compare(sqlite_engine, tmp_path)
    with unit_of_work(sqlite_engine) as session:
        session.get_one(Rebase, rebase_id).state = "cancelled"
    with pytest.raises(NoRebase):
        compare(sqlite_engine, tmp_path)


@dataclass
class Engines:
    old: FakeEngine
    new: FakeEngine

    def asked(self, engine: FakeEngine) -> list[tuple[str, int]]:
        bodies = [body for path, body in engine.requests if path == "/v1/chat/completions"]
        return sorted({(body["model"], body["max_tokens"]) for body in bodies})


def test_each_side_is_asked_of_its_own_engine_as_it_would_serve(sqlite_engine, tmp_path):
    rebase_id = put_rebase(sqlite_engine, tmp_path)
    both = compare(sqlite_engine, tmp_path)
    with read(sqlite_engine) as session:
        rebase = session.get_one(Rebase, rebase_id)
    old = ServingSettings(backend="cpu", data_dir=tmp_path, max_tokens=40)
    new = old.model_copy(update={"base_model": DEMO_BASE, "max_tokens": 64})
    with FakeEngine() as old_engine, FakeEngine() as new_engine:
        engines = Engines(old_engine, new_engine)
        old_fleet = Fleet.from_endpoints([old_engine.endpoint], old)
        new_fleet = Fleet.from_endpoints([new_engine.endpoint], new)
        drawer = RebaseDrawer(
            rebase=rebase,
            new_fleet=lambda: new_fleet,
            new_serving=new,
            store_engine=sqlite_engine,
            fleet_factory=lambda: old_fleet,
            serving=old,
            clock=FrozenClock(STARTED),
            describe_base=lambda: BaseFacts(NEW_BASE_ID, "t" * 64),
        )
        try:
            assert drawer.sweep() == 2
            until = time.monotonic() + 60
            while any(find_state(sqlite_engine, duel) == duels.DRAWING for duel in both):
                assert time.monotonic() < until
                time.sleep(0.02)
        finally:
            drawer.close()
            old_fleet.close()
            new_fleet.close()
        assert [find_state(sqlite_engine, duel) for duel in both] == [duels.OPEN, duels.OPEN]
        assert engines.asked(old_engine) == [(ADAPTER, 40)]
        assert engines.asked(new_engine) == [(NEW, 64), ("zero", 64)]
        assert (set(old_engine.adapters), set(new_engine.adapters)) == ({"zero", ADAPTER}, {"zero", NEW})


def find_state(store, duel):
    with read(store) as session:
        return session.get_one(Duel, duel.id).state


def test_a_verdict_counts_for_its_arm_and_trains_as_texts_alone(store_engine, tmp_path):
    put_rebase(store_engine, tmp_path)
    tuned, base = compare(store_engine, tmp_path)
    judge_all(store_engine, tuned, ("eva",), lambda position: position < 4)
    judge_all(store_engine, base, ("eva",), lambda position: False)
    with read(store_engine) as session:
        scores = [read_result(session, session.get_one(Duel, duel.id)).score for duel in (tuned, base)]
    assert [(score.won, score.lost) for score in scores] == [(3, 1), (0, 4)]
    told = list(iterate_judged_rounds(store_engine, desk_id=DESK, since=None, until=JUDGED))
    assert len(told) == 8
    for _, shown in told:
        assert (shown.base_id, shown.prompt_token_ids) == (None, None)
        assert [reply.token_ids for reply in shown.replies] == [None, None]


def test_more_rounds_are_drawn_against_what_serves_by_then(sqlite_engine, tmp_path):
    put_rebase(sqlite_engine, tmp_path)
    tuned, _ = compare(sqlite_engine, tmp_path)
    judge_all(sqlite_engine, tuned, ("eva",), lambda position: True)
    assert len(compare(sqlite_engine, tmp_path, prompts=0)) == 2
    for number in range(4):
        add_prompt(sqlite_engine, f"Another question {number}?")
    found = compare(sqlite_engine, tmp_path, prompts=0, more=True)
    assert sorted(str(duel.arm) for duel in found) == [NEW_BASE, NEW_TUNED, NEW_TUNED]


def test_the_page_of_a_closed_comparison_names_both_bases(sqlite_desk, tmp_path):
    store = sqlite_desk.engine
    put_rebase(store, tmp_path)
    tuned, base = compare(store, tmp_path)
    for duel in (tuned, base):
        judge_all(store, duel, ("eva",), lambda position: position > 1)
    page = sqlite_desk.get(f"/console/duels/{tuned.id}", "expert").text
    assert f"{NEW} on the new base against {ADAPTER}" in page
    assert '<th scope="row">the new base was better</th><td class="number">3</td>' in page
    assert (
        f"the new base alone against {ADAPTER}" in sqlite_desk.get(f"/console/duels/{base.id}", "expert").text
    )
    assert sqlite_desk.get(f"/v1/duels/{base.id}", "expert").json["arm"] == NEW_BASE
