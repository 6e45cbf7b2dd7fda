"""Who is refused how much: strangers, apps' customers, and everybody who holds a token."""

import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from shutil import which
from uuid import uuid4

import pytest

from commands.instance import find_port
from feedback.app import create_app
from feedback.settings import FeedbackSettings
from feedback.store.tables import Conversation
from feedback.web.addresses import widen
from feedback.web.limits import as_storage
from feedback.web.services import EXTENSION
from feedback.web.waiting import AGAIN
from serving.settings import DEMO_BASE
from tests.feedback.desk import Desk, make_desk
from tests.feedback.web.serving import wait_until


def begin(desk: Desk, address: str = "127.0.0.1", forwarded: str | None = None, client=None):
    """A stranger opens a conversation."""
    return (client or desk.app.test_client()).post(
        "/chat/start",
        json={"event_id": str(uuid4()), "text": "Hello?"},
        headers={"X-Forwarded-For": forwarded} if forwarded else {},
        environ_overrides={"REMOTE_ADDR": address},
    )


def visit(desk: Desk, begun, text: str = "Are you there?"):
    return desk.say(begun, "customer", text, by=begun["visitor_token"])


@pytest.fixture
def many(sqlite_engine, tmp_path) -> Desk:
    """A desk on which one visitor may have as many conversations as they like."""
    return make_desk(sqlite_engine, tmp_path, trusted_proxies=1, visitor_conversations=10_000)


def test_a_thousand_openings_from_one_address_are_refused_and_an_apps_are_not(many):
    """In 28 s, as it was seen: ten of the minute are taken."""
    answers = []
    for number in range(1000):
        answers.append(begin(many, forwarded="203.0.113.9"))
        if number % 20 == 0:
            many.open(f"Where is order {number}?")  # asserts that it was taken
        many.clock.advance(0.028)
    assert [answer.status_code for answer in answers] == [201] * 10 + [429] * 990
    last = answers[-1]
    # The first opening leaves the window after 60 s; 999 * 0.028 s have passed.
    assert last.headers["Retry-After"] == "33"
    assert last.get_json()["error"] == {
        "code": "too_many_requests",
        "message": "Too many requests (10 a minute, [feedback] address_openings).",
        "hint": "Send it again, under the same event id, in 33 s; apps have no such limit.",
    }
    assert begin(many, forwarded="203.0.113.10").status_code == 201
    many.clock.advance(33)
    assert begin(many, forwarded="203.0.113.9").status_code == 201


def test_strangers_of_many_addresses_share_one_number_of_openings(many):
    answers = [begin(many, forwarded=f"198.51.100.{number}").status_code for number in range(100)]
    assert answers == [201] * 60 + [429] * 40
    many.open()


def test_whom_the_address_refuses_takes_nothing_of_what_strangers_share(many):
    for _ in range(200):
        begin(many, forwarded="203.0.113.9")
    others = [begin(many, forwarded=f"198.51.100.{number}").status_code for number in range(60)]
    assert others == [201] * 50 + [429] * 10


def test_one_visitor_writes_thirty_times_a_minute_and_others_go_on(many):
    begun, other = begin(many, forwarded="203.0.113.1").get_json(), many.open()
    answers = [visit(many, begun).status_code for _ in range(40)]
    assert answers == [201] * 30 + [429] * 10
    assert visit(many, other).status_code == 201
    assert many.say(begun, "customer", "for them", by="app").status_code == 201


def test_what_a_visitor_reads_takes_nothing_of_what_they_may_write(sqlite_engine, tmp_path):
    desk = make_desk(sqlite_engine, tmp_path, visitor_writes=3)
    opened = desk.open()
    path = f"/v1/conversations/{opened['conversation_id']}/messages"
    assert [desk.get(path, opened["visitor_token"]).status_code for _ in range(10)] == [200] * 10
    assert [visit(desk, opened).status_code for _ in range(4)] == [201] * 3 + [429]


def test_looking_again_for_a_reader_who_waits_is_no_request_of_theirs(sqlite_engine, tmp_path):
    desk = make_desk(sqlite_engine, tmp_path, visitor_requests=3)
    opened = desk.open()

    def look(**environ) -> int:
        return (
            desk.app.test_client()
            .get(
                f"/v1/conversations/{opened['conversation_id']}/messages",
                headers={"Authorization": f"Bearer {opened['visitor_token']}"},
                environ_overrides=environ,
            )
            .status_code
        )

    assert [look(**{AGAIN: True}) for _ in range(10)] == [200] * 10
    assert [look() for _ in range(4)] == [200] * 3 + [429]


def test_behind_one_address_an_apps_customer_is_not_refused_for_a_stranger(sqlite_engine, tmp_path):
    desk = make_desk(sqlite_engine, tmp_path, address_requests=5)
    opened = desk.open()
    assert [begin(desk, address="203.0.113.1").status_code for _ in range(6)] == [201] * 5 + [429]
    answer = desk.app.test_client().get(
        f"/v1/conversations/{opened['conversation_id']}/messages",
        headers={"Authorization": f"Bearer {opened['visitor_token']}"},
        environ_overrides={"REMOTE_ADDR": "203.0.113.1"},
    )
    assert answer.status_code == 200


def test_customers_of_an_app_are_not_refused_for_strangers_from_their_address(sqlite_engine, tmp_path):
    desk = make_desk(sqlite_engine, tmp_path, address_requests=5, strangers_requests=8)
    begun, opened = begin(desk).get_json(), desk.open()
    path = f"/v1/conversations/{begun['conversation_id']}/messages"
    assert [desk.get(path, begun["visitor_token"]).status_code for _ in range(5)] == [200] * 4 + [429]
    own = f"/v1/conversations/{opened['conversation_id']}/messages"
    assert [desk.get(own, opened["visitor_token"]).status_code for _ in range(20)] == [200] * 20
    assert [desk.get(own, "agent").status_code for _ in range(20)] == [200] * 20


def test_customers_of_an_app_are_counted_by_address_too(sqlite_engine, tmp_path):
    desk = make_desk(sqlite_engine, tmp_path, address_requests=5)
    opened = [desk.open() for _ in range(10)]
    answers = [
        desk.app.test_client().get(
            f"/v1/conversations/{each['conversation_id']}/messages",
            headers={"Authorization": f"Bearer {each['visitor_token']}"},
            environ_overrides={"REMOTE_ADDR": "203.0.113.1"},
        )
        for each in opened
    ]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 5


def test_guessing_tokens_is_counted_by_address(sqlite_engine, tmp_path):
    desk = make_desk(sqlite_engine, tmp_path, address_requests=5)
    guesses = [desk.get("/v1/queue", f"rj_agent_{number}").status_code for number in range(8)]
    assert guesses == [401] * 5 + [429] * 3
    assert desk.get("/v1/queue", "agent").status_code == 200


def test_probes_and_files_are_never_refused(sqlite_engine, tmp_path):
    desk = make_desk(sqlite_engine, tmp_path, address_requests=1)
    for path in ("/healthz", "/readyz", "/metrics", "/static/style.css"):
        for _ in range(3):
            with desk.get(path, None) as answer:
                assert answer.status_code == 200


def test_a_full_share_of_strangers_lets_staff_sign_in(sqlite_engine, tmp_path):
    desk = make_desk(sqlite_engine, tmp_path, strangers_requests=1)
    assert [desk.get("/chat", None).status_code for _ in range(2)] == [200, 429]
    assert desk.get("/sign-in", None).status_code == 200


@pytest.mark.parametrize(
    ("address", "counted_as"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("::1", "::1"),
        ("", "unknown"),
    ],
)
def test_a_client_with_a_network_of_addresses_counts_once(address, counted_as):
    assert widen(address) == counted_as


@pytest.mark.real
def test_two_processes_count_together_in_redis_and_apart_while_it_is_away(
    sqlite_engine, tmp_path, monkeypatch
):
    monkeypatch.setattr("feedback.web.limits.STORE_WAIT_S", 60)  # a busy machine is not away
    with running_redis(tmp_path) as (url, stop):
        one = make_desk(sqlite_engine, tmp_path, limits_url=url, address_openings=4, visitor_conversations=99)
        two = create_app(one.app.extensions[EXTENSION].settings, store_engine=sqlite_engine, clock=one.clock)
        other = Desk(two, sqlite_engine, one.clock)
        answers = [begin(one if number % 2 else other) for number in range(6)]
        assert [answer.status_code for answer in answers] == [201] * 4 + [429] * 2
        assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
        stop()
        assert [begin(one).status_code for _ in range(5)] == [201] * 4 + [429]
        assert begin(other).status_code == 201


@contextmanager
def running_redis(place: Path) -> Iterator[tuple[str, Callable[[], None]]]:
    """Its address, and a way to stop it before the end."""
    program = which("redis-server") or which("valkey-server")
    if program is None:
        pytest.skip("no redis-server: apt-get install redis-server")
    port = find_port("127.0.0.1", 0)
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(place)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)

    def stop() -> None:
        server.terminate()
        server.wait(30)

    def listens() -> bool:
        with closing(socket.socket()) as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    try:
        wait_until(listens)
        yield f"redis://127.0.0.1:{port}/0", stop
    finally:
        stop()


def test_valkey_is_spoken_to_as_redis():
    assert as_storage("valkey://host:1/0") == "redis://host:1/0"
    assert as_storage("valkeys://host:1/0") == "rediss://host:1/0"
    assert as_storage("redis://valkey:1/0") == "redis://valkey:1/0"


def test_a_browser_has_five_conversations_that_wait_and_the_sixth_names_the_number(desk):
    browser = desk.app.test_client()
    browser.get("/chat")
    begun = [begin(desk, client=browser) for _ in range(6)]
    assert [each.status_code for each in begun] == [201] * 5 + [409]
    error = begun[-1].get_json()["error"]
    assert error["code"] == "too_many_conversations"
    assert "5 conversations" in error["message"] and "visitor_conversations" in error["hint"]
    assert begin(desk).status_code == 201  # another browser, that has no cookie
    answered = desk.say(begun[0].get_json(), "agent", "Here we are.", by="agent")
    assert answered.status_code == 201
    assert begin(desk, client=browser).status_code == 201


def test_who_keeps_no_cookie_or_makes_one_up_is_known_by_address(desk):
    for number in range(5):
        client = desk.app.test_client()
        client.set_cookie("rejoinder_visitor", f"made-up-{number}", path="/chat")
        assert begin(desk, client=client).status_code == 201
    assert begin(desk).status_code == 409
    assert begin(desk, address="203.0.113.1").status_code == 201
    assert len({row.stranger_hash for row in desk.rows(Conversation)}) == 2


def test_a_repeated_opening_is_answered_as_the_first_time_whatever_the_cap(desk):
    said = [{"event_id": str(uuid4()), "text": "Hello?"} for _ in range(5)]
    first = [desk.app.test_client().post("/chat/start", json=each).get_json() for each in said]
    assert desk.app.test_client().post("/chat/start", json=said[0]).get_json() == first[0]


def test_messages_and_thumbs_of_a_visitor_have_a_cap_and_those_of_an_app_none(tmp_path, sqlite_engine):
    desk = make_desk(sqlite_engine, tmp_path, visitor_messages=3, visitor_thumbs=2, undo_window_s=0)
    begun = begin(desk).get_json()
    assert [visit(desk, begun).status_code for _ in range(3)] == [201, 201, 409]
    assert visit(desk, begun).get_json()["error"]["code"] == "too_many_messages"
    assert desk.say(begun, "customer", "By hand", by="app").status_code == 201
    reply = desk.say(begun, "agent", "Hello.", by="agent").get_json()["message_id"]
    path = f"/v1/messages/{reply}/thumbs"
    thumbs = [desk.post(path, begun["visitor_token"], value=1) for _ in range(3)]
    assert [thumb.status_code for thumb in thumbs] == [201, 201, 409]
    assert thumbs[-1].get_json()["error"]["code"] == "too_many_thumbs"
    assert desk.post(path, "app", value=1).status_code == 201


@pytest.mark.parametrize(
    ("said", "base", "is_open"),
    [
        (None, DEMO_BASE, True),
        (None, "Qwen/Qwen3-0.6B", False),
        (True, "Qwen/Qwen3-0.6B", True),
        (False, DEMO_BASE, False),
    ],
)
def test_the_chat_is_open_with_the_demo_model_alone_unless_it_is_said(said, base, is_open):
    assert FeedbackSettings(public_chat=said).opens_chat(base) is is_open


def test_a_closed_chat_is_not_there(sqlite_engine, tmp_path):
    desk = make_desk(sqlite_engine, tmp_path, public_chat=None)
    assert desk.get("/chat", None).status_code == 404
    assert begin(desk).status_code == 404
    for path, role in (("/sign-in", None), ("/workbench", "agent"), ("/console", "admin")):
        assert 'href="/chat"' not in desk.get(path, role).text
    own = desk.get(f"/chat/{desk.open()['conversation_id']}", None)
    assert own.status_code == 200 and "data-public" not in own.text
