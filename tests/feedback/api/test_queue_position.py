"""How a customer stands who waits: people at the desk, conversations before theirs, since when."""

from feedback.store.engine import unit_of_work
from feedback.store.presence import end_presence, note_presence
from feedback.store.tables import Event
from tests.databases import START


def stand(desk, opened, role=None):
    answer = desk.get(
        f"/v1/conversations/{opened['conversation_id']}/standing", role or opened["visitor_token"]
    )
    assert answer.status_code == 200, answer.text
    return answer.json


def be_there(desk, *agents):
    with unit_of_work(desk.engine) as session:
        for agent in agents:
            note_presence(session, desk_id="default", agent=agent, turn_id=None, now=desk.clock.now())


def say_time(seconds):
    return START.replace(minute=seconds // 60, second=seconds % 60).isoformat().replace("+00:00", "Z")


def test_who_is_at_the_desk_is_counted_and_never_named(desk):
    opened = desk.open()
    assert stand(desk, opened)["present"] == 0
    be_there(desk, "ann", "ben")
    assert stand(desk, opened) == {"present": 2, "waiting_before": 0, "waiting_since": say_time(0)}
    with unit_of_work(desk.engine) as session:
        end_presence(session, desk_id="default", agent="ann")
    assert stand(desk, opened)["present"] == 1


def test_those_who_wait_before_are_counted_by_the_order_of_the_queue(desk):
    opened = []
    for _ in range(3):
        opened.append(desk.open())
        desk.clock.advance(60)
    assert [stand(desk, each)["waiting_before"] for each in opened] == [0, 1, 2]
    desk.say(opened[0], "customer", "Hello?", by=opened[0]["visitor_token"])
    assert [stand(desk, each)["waiting_before"] for each in opened] == [2, 0, 1]


def test_a_customer_who_writes_again_has_waited_since_the_first_message(desk):
    opened = desk.open()
    desk.clock.advance(60)
    desk.say(opened, "customer", "Hello?")
    assert stand(desk, opened)["waiting_since"] == say_time(0)
    desk.say(opened, "agent", "Here I am.", by="agent")
    assert stand(desk, opened) == {"present": 0, "waiting_before": None, "waiting_since": None}
    desk.clock.advance(60)
    desk.say(opened, "customer", "Good.")
    desk.clock.advance(60)
    desk.say(opened, "customer", "And now?")
    assert stand(desk, opened)["waiting_since"] == say_time(120)


def test_a_turn_that_was_closed_without_a_reply_waits_no_more(desk):
    opened = desk.open("Thank you, bye")
    desk.post("/v1/turns/close", "agent", turn_ids=[opened["turn_id"]], reason="spam")
    assert stand(desk, opened)["waiting_since"] is None
    desk.clock.advance(60)
    desk.say(opened, "customer", "One more thing")
    assert stand(desk, opened)["waiting_since"] == say_time(60)


def test_asking_writes_nothing_and_another_conversation_is_none(desk):
    opened, other = desk.open(), desk.open()
    events = len(desk.rows(Event))
    stand(desk, opened, "app")
    path = f"/v1/conversations/{other['conversation_id']}/standing"
    assert desk.get(path, opened["visitor_token"]).status_code == 404
    assert desk.get("/v1/conversations/unknown/standing", "app").status_code == 404
    assert len(desk.rows(Event)) == events
