"""The page of the helper: the way to one, what is known of it, and nothing of what it says of an item."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from feedback.helper.settings import HelperSettings
from feedback.store.engine import unit_of_work
from feedback.web.services import EXTENSION
from tests.databases import START
from tests.feedback.helper.helper_rows import SECRET, add_call, add_helped_task
from tests.feedback.helper.scripted import KEY, trusted_in

PAGE = "/console/helper"
GIVEN = {"address": "https://judge.example/v1", "model": "judge", "key": KEY, "daily_tokens": 1_000}


def show(desk, role="expert", **settings):
    app = desk.app
    made = HelperSettings(**GIVEN | settings) if settings.get("address") != "" else HelperSettings()
    app.extensions[EXTENSION] = replace(app.extensions[EXTENSION], helper=made)
    page = desk.get(PAGE, role)
    assert page.status_code == 200 and KEY not in page.text and SECRET not in page.text
    return " ".join(re.sub(r"<[^>]+>", " ", page.text.partition("<h1>")[2]).split())


@pytest.fixture
def labelled(sqlite_desk):
    with unit_of_work(sqlite_desk.engine) as session:
        return sqlite_desk, add_helped_task(session, at=START)


def test_without_a_helper_the_page_tells_how_to_name_one(sqlite_desk):
    shown = show(sqlite_desk, address="")
    assert "There is no helper" in shown and "[helper] address =" in shown
    assert "rejoinder helper check" in shown and "Tokens today" not in shown
    assert sqlite_desk.get(PAGE, "agent").status_code == 403


def test_kappa_and_its_bar_are_told_and_only_the_tokens_of_today(labelled):
    """0.7 - 1.96 sqrt(0.51 / 40) = 0.48. Where people's alpha is 1 the bar is 0.90."""
    desk, _ = labelled
    shown = show(desk, price_in=1.0, uses=("compare",))
    assert "compare two replies too few items yet 40 / 100 0.70 at least 0.48 0.90 40 1 0 0" in shown
    assert "Tokens today (UTC) 25 of 1000" in shown and "Cost today 0.0250" in shown
    assert "Requests today 1 Who answered last judge-1" in shown
    assert "Last failures None." in shown and "Key from a variable Helps to compare two replies" in shown


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "trusted"),
        ({"is_trusted": False, "reason": "differs"}, "trusted no more"),
        ({"model": "judge-0"}, "another model answers"),
    ],
)
def test_the_last_decision_about_a_task_is_told(labelled, fields, said):
    desk, task = labelled
    with unit_of_work(desk.engine) as session:
        row = trusted_in(task.id, "judge-1")
        session.add(row.sqlmodel_update(fields))
    assert f"compare two replies {said} " in show(desk)


def test_what_failed_last_is_told_and_that_it_waits(labelled):
    desk, _ = labelled
    desk.clock.advance(60)
    later = START + timedelta(seconds=1)
    with unit_of_work(desk.engine) as session:
        add_call(session, state="unknown", error="timeout", at=later, tokens=900)
        add_call(session, state="failed", error="http_503", at=later + timedelta(seconds=1), tokens=0)
        add_call(session, state="refused", error="refusal", at=START, tokens=0, use="write")
        add_call(session, state="refused", error="refusal", at=START, tokens=0, use="fit")
    shown = show(desk)
    assert "an error of the address: HTTP 503 compare two replies judge.example 0" in shown
    assert "sent, and no whole answer came: too late compare two replies judge.example 900" in shown
    assert "the model refused write a text judge.example 0" in shown
    assert "the model refused say whether a reply fits judge.example 0" in shown
    assert "does not fit into today any more" in shown  # 925 + 900 > 1000
    with unit_of_work(desk.engine) as session:
        for number in range(8):
            add_call(session, state="unreachable", error="no_connection", at=later, tokens=0, key=str(number))
    assert "It failed ten times in a row and is left alone for ten minutes" in show(desk)
