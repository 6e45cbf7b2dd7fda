"""Who is at the desk and who reads what, on both databases."""

from datetime import timedelta

import pytest

from feedback.errors import NotFound
from feedback.store.conversations import IncomingMessage, open_conversation
from feedback.store.engine import read, unit_of_work
from feedback.store.presence import count_present, end_presence, list_readers, note_presence
from tests.databases import START

SECOND = timedelta(seconds=1)


@pytest.fixture
def turns(store_engine):
    """The ids of two turns that wait."""
    with unit_of_work(store_engine) as session:
        opened = [
            open_conversation(
                session, desk_id="default", now=START, messages=[IncomingMessage("customer", text)]
            )
            for text in ("One", "Two")
        ]
        return [each.turn.id for each in opened]


def say(engine, agent, turn_id, at=START):
    with unit_of_work(engine) as session:
        note_presence(session, desk_id="default", agent=agent, turn_id=turn_id, now=at)


def look(engine, at=START):
    with read(engine) as session:
        readers = list_readers(session, desk_id="default", now=at)
        return readers, count_present(session, desk_id="default", now=at)


def test_everybody_reads_the_turn_that_they_named_last(store_engine, turns):
    first, second = turns
    say(store_engine, "ben", first)
    say(store_engine, "ann", first)
    say(store_engine, "eva", None)
    assert look(store_engine) == ({first: ["ann", "ben"]}, 3)
    say(store_engine, "ben", second)
    assert look(store_engine) == ({first: ["ann"], second: ["ben"]}, 3)


def test_who_says_nothing_reads_for_a_minute_and_is_there_for_three(store_engine, turns):
    say(store_engine, "ann", turns[0])
    assert look(store_engine, START + 59 * SECOND) == ({turns[0]: ["ann"]}, 1)
    assert look(store_engine, START + 60 * SECOND) == ({}, 1)
    assert look(store_engine, START + 179 * SECOND) == ({}, 1)
    assert look(store_engine, START + 180 * SECOND) == ({}, 0)


def test_who_was_seen_before_the_time_stepped_back_is_not_there(store_engine, turns):
    say(store_engine, "ann", turns[0])
    assert look(store_engine, START - SECOND) == ({}, 0)


def test_who_goes_is_gone_at_once(store_engine, turns):
    say(store_engine, "ann", turns[0])
    say(store_engine, "ben", turns[0])
    with unit_of_work(store_engine) as session:
        end_presence(session, desk_id="default", agent="ann")
        end_presence(session, desk_id="default", agent="nobody")
    assert look(store_engine) == ({turns[0]: ["ben"]}, 1)


def test_nobody_reads_a_turn_that_is_not_there(store_engine):
    with pytest.raises(NotFound) as refused:
        say(store_engine, "ann", "unknown")
    assert refused.value.code == "turn_not_found"
