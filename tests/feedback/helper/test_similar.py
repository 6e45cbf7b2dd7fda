"""Pairs of prompts that are half alike are asked about, a bounded number a run, and marked: nothing more."""

import json

import pytest
from sqlmodel import select

from feedback.datasets.undecided import draw_undecided
from feedback.duplicates.grams import compare_grams, flatten_prompt, read_grams
from feedback.helper.errors import HelperAway
from feedback.helper.similar import ask_similar, list_marks
from feedback.store.engine import read, unit_of_work
from feedback.store.erasures import ErasedSubject, erase_rows
from feedback.store.tables import HelperCall, Record
from tests.clock import FrozenClock
from tests.databases import START
from tests.feedback.builders import DESK
from tests.feedback.datasets.test_build import ask, bring, build
from tests.feedback.datasets.test_sifting import asked, talks
from tests.feedback.helper.scripted import completion, make_helper, scripted

ORDER = "Hello, my order {} has not come and I would like to know when it does."
ALIKE = "Good evening, my order {} has not come and I would like to know whether it does."
APART = "I want to return the jacket that I bought last week, how do I send it to you?"
SAME, OTHER = completion({"asks": "same"}), completion({"asks": "other"})


def fill(engine, data):
    """Two prompts of train that are half alike to one of the test, one that is like none, and the first one
    once more.
    """
    first, second, third, fourth = talks("train", 4)
    (held,) = talks("test", 1)
    lines = [
        asked(first, ORDER.format(1), source="star"),
        asked(second, f"{ORDER.format(2)} Please.", source="star"),
        asked(third, APART, source="star"),
        asked(fourth, ORDER.format(3), source="star"),
        asked(held, ALIKE.format(4), source="star"),
    ]
    data.mkdir(exist_ok=True)
    bring(engine, data, *lines)
    return build(engine, data)


@pytest.fixture
def data(store_engine, tmp_path):
    fill(store_engine, tmp_path / "data")
    return tmp_path / "data"


def run(engine, address, data, most=20):
    helper = make_helper(engine, FrozenClock(START), address.address)
    return ask_similar(helper, engine, data_dir=data, most=most)


def marks(engine):
    with read(engine) as session:
        found = list_marks(session, desk_id=DESK, limit=10)
    return {mark.said: [ref.id.split("/")[0] for ref in mark.records] for mark in found}


def test_alike_is_what_characters_leave_undecided():
    one, two, other = (read_grams(flatten_prompt(ask(text.format(1)))) for text in (ORDER, ALIKE, APART))
    assert 0.5 < compare_grams(one, two) < 0.8 and compare_grams(one, other) < 0.1


def test_each_pair_is_asked_about_once_and_at_most_so_many_a_run(store_engine, data):
    """Equal prompts are one text: the first and the fourth."""
    with scripted(SAME, OTHER) as address:
        assert run(store_engine, address, data, most=1).said == {"same": 1}
        assert run(store_engine, address, data).said == {"other": 1}
        assert run(store_engine, address, data).said == {}
        assert len(address.asked) == 2
        told = json.loads(address.asked[0]["messages"][1]["content"])
    assert {told[side][-1]["content"][:4] for side in ("one", "two")} == {"Hell", "Good"}
    assert marks(store_engine) == {"same": ["star", "star"], "other": ["star", "star"]}


def test_the_mark_changes_no_record_and_no_dataset(store_engine, data, tmp_path):
    def tell():
        with read(store_engine) as session:
            rows = session.exec(select(Record).order_by(Record.id)).all()
        return [row.model_dump() for row in rows], build(store_engine, data).id

    before = tell()
    with scripted(SAME, SAME) as address:
        assert run(store_engine, address, data).said == {"same": 2}
    assert tell() == before


def test_what_is_not_reached_is_asked_later_and_what_is_no_answer_is_not(sqlite_engine, tmp_path):
    data = tmp_path
    fill(sqlite_engine, data)
    yes = completion({"asks": "yes"})
    with scripted(yes, yes, *[(503, {})] * 3, SAME) as address:
        with pytest.raises(HelperAway):
            run(sqlite_engine, address, data)
        assert run(sqlite_engine, address, data).said == {"same": 1}
        assert run(sqlite_engine, address, data).said == {}


def test_erasing_one_of_two_takes_the_texts_of_both_and_the_mark(store_engine, data):
    with scripted(SAME, SAME) as address:
        run(store_engine, address, data)
    held = talks("test", 1)[0]
    with unit_of_work(store_engine) as session:
        row = session.exec(select(Record).where(Record.conversation == held)).one()
        erase_rows(session, subject=ErasedSubject(records=[row.id]), now=START)
    assert marks(store_engine) == {}
    with read(store_engine) as session:
        assert {(row.request, row.answer) for row in session.exec(select(HelperCall))} == {(None, None)}
    with scripted() as address:  # nor is it sent again from the dataset that still holds it
        assert run(store_engine, address, data).said == {}


def test_what_is_drawn_is_of_two_splits_and_the_same_each_time(sqlite_engine, tmp_path):
    path = fill(sqlite_engine, tmp_path).path
    drawn = [draw_undecided(path, most=most) for most in (1, 9)]
    assert drawn[0] == drawn[1][:1] and len(drawn[1]) == 2
    assert all(one.conversation != two.conversation for one, two in drawn[1])
    without = [frozenset(each.address for each in drawn[0][0])]
    assert draw_undecided(path, most=9, without=without) == drawn[1][1:]


def test_the_page_of_duplicates_shows_the_mark(sqlite_desk, tmp_path):
    fill(sqlite_desk.engine, tmp_path)
    assert "half alike" not in sqlite_desk.get("/console/duplicates", "expert").text
    with scripted(SAME, OTHER) as address:
        run(sqlite_desk.engine, address, tmp_path)
    page = sqlite_desk.get("/console/duplicates", "expert").text
    assert page.count(">ask the same</td>") == page.count(">ask something else</td>") == 1
    assert page.count("judge-1") == 2 and ORDER[:20] not in page
    assert page.count("/console/lineage?") >= 4
