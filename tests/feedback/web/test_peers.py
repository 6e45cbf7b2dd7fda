"""When a proxy that no setting names is noted, and when the note goes."""

import json

from feedback.app import create_app
from feedback.web.peers import IN_A_ROW, NAME
from feedback.web.services import EXTENSION
from tests.feedback.desk import make_desk

FORWARDED = {"X-Forwarded-For": "203.0.113.9"}


def ask(desk, times: int = 1, address: str = "127.0.0.1", path: str = "/sign-in", headers=FORWARDED) -> None:
    for _ in range(times):
        desk.app.test_client().get(path, headers=headers, environ_overrides={"REMOTE_ADDR": address})


def test_a_hundred_forwarded_requests_of_one_loopback_peer_are_noted(sqlite_desk, tmp_path):
    note = tmp_path / NAME
    ask(sqlite_desk, IN_A_ROW - 1)
    assert not note.exists()
    ask(sqlite_desk, path="/healthz", headers={})  # a probe comes straight and says nothing
    ask(sqlite_desk)
    assert json.loads(note.read_text()) == {"peer": "127.0.0.1", "requests": IN_A_ROW}
    ask(sqlite_desk, headers={})
    assert not note.exists()


def test_peers_elsewhere_and_named_proxies_are_not_noted(sqlite_engine, tmp_path):
    ask(make_desk(sqlite_engine, tmp_path), IN_A_ROW, address="203.0.113.1")
    assert not (tmp_path / NAME).exists()


def test_naming_the_proxy_takes_the_note_away(sqlite_desk, sqlite_engine, tmp_path):
    ask(sqlite_desk, IN_A_ROW)
    assert (tmp_path / NAME).exists()
    settings = sqlite_desk.app.extensions[EXTENSION].settings.model_copy(update={"trusted_proxies": 1})
    create_app(settings, store_engine=sqlite_engine, clock=sqlite_desk.clock)
    assert not (tmp_path / NAME).exists()
