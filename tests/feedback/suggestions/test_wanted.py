"""For whom sets are generated: for agents who look, what they opened first, and for nobody else."""

import threading

import pytest

from feedback.store.queue_filters import QueueFilter
from feedback.store.tables import SuggestionSet, Turn
from feedback.suggestions.views import MOST, OPEN_FOR_S, QueueView, Views
from tests.feedback.builders import DESK
from tests.feedback.desk import add_strangers, make_desk
from tests.feedback.set_desk import SetDesk, build


@pytest.fixture
def one_hand(store_engine, fake_engine, tmp_path):
    """A suggester that prepares one set at a time, so that there is an order."""
    desk = build(store_engine, fake_engine, tmp_path, suggest_workers=1)
    yield desk
    desk.close()


@pytest.fixture
def web(one_hand, tmp_path):
    """The web application of the same store and suggester."""
    return make_desk(one_hand.store, tmp_path, suggester=one_hand.suggester)


@pytest.fixture
def held(one_hand):
    """The engine answers once this is set."""
    gate, answer = threading.Event(), one_hand.engine.answer

    def wait(path, body):
        gate.wait(30)
        return answer(path, body)

    one_hand.engine.answer = wait
    yield gate
    gate.set()


def note_drawn(desk: SetDesk) -> list[str]:
    """The turns whose sets are generated from now on, in their order."""
    generated: list[str] = []
    settle = desk.suggester._settle

    def note(row, made):
        generated.append(row.turn_id)
        return settle(row, made)

    desk.suggester._settle = note
    return generated


def wait_idle(desk: SetDesk) -> None:
    """Whatever is on the waiting list has been worked off."""
    waitlist = desk.suggester._waitlist
    while waitlist._opened or waitlist._next or waitlist._begun:
        threading.Event().wait(0.01)


def start_chats(web, count: int) -> None:
    """As many strangers begin a conversation each, a millisecond apart."""
    add_strangers(web, [f"Spam {number}" for number in range(count)])


def test_a_thousand_strangers_and_no_agent_begin_no_set_also_after_a_restart(web, one_hand, tmp_path):
    start_chats(web, 1000)
    assert one_hand.suggester.sweep() == 0
    wait_idle(one_hand)
    one_hand.suggester.close()
    restarted = build(one_hand.store, one_hand.engine, tmp_path)
    assert restarted.suggester.sweep() == 0
    restarted.close()
    assert web.rows(SuggestionSet) == [] and one_hand.asked() == []


def test_the_first_look_at_the_queue_begins_the_first_ten_in_order(web, one_hand):
    start_chats(web, 30)
    generated = note_drawn(one_hand)
    shown = web.get("/v1/queue", "agent").json["turns"]
    web.get("/v1/queue", "ben")
    wait_idle(one_hand)
    assert generated == [turn["turn_id"] for turn in shown[:10]]
    assert {row.turn_id for row in web.rows(SuggestionSet)} == set(generated)


def test_an_app_that_reads_the_queue_looks_for_its_agents(web, one_hand):
    start_chats(web, 3)
    generated = note_drawn(one_hand)
    shown = web.get("/v1/queue?limit=2&agent=zoe", "app").json["turns"]
    wait_idle(one_hand)
    assert generated == [turn["turn_id"] for turn in shown]


def test_an_opened_turn_is_prepared_before_all_that_wait(web, one_hand, held):
    start_chats(web, 30)
    generated = note_drawn(one_hand)
    shown = [turn["turn_id"] for turn in web.get("/v1/queue", "agent").json["turns"]]
    while not web.rows(SuggestionSet):  # the first of the ten is being generated
        threading.Event().wait(0.01)
    web.get(f"/v1/turns/{shown[25]}/suggestions", "agent")
    web.get(f"/v1/turns/{shown[7]}/suggestions", "agent")  # one of the ten: it goes before the others
    held.set()
    wait_idle(one_hand)
    rest = [shown[number] for number in (1, 2, 3, 4, 5, 6, 8, 9)]
    assert generated == [shown[0], shown[25], shown[7], *rest]


def test_a_further_page_is_a_view_of_its_own(web, one_hand):
    start_chats(web, 40)
    page = web.get("/v1/queue?limit=15", "agent").json
    generated = note_drawn(one_hand)
    wait_idle(one_hand)
    generated.clear()
    further = web.get(f"/v1/queue?limit=15&after={page['next']}", "agent").json
    wait_idle(one_hand)
    assert generated == [turn["turn_id"] for turn in further["turns"][:10]]


def test_the_next_ten_of_what_a_filter_leaves_are_generated_also_by_the_sweep(web, one_hand):
    start_chats(web, 30)
    rare = []
    for number in range(12):
        rare.append(web.open(str(number), language="de", tags=["vip"])["turn_id"])
        web.clock.advance(1)
    generated = note_drawn(one_hand)
    web.get("/v1/queue?language=de&limit=2", "agent")
    wait_idle(one_hand)
    assert generated == rare[:2]
    one_hand.suggester.show_view(QueueView(DESK, only=QueueFilter("de", "vip")), [])
    one_hand.suggester.sweep()
    wait_idle(one_hand)
    assert generated == rare[:10]


def test_only_so_many_views_are_kept_the_latest(one_hand):
    views = Views(one_hand.clock)
    for number in range(MOST + 5):
        views.note(QueueView(DESK, only=QueueFilter(tag=f"{number}")))
        views.note(QueueView(DESK))
    kept = views.list_open()
    assert len(kept) == MOST
    assert kept[-1] == QueueView(DESK)
    assert kept[0].only.tag == "6"  # beside the whole queue MOST - 1 of them


def test_a_turn_that_comes_while_a_view_is_open_is_prepared_at_once(web, one_hand):
    web.get("/v1/queue", "agent")
    one_hand.suggester.watch()
    opened = web.open()
    while not one_hand.suggester.ensure_set(opened["turn_id"]):
        threading.Event().wait(0.01)
    assert web.row(SuggestionSet).state == "ready"


def test_two_minutes_after_the_last_look_nothing_is_begun(web, one_hand):
    web.get("/v1/queue", "agent")
    web.open()
    one_hand.clock.advance(OPEN_FOR_S)
    assert one_hand.suggester.sweep() == 0
    web.get("/v1/queue?limit=1", "agent")
    wait_idle(one_hand)
    assert len(web.rows(SuggestionSet)) == 1


def test_what_a_colleague_has_taken_is_not_next(web, one_hand):
    start_chats(web, 12)
    turn_ids = [turn.id for turn in sorted(web.rows(Turn), key=lambda turn: turn.created_at)]
    web.post(f"/v1/turns/{turn_ids[0]}/claim", "ann")
    web.get("/v1/queue", "ben")
    wait_idle(one_hand)
    assert {row.turn_id for row in web.rows(SuggestionSet)} == set(turn_ids[1:11])


def test_two_processes_that_show_one_queue_ask_the_engine_once(store_engine, fake_engine, tmp_path):
    both = [build(store_engine, fake_engine, tmp_path / name) for name in ("one", "other")]
    turn_ids = [both[0].ask() for _ in range(10)]
    for desk in both:
        desk.suggester.show_view(QueueView(DESK), turn_ids)
    for desk in both:
        wait_idle(desk)
        desk.close()
    assert len(both[0].asked()) == 2 * len(turn_ids)
