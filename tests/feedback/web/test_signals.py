"""Several web processes on one store: what one commits wakes the readers of the others."""

import os
import socket

import pytest
from sqlalchemy import text

from feedback.store.changes import note_change, on_commit
from feedback.store.engine import open_engine, read_connection, unit_of_work
from feedback.store.marks import read_mark
from feedback.web.datagrams import Datagrams
from feedback.web.net import Net
from feedback.web.signals import AT_MOST, open_signals, pack, unpack
from feedback.web.wakeups import Wakeups
from tests.feedback.builders import add_turn
from tests.feedback.web.serving import wait_until


class Heard:
    """A process as far as signals go: what it hears of the others."""

    def __init__(self, engine, data_dir):
        self.topics = []
        self.signals = open_signals(engine, data_dir, hear=self.topics.extend)


def test_what_one_process_commits_the_others_hear_and_it_does_not_hear_itself(store_engine, tmp_path):
    one, two, three = (Heard(store_engine, tmp_path) for _ in range(3))
    on_commit(store_engine, one.signals.notify)

    def commit(topic):
        with unit_of_work(store_engine) as session:
            note_change(session, topic)

    try:
        # LISTEN begins with a connection of its own: told again until it is heard
        wait_until(lambda: commit("conversation:a") or ("conversation:a" in two.topics and three.topics))
        commit("conversation:b")
        wait_until(lambda: "conversation:b" in two.topics and "conversation:b" in three.topics)
        assert one.topics == []
    finally:
        for each in (one, two, three):
            each.signals.close()


def test_what_is_rolled_back_is_told_to_nobody(store_engine):
    told = []
    on_commit(store_engine, told.extend)
    with pytest.raises(KeyError), unit_of_work(store_engine) as session:
        note_change(session, "conversation:a")
        raise KeyError
    with unit_of_work(store_engine) as session:
        note_change(session, "conversation:b")
    assert told == ["conversation:b"]


def test_a_listener_that_fails_harms_neither_the_commit_nor_the_next(store_engine, caplog):
    told = []
    on_commit(store_engine, lambda topics: 1 / 0)
    on_commit(store_engine, told.extend)
    with unit_of_work(store_engine) as session:
        turn = add_turn(session)
        note_change(session, "turn:a")
    assert "turn:a" in told and "ZeroDivisionError" in caplog.text
    with read_connection(store_engine) as connection:
        assert (
            connection.execute(text("SELECT count(*) FROM turn WHERE id = :id"), {"id": turn.id}).scalar()
            == 1
        )


def test_a_socket_whose_process_was_killed_is_removed(tmp_path):
    dead = tmp_path / "1-dead.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as left:
        left.bind(str(dead))
    living = Datagrams(tmp_path, hear=lambda topics: None)
    living.notify(["a"])
    assert not dead.exists() and len(list(tmp_path.iterdir())) == 1
    living.close()
    assert list(tmp_path.iterdir()) == []


def test_datagrams_work_in_a_directory_with_a_long_name(tmp_path):
    deep = tmp_path / ("x" * 150)
    heard: list[str] = []
    one, other = Datagrams(deep, hear=heard.extend), Datagrams(deep, hear=heard.extend)
    one.notify(["a"])
    wait_until(lambda: heard == ["a"])
    one.close()
    other.close()


def test_nonsense_is_no_signal(tmp_path):
    heard: list[str] = []
    one, other = Datagrams(tmp_path, hear=heard.extend), Datagrams(tmp_path, hear=heard.extend)
    address = next(path for path in tmp_path.iterdir() if str(os.getpid()) in path.name)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as stranger:
        for message in (b"{", b"{}", b"[]", b"[1]", b"\xff"):
            stranger.sendto(message, str(address))
    one.notify(["a"])
    other.notify(["b"])
    wait_until(lambda: sorted(heard) == ["a", "b"])
    one.close()
    other.close()


def test_many_topics_are_told_in_messages_that_postgresql_takes():
    topics = [f"conversation:{number:036}" for number in range(1000)]
    messages = list(pack(topics, sender="me"))
    assert max(map(len, messages)) < 8000 and len(messages) == -(-1000 * 57 // AT_MOST)
    assert [topic for message in messages for topic in unpack(message)[1]] == topics


def test_the_poll_every_second_finds_what_nobody_signalled(store_engine, tmp_path):
    """By a second engine on the same store, which tells nothing."""
    other = open_engine(store_engine.url.render_as_string(hide_password=False))
    wakeups = Wakeups()
    with unit_of_work(other) as session:
        turn = add_turn(session)
    topic = f"conversation:{turn.conversation_id}"
    wakeups.list_topics = lambda: {topic: None, "turn:unknown": None}  # type: ignore[method-assign]
    signalled: list[list[str]] = []
    wakeups.signal = lambda topics: signalled.append(sorted(topics))  # type: ignore[method-assign]
    net = Net(store_engine, wakeups)
    with read_connection(store_engine) as connection:
        for _ in range(3):
            net.poll(connection)
        assert signalled == [[topic, "turn:unknown"]]  # once, since they are new here
        with unit_of_work(other) as session:
            session.execute(
                text("UPDATE message SET position = position + 1 WHERE conversation_id = :id"),
                {"id": turn.conversation_id},
            )
        for _ in range(3):
            net.poll(connection)
    assert signalled[1:] == [[topic]]
    other.dispose()


def test_who_has_seen_all_there_is_is_not_woken_by_the_first_look_for_them(store_engine):
    """A thousand pages that are opened ask once each, not twice."""
    with unit_of_work(store_engine) as session:
        fresh, stale = (f"conversation:{add_turn(session).conversation_id}" for _ in range(2))
    with read_connection(store_engine) as connection:
        seen = {topic: read_mark(connection, topic=topic) for topic in (fresh, stale, "conversation:none")}
        assert seen == {fresh: (0, 0, None, None), stale: (0, 0, None, None), "conversation:none": ()}
        wakeups = Wakeups()
        wakeups.list_topics = lambda: {**seen, stale: (0, None, None, None)}  # type: ignore[method-assign]
        signalled: list[list[str]] = []
        wakeups.signal = lambda topics: signalled.append(sorted(topics))  # type: ignore[method-assign]
        net = Net(store_engine, wakeups)
        for _ in range(2):
            net.poll(connection)
    assert signalled == [[stale]]
