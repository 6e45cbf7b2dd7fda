"""Who prepares a set: one process at a time, the next one when that one is gone, and all in patience."""

import itertools
import threading
from datetime import timedelta

import pytest

from feedback.errors import StoreBusy
from feedback.lease import name_owner
from feedback.store.engine import unit_of_work
from feedback.store.tables import SuggestionSet, Turn
from feedback.suggestions.suggester import LEASE_MARGIN_S
from feedback.suggestions.views import QueueView
from serving.client.endpoint import Endpoint
from serving.client.fleet import Fleet
from serving.errors import EngineNotRunning
from tests.feedback.builders import DESK, NOW
from tests.feedback.set_desk import DEADLINE_S, SetDesk, build


def test_two_processes_prepare_one_set(store_engine, fake_engine, tmp_path):
    one, other = (build(store_engine, fake_engine, tmp_path / name) for name in ("one", "other"))
    turn_ids = [one.ask() for _ in range(5)]
    for turn_id in turn_ids:
        one.suggester.enqueue(turn_id)
        other.suggester.enqueue(turn_id)
    for turn_id in turn_ids:
        assert one.wait(turn_id)
        assert len(one.read_candidates(one.read_set(turn_id).id)) == 4
    one.close()
    other.close()


def stay_away(desk, tmp_path, times, passing_s=0.0):
    """The engine's place is unknown, then nobody answers there, so many times in all; then it is back. Each
    time so many seconds pass.
    """
    refused = Fleet.from_endpoints([Endpoint("http://127.0.0.1:9", "key")], desk.serving)
    asked = itertools.count()

    def find_fleet():
        number = next(asked)
        desk.clock.advance(passing_s)
        if number >= times:
            return desk.fleet
        if number % 2:
            return refused
        raise EngineNotRunning(tmp_path)

    desk.suggester._fleet_factory = find_fleet
    return asked


def test_a_set_waits_for_an_engine_that_restarts(desk, tmp_path):
    desk.deploy()
    stay_away(desk, tmp_path, times=4)
    row = desk.prepare(desk.ask())
    assert (row.state, row.error, row.design) == ("ready", None, "2+2")


def test_a_long_prompt_waits_for_the_engine_that_counts_it(desk, tmp_path):
    stay_away(desk, tmp_path, times=4)
    assert desk.prepare(desk.ask("word " * 300, "And now?", "So?")).state == "ready"


@pytest.mark.usefixtures("clock_alone")
def test_an_engine_that_stays_away_fails_the_set_at_its_deadline(desk, tmp_path):
    asked = stay_away(desk, tmp_path, times=10**6, passing_s=DEADLINE_S / 10)
    row = desk.prepare(desk.ask())
    assert (row.state, row.error) == ("failed", "engine_unreachable")
    assert next(asked) >= 10  # two requests, tried again until the time is over


def test_a_set_that_waits_for_an_engine_is_left_to_the_next_process(desk, tmp_path):
    turn_id = desk.ask()
    stay_away(desk, tmp_path, times=10**6)
    desk.suggester.enqueue(turn_id)
    while desk.read_set(turn_id) is None:
        pass
    desk.suggester.close()
    assert desk.read_set(turn_id).state == "preparing"
    desk.clock.advance(DEADLINE_S + LEASE_MARGIN_S)
    successor = build(desk.store, desk.engine, tmp_path)
    successor.clock.advance(DEADLINE_S + LEASE_MARGIN_S)
    assert successor.suggester.sweep() == 0  # nobody looks
    successor.suggester.show_view(QueueView(DESK), [])
    assert successor.suggester.sweep() == 1
    assert successor.wait(turn_id) and desk.read_set(turn_id).state == "ready"
    successor.close()


def abandon(desk: SetDesk, turn_id: str, *, owner: str, left_s: float) -> None:
    """A row as a preparer leaves it that died."""
    with unit_of_work(desk.store) as session:
        turn = session.get_one(Turn, turn_id)
        session.add(
            SuggestionSet(
                desk_id=DESK,
                turn_id=turn_id,
                conversation_id=turn.conversation_id,
                slot_seed=1,
                resampled_arm="base",
                lease_owner=owner,
                lease_until=NOW + timedelta(seconds=left_s),
                created_at=NOW,
            )
        )


def test_a_reader_takes_over_when_the_lease_runs_out(desk):
    turn_id = desk.ask()
    abandon(desk, turn_id, owner="elsewhere/1/x", left_s=5)
    assert not desk.suggester.ensure_set(turn_id)
    assert desk.asked() == []
    desk.clock.advance(5)
    assert desk.wait(turn_id)
    row = desk.read_set(turn_id)
    assert (row.state, len(desk.read_candidates(row.id))) == ("ready", 4)
    assert row.slot_seed != 1


def test_the_sweep_takes_up_what_an_agent_has_in_view_and_nobody_prepares(desk):
    never_begun, expired, held, gone = (desk.ask() for _ in range(4))
    abandon(desk, expired, owner="elsewhere/1/x", left_s=0)
    abandon(desk, held, owner="elsewhere/1/x", left_s=5)
    abandon(desk, gone, owner=f"{name_owner().split('/')[0]}/{dead_process()}/x", left_s=5)
    assert desk.suggester.sweep() == 0
    desk.suggester.show_view(QueueView(DESK), [])
    assert desk.suggester.sweep() == 3
    for turn_id in (never_begun, expired, gone):
        assert desk.wait(turn_id)
    assert desk.read_set(held).state == "preparing"


def dead_process() -> int:
    import subprocess

    child = subprocess.Popen(["true"])
    child.wait()
    return child.pid


def test_the_sweep_closes_an_abandoned_set_of_a_turn_that_waits_no_more(desk):
    turn_id = desk.ask()
    abandon(desk, turn_id, owner="elsewhere/1/x", left_s=0)
    with unit_of_work(desk.store) as session:
        turn = session.get_one(Turn, turn_id)
        turn.state = "superseded"
        session.add(turn)
    desk.suggester.sweep()
    assert desk.wait(turn_id)
    assert desk.read_set(turn_id).state == "superseded"
    assert desk.asked() == []


def test_a_preparer_that_was_taken_over_writes_nothing(desk):
    turn_id = desk.ask()
    held, begun = threading.Event(), threading.Event()
    answer = desk.engine.answer

    def pause(path, body):
        begun.set()
        held.wait(60)
        return answer(path, body)

    desk.engine.answer = pause
    desk.suggester.enqueue(turn_id)
    assert begun.wait(60)
    desk.clock.advance(DEADLINE_S + LEASE_MARGIN_S)
    desk.engine.answer = answer
    other = build(desk.store, desk.engine, desk.serving.data_dir)
    other.clock.advance(DEADLINE_S + LEASE_MARGIN_S)
    other.prepare(turn_id)
    row = desk.read_set(turn_id)
    before = [c.id for c in desk.read_candidates(row.id)]
    held.set()
    desk.suggester.close()
    other.close()
    assert [c.id for c in desk.read_candidates(row.id)] == before
    assert desk.read_set(turn_id) == row


def test_closing_finishes_what_is_begun_and_leaves_the_rest_to_the_sweep(desk):
    turn_id = desk.ask()
    desk.engine.mode, desk.engine.delay_s = "slow", 0.2
    desk.suggester.enqueue(turn_id)
    while desk.read_set(turn_id) is None:
        pass
    desk.suggester.close()
    assert desk.read_set(turn_id).state == "ready"
    desk.suggester.enqueue(desk.ask())


def test_what_an_outage_of_the_store_lost_is_taken_up_by_a_later_sweep(desk, monkeypatch):
    """Four turns whose sets could not be written: two were begun, two were not."""
    turn_ids = [desk.ask() for _ in range(4)]
    desk.suggester.show_view(QueueView(DESK), [])
    with monkeypatch.context() as outage:
        outage.setattr("feedback.suggestions.suggester.unit_of_work", lose_connection)
        assert desk.suggester.sweep() == 4
        for turn_id in turn_ids:
            desk.wait(turn_id, 0.1)
        desk.suggester.close()
    assert [desk.read_set(turn_id) for turn_id in turn_ids] == [None] * 4
    lasting = build(desk.store, desk.engine, desk.serving.data_dir)
    for turn_id in turn_ids[:2]:
        abandon(desk, turn_id, owner=lasting.suggester._holder.owner, left_s=5)
    lasting.suggester.show_view(QueueView(DESK), [])
    assert lasting.suggester.sweep() == 2  # somebody may be at the others
    for turn_id in turn_ids[2:]:
        assert lasting.wait(turn_id)
    lasting.clock.advance(DEADLINE_S + LEASE_MARGIN_S)
    assert lasting.suggester.sweep() == 2
    for turn_id in turn_ids:
        assert lasting.wait(turn_id) and lasting.read_set(turn_id).state == "ready"
    lasting.close()


def lose_connection(engine):
    raise StoreBusy("connection lost")


def test_the_watch_sweeps_again_and_again(desk, monkeypatch):
    monkeypatch.setattr("feedback.suggestions.sweeper.SWEEP_EVERY_S", 0.01)
    desk.suggester.watch()
    turn_id = desk.ask()
    abandon(desk, turn_id, owner="elsewhere/1/x", left_s=0)
    desk.suggester.show_view(QueueView(DESK), [])  # after the first sweep
    while desk.read_set(turn_id).state == "preparing":
        desk.suggester._closing.wait(0.01)
    assert desk.read_set(turn_id).state == "ready"


def test_a_lease_from_before_a_step_back_is_no_lease(desk):
    turn_id = desk.ask()
    abandon(desk, turn_id, owner="elsewhere/1/x", left_s=3600)
    desk.suggester.show_view(QueueView(DESK), [])
    assert desk.suggester.sweep() == 1
    assert desk.wait(turn_id) and desk.read_set(turn_id).state == "ready"
