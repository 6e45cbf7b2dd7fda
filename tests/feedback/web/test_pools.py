"""Threads apart by what they do, and the end of a server: what is at work finishes, who waits is answered."""

import threading
from contextlib import contextmanager

import pytest

from feedback.actor import Actor
from feedback.web.reader import BodyReader
from feedback.web.waiting import IN_ENVIRON, Waiting
from feedback.web.wakeups import Wakeups
from tests.feedback.web.serving import Served, open_stream, serving, wait_until

APP = Actor("token", "app", "default", name="shop")
THREADS = 4  # two for writes, two for reads


class Application:
    """Hangs at /hang until released, waits at /wait and streams at /stream for the topic `news`, answers
    elsewhere at once.
    """

    def __init__(self) -> None:
        self.released = threading.Event()
        self.hanging = 0
        self.news = 1
        self.calls = 0

    def __call__(self, environ, start_response):
        self.calls += 1
        if environ["PATH_INFO"] == "/hang":
            self.hanging += 1
            self.released.wait(60)
        if environ["PATH_INFO"] == "/wait":
            environ[IN_ENVIRON] = Waiting("news", APP, seconds=60, found=False)
        if environ["PATH_INFO"] == "/stream":
            after = int(environ["QUERY_STRING"].partition("=")[2] or 0)
            found = after < self.news
            environ[IN_ENVIRON] = Waiting("news", APP, seconds=0, found=found, then={"after": str(self.news)})
            start_response("200 OK", [("Content-Type", "application/json")])
            return [b'{"after": %d}' % after]
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [environ["PATH_INFO"].encode()]


@pytest.fixture
def application():
    application = Application()
    yield application
    application.released.set()


@contextmanager
def asking(served: Served, method: str, path: str, times: int):
    """So many calls at once, each from a thread; gives the list of their status codes as they come."""
    statuses: list[int] = []

    def ask() -> None:
        with served.client() as client:
            statuses.append(client.request(method, path).status_code)

    threads = [threading.Thread(target=ask) for _ in range(times)]
    for thread in threads:
        thread.start()
    yield statuses
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()


def test_probes_and_writes_are_answered_while_all_readers_hang(application):
    with serving(application, threads=THREADS) as served, served.client() as client:
        with asking(served, "GET", "/hang", 6) as statuses:
            wait_until(lambda: application.hanging == 2)
            assert client.post("/write").text == "/write"
            assert [client.get(path).status_code for path in ("/healthz", "/readyz", "/metrics")] == [200] * 3
            assert statuses == []
            application.released.set()
        assert statuses == [200] * 6


def test_probes_and_reads_are_answered_while_all_writes_hang(application):
    with serving(application, threads=THREADS) as served, served.client() as client:
        with asking(served, "POST", "/hang", 6) as statuses:
            wait_until(lambda: application.hanging == 2)
            assert client.get("/read").text == "/read" and client.get("/healthz").status_code == 200
            application.released.set()
        assert statuses == [200] * 6


def test_more_requests_than_may_queue_are_told_to_come_again(application, monkeypatch):
    monkeypatch.setattr("feedback.web.pools.QUEUED_PER_THREAD", 1)
    with serving(application, threads=THREADS) as served, served.client() as client:
        with asking(served, "GET", "/hang", 2) as first:
            wait_until(lambda: application.hanging == 2)
            with asking(served, "GET", "/hang", 2) as queued:
                wait_until(lambda: served.front._pools.reads._at_work == 4)
                answer = client.get("/read")
                application.released.set()
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.json()["error"]["code"] == "server_crowded"
    assert (first, queued) == ([200, 200], [200, 200])


def test_a_stream_that_has_said_its_news_looks_again_once_it_is_told_of_others(application):
    wakeups = Wakeups()
    with serving(application, wakeups=wakeups, threads=THREADS) as served, served.client() as client:
        with open_stream(client, "/stream") as stream:
            heard = [stream.next()]
            application.news = 2
            wakeups.signal(["news"])
            heard.append(stream.next())
    assert heard == [{"after": 0}, {"after": 1}] and application.calls == 2


def test_a_stream_without_a_thread_for_its_next_look_says_nothing_twice(application, monkeypatch):
    wakeups, crowded, repeat_later = Wakeups(), threading.Event(), BodyReader.repeat_later
    monkeypatch.setattr(BodyReader, "repeat_later", lambda reader: repeat_later(reader) or crowded.set())
    with serving(application, wakeups=wakeups, threads=THREADS) as served, served.client() as client:
        looks = served.front._pools.looks
        looks._limit, usual = 0, looks._limit
        with open_stream(client, "/stream") as stream:
            heard = [stream.next()]
            application.news = 2
            wakeups.signal(["news"])
            assert crowded.wait(30)
            looks._limit = usual
            heard.append(stream.next())
    assert heard == [{"after": 0}, {"after": 1}]


def test_a_server_that_ends_answers_who_waits_and_finishes_what_is_at_work(application):
    wakeups = Wakeups()
    with serving(application, wakeups=wakeups, threads=THREADS) as served:
        with asking(served, "GET", "/wait", 3) as waited, asking(served, "POST", "/hang", 1) as worked:
            wait_until(lambda: served.front._places.open == 3 and application.hanging == 1)
            served.server.should_exit = True
            wait_until(lambda: waited == [200] * 3)
            assert worked == []
            application.released.set()
        assert worked == [200]
