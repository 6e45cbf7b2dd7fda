"""Drawing a duel on an engine that speaks real HTTP: both sides alike, resumable, failures said."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from feedback.duels import drawing
from feedback.duels.drawing import DuelDrawer
from feedback.lease import Lease
from feedback.store import duel_rounds, duels
from feedback.store.engine import read, unit_of_work
from feedback.store.tables import Duel, Item
from feedback.suggestions.plan import BaseFacts
from serving.client.client import Sampling
from serving.client.fake import FakeEngine
from serving.client.fleet import Fleet
from serving.settings import ServingSettings
from tests.clock import FrozenClock
from tests.feedback.builders import BASE_ID, DESK
from tests.feedback.duels.duel_desk import (
    ADAPTER,
    RIVAL,
    STARTED,
    add_contender,
    add_prompt,
    list_items,
    start,
)

WITHIN_S = 60


@dataclass
class Bench:
    """A store, an engine, and drawers between them."""

    store: Engine
    engine: FakeEngine
    data_dir: Path
    clock: FrozenClock
    opened: list[Callable[[], None]]

    def make_drawer(self, **settings) -> DuelDrawer:
        serving = ServingSettings(backend="cpu", data_dir=self.data_dir, request_timeout_s=30, **settings)
        fleet = Fleet.from_endpoints([self.engine.endpoint], serving)
        drawer = DuelDrawer(
            store_engine=self.store,
            fleet_factory=lambda: fleet,
            serving=serving,
            clock=self.clock,
            describe_base=lambda: BaseFacts(BASE_ID, "t" * 64),
        )
        self.opened += [drawer.close, fleet.close]
        return drawer

    def start(self, wanted=3, **fields) -> str:
        if not (self.data_dir / "adapters" / ADAPTER).exists():
            add_contender(self.store, self.data_dir)
        for n in range(wanted):
            add_prompt(self.store, f"Question {n} of many?")
        return start(self.store, self.data_dir, wanted=wanted, **fields).id

    def duel(self, duel_id: str) -> Duel:
        with read(self.store) as session:
            return duels.get_duel(session, desk_id=DESK, duel_id=duel_id)

    def rounds(self, duel_id: str) -> list[Item]:
        return list_items(self.store, duel_id)

    def wait(self, duel_id: str, is_so: Callable[[Duel], bool]) -> Duel:
        end = time.monotonic() + WITHIN_S
        while not is_so(duel := self.duel(duel_id)):
            assert time.monotonic() < end, (duel.state, duel.error)
            time.sleep(0.02)
        return duel

    def asked(self) -> list[dict]:
        return [body for path, body in self.engine.requests if path == "/v1/chat/completions"]


@pytest.fixture
def bench(store_engine, tmp_path) -> Iterator[Bench]:
    with FakeEngine() as engine:
        made = Bench(store_engine, engine, tmp_path, FrozenClock(STARTED), [])
        yield made
        for close in made.opened:
            close()


def draw(bench: Bench, duel_id: str, **settings) -> Duel:
    bench.make_drawer(**settings).enqueue(duel_id)
    return bench.wait(duel_id, lambda duel: duel.state != "drawing")


def test_both_sides_are_asked_alike_with_seeds_of_their_own(bench):
    duel_id = bench.start(3)
    duel = draw(bench, duel_id)
    assert (duel.state, duel.error, duel.opened_at, duel.base_id) == ("open", None, STARTED, BASE_ID)
    assert (duel.lease_owner, duel.lease_until) == (None, None)
    rows = bench.rounds(duel_id)
    assert [row.state for row in rows] == ["open"] * 3
    asked = {(body["seed"], body["model"]): body for body in bench.asked()}
    assert len({seed for seed, _ in asked}) == 6
    for row in rows:
        for side, adapter in (("a", row.hidden["a_adapter"]), ("b", row.hidden["b_adapter"])):
            (seed,) = [one["seed"] for one in row.hidden["requests"] if one["side"] == side]
            body = asked[(seed, adapter or "zero")]  # base is asked for through the zero adapter
            assert body["messages"] == row.shown["messages"] and body["n"] == 1
            assert {name: body[name] for name in duel.sampling} == duel.sampling
        assert row.shown["a"] and row.shown["b"]
        assert all(row.hidden[name] for name in ("a_token_ids", "b_token_ids", "prompt_token_ids"))
        assert row.hidden["drawn_at"] == STARTED.isoformat()


def test_the_adapters_are_loaded_where_they_are_not(bench):
    add_contender(bench.store, bench.data_dir)
    add_contender(bench.store, bench.data_dir, RIVAL, dataset_id=None, base_id=BASE_ID)
    duel = draw(bench, bench.start(2, rival=RIVAL))
    assert duel.state == "open"
    assert {ADAPTER, RIVAL} <= set(bench.engine.adapters)
    assert {body["model"] for body in bench.asked()} == {ADAPTER, RIVAL}


def test_equal_texts_are_sampled_again_once_and_then_are_a_tie(bench):
    bench.engine.neutral |= {ADAPTER}
    duel_id = bench.start(2)
    duel = draw(bench, duel_id, temperature=0)  # greedy: every draw of a prompt is the same
    rows = bench.rounds(duel_id)
    assert duel.state == "open"
    assert [(row.state, row.reason) for row in rows] == [("dropped", "equal")] * 2
    assert all(row.shown["a"] == row.shown["b"] for row in rows)
    assert [[one["attempt"] for one in row.hidden["requests"]] for row in rows] == [[1, 1, 2, 2]] * 2
    assert len({one["seed"] for row in rows for one in row.hidden["requests"]}) == 8


def test_a_broken_reply_is_sampled_again_once_and_then_left_out(bench):
    duel_id = bench.start(2)
    duel = draw(bench, duel_id, max_tokens=1)  # every reply is cut off
    assert (duel.state, duel.error) == ("failed", "no_round")
    for row in bench.rounds(duel_id):
        assert (row.state, row.reason) == ("dropped", "cut_off")
        assert [one["fault"] for one in row.hidden["requests"]] == ["cut_off"] * 4


def test_a_prompt_that_does_not_fit_is_left_out_with_its_reason(bench):
    bench.engine.max_model_len = 300
    add_contender(bench.store, bench.data_dir)
    for text in ("One?", "Two?", "word " * 400):
        add_prompt(bench.store, text)
    duel_id = start(bench.store, bench.data_dir, wanted=3).id
    assert draw(bench, duel_id, max_tokens=100).state == "open"
    states = {
        row.shown["messages"][0]["content"][:4]: (row.state, row.reason) for row in bench.rounds(duel_id)
    }
    left_out = ("dropped", "prompt_too_long")
    assert states == {"One?": ("open", None), "Two?": ("open", None), "word": left_out}


def test_an_adapter_that_cannot_be_loaded_ends_the_duel(bench):
    duel_id = bench.start(2)
    (bench.data_dir / "adapters" / ADAPTER / "weights" / "adapter_config.json").unlink()
    duel = draw(bench, duel_id)
    assert (duel.state, duel.error) == ("failed", "adapter_not_loadable")
    assert not [body for body in bench.asked() if body["model"] not in ("zero", ADAPTER)]


def test_an_adapter_without_files_or_of_another_base_ends_the_duel(bench):
    add_contender(bench.store, bench.data_dir, base_id="c" * 64)
    duel_id = bench.start(1)
    assert draw(bench, duel_id).error == "other_base"
    add_contender(bench.store, bench.data_dir, RIVAL, dataset_id=None)
    other = bench.start(1, adapter=RIVAL, event_id="e2")
    (bench.data_dir / "adapters" / RIVAL / "weights" / "adapter_config.json").unlink()
    (bench.data_dir / "adapters" / RIVAL / "weights").rmdir()
    assert draw(bench, other).error == "adapter_files_missing"
    assert bench.asked() == []


def test_an_engine_that_is_away_is_waited_for(bench, monkeypatch):
    monkeypatch.setattr(drawing, "ASK_AGAIN_S", 0.05)
    duel_id = bench.start(2)
    bench.engine.mode = "cut"
    bench.make_drawer().enqueue(duel_id)
    waiting = bench.wait(duel_id, lambda duel: duel.error is not None)
    assert (waiting.state, waiting.error) == ("drawing", "engine_unreachable")
    bench.engine.mode = "ok"
    assert bench.wait(duel_id, lambda duel: duel.state != "drawing").state == "open"
    assert bench.duel(duel_id).error is None


def test_a_duel_goes_on_where_its_drawer_died(bench):
    duel_id = bench.start(3)
    dead = Lease("h/1/x", STARTED + timedelta(seconds=30))
    with unit_of_work(bench.store) as session:
        taken = duels.take_duel(
            session,
            duel_id=duel_id,
            replaces=Lease(),
            lease=dead,
            plan={"sampling": {**generator_sampling(bench), "temperature": 0.25}, "base_id": BASE_ID},
        )
        assert taken is not None
        first = duel_rounds.list_waiting(session, task_id=taken.task_id)[0]
        shown = {"a": "Kept.", "b": "Kept too."}
        outcome = {"state": "open", "reason": None, "shown": shown, "hidden": {}}
        assert duel_rounds.settle_round(
            session,
            duel_id=duel_id,
            lease=dead,
            round_id=first.id,
            outcome=outcome,
        )
    drawer = bench.make_drawer()
    assert drawer.sweep() == 0  # somebody has it
    bench.clock.advance(31)
    assert drawer.sweep() == 1
    assert bench.wait(duel_id, lambda duel: duel.state != "drawing").state == "open"
    assert [row.shown["a"] == "Kept." for row in bench.rounds(duel_id)] == [True, False, False]
    assert {body["temperature"] for body in bench.asked()} == {0.25}  # it goes on as it began
    with unit_of_work(bench.store) as session:
        assert not duels.keep_duel(session, duel_id=duel_id, lease=dead, error=None)


def generator_sampling(bench: Bench) -> dict:
    return Sampling.from_settings(ServingSettings(data_dir=bench.data_dir)).to_json()


def test_a_watching_drawer_takes_up_what_others_start(bench, monkeypatch):
    monkeypatch.setattr(drawing, "POLL_EVERY_S", 0.05)
    drawer = bench.make_drawer()
    drawer.watch()
    assert bench.wait(bench.start(2), lambda duel: duel.state != "drawing").state == "open"
    drawer.close()
    later = bench.start(1, event_id="e2")
    assert drawer.sweep() == 1  # found, and left to the next process
    assert bench.duel(later).lease_owner is None


def test_an_interrupted_duel_has_the_replies_of_an_uninterrupted_one(bench):
    duel_id = bench.start(4)
    drawer = bench.make_drawer()
    first, answer = bench.rounds(duel_id)[0].shown["messages"], bench.engine.answer

    def answer_one_round(path, body):
        """What is asked for another one is answered when the drawer ends."""
        if body.get("messages", first) != first:
            drawer._jobs.closing.wait(WITHIN_S)
        return answer(path, body)

    bench.engine.answer = answer_one_round
    drawer.enqueue(duel_id)
    bench.wait(duel_id, lambda duel: any(row.state == "open" for row in bench.rounds(duel_id)))
    drawer.close()
    assert bench.duel(duel_id).state == "drawing"
    bench.engine.answer = answer
    bench.clock.advance(300)
    after = bench.make_drawer()
    assert after.sweep() == 1
    bench.wait(duel_id, lambda duel: duel.state == "open")
    interrupted = [(row.shown.get("a"), row.shown.get("b")) for row in bench.rounds(duel_id)]
    with unit_of_work(bench.store) as session:
        session.get_one(Duel, duel_id).state = "drawing"
        for row in bench.rounds(duel_id):
            session.get_one(Item, row.id).state = "waiting"
    after.enqueue(duel_id)
    bench.wait(duel_id, lambda duel: duel.state == "open")
    assert [(row.shown.get("a"), row.shown.get("b")) for row in bench.rounds(duel_id)] == interrupted


def test_a_duel_that_is_closed_while_it_is_generated_is_generated_no_further(bench):
    duel_id = bench.start(3)
    drawer = bench.make_drawer()
    with bench.engine.held_back():
        drawer.enqueue(duel_id)
        bench.wait(duel_id, lambda duel: duel.lease_owner is not None)
        with unit_of_work(bench.store) as session:
            duels.close_duel(session, desk_id=DESK, duel_id=duel_id, actor="eva", now=STARTED)
    drawer.close()
    assert bench.duel(duel_id).state == "closed"
    assert "waiting" in {row.state for row in bench.rounds(duel_id)}


def test_an_adapter_stays_loaded_while_a_duel_is_drawn_with_it(bench):
    duel_id = bench.start(1)
    drawer = bench.make_drawer()

    def is_drawn() -> bool:
        with read(bench.store) as session:
            return duels.is_drawn_with(session, adapter=ADAPTER, now=bench.clock.now())

    assert not is_drawn()
    with bench.engine.held_back():
        drawer.enqueue(duel_id)
        bench.wait(duel_id, lambda duel: duel.lease_owner is not None)
        assert is_drawn()
    bench.wait(duel_id, lambda duel: duel.state == "open")
    assert not is_drawn()
