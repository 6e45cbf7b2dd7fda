"""Drift in the rows of a store, on both databases, and the alarm on the pages of the console."""

import html
import re
from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import delete

from feedback.drift.shift import DAYS, hit
from feedback.drift.watch import KeptWatch, count_tags, list_watched, watch_now, watch_shares
from feedback.drift.watched import MOST_MEMBERS, QUANTITIES
from feedback.store.deployments import add_deployment
from feedback.store.engine import read, unit_of_work
from feedback.store.tables import Message
from feedback.tags.tree import TagTree
from tests.databases import START
from tests.feedback.builders import DESK, add_adapter
from tests.feedback.drift.days import ADAPTER, fill_days

TODAY = datetime(2026, 11, 22, tzinfo=UTC)
NOW = START


def look(engine, now=NOW):
    with read(engine) as session:
        return watch_now(session, now=now)


def test_a_new_desk_is_too_early_to_tell(store_engine):
    watch = look(store_engine)
    assert watch.alarms == () and watch.too_early == tuple(QUANTITIES)
    assert watch.to_json() == {"alarms": [], "too_early": list(QUANTITIES)}


def test_every_quantity_that_shifts_is_told(store_engine):
    fill_days(store_engine, TODAY, shifted=4)
    with read(store_engine) as session:
        watched = {
            (each.name, each.member): each for each in list_watched(session, today=TODAY.date(), desk_id=DESK)
        }
    assert watched["support", ADAPTER].days == [hit(20, 13)] * (DAYS - 4) + [hit(20, 1)] * 4
    assert watched["thumbs", None].days == [hit(20, 2)] * (DAYS - 4) + [hit(20, 16)] * 4
    assert watched["language", "zh"].days == [hit(20, 1)] * (DAYS - 4) + [hit(20, 15)] * 4
    assert watched["tag", "recall"].days == [hit(20, 1)] * (DAYS - 4) + [hit(20, 15)] * 4
    assert watched["tag", "vip"].days == [hit(20, 20)] * DAYS
    # 100 to 104 characters and 40 to 44, four times each; their squares by 20 (mean^2 + 2).
    assert [(day.count, day.total, day.squares) for day in watched["replies", None].days[:1]] == [
        (20, 2040, 20 * (102**2 + 2))
    ]
    assert watched["customers", None].days[0].mean == 42 and watched["replies", None].days[-1].mean == 262

    watch = look(store_engine)
    assert {alarm.said.code for alarm in watch.alarms} == {
        *("support_fell", "thumbs_rose", "replies_shifted", "customers_shifted"),
        *("language_shifted", "tag_shifted"),
    }
    assert {alarm.said.values["since"] for alarm in watch.alarms} == {date(2026, 11, 18)}
    told = {alarm.said.code: alarm.said.values for alarm in watch.alarms}
    assert (told["language_shifted"]["now"], told["language_shifted"]["before"]) == (75, 5)
    assert (told["replies_shifted"]["now"], told["replies_shifted"]["before"]) == (262, 102)
    assert (told["support_fell"]["now"], told["support_fell"]["before"]) == (5, 65)
    assert not watch.too_early


def test_a_quiet_desk_has_no_alarm_and_today_changes_nothing(store_engine):
    fill_days(store_engine, TODAY, shifted=0, also_today=True)
    for hours in (0, 9, 23):
        watch = look(store_engine, TODAY + timedelta(hours=hours))
        assert watch.alarms == () and watch.too_early == ()


@pytest.mark.parametrize(
    ("language", "said", "early"),
    [
        (
            "en",
            "Since 18 Nov, customers write Chinese in 75 % of conversations, after 5 % in the four",
            "Too early",
        ),
        ("zh", "自 11月18日起，75 % 的会话中客户使用中文；此前四周为 5 %。", "暂时无法判断"),
    ],
    ids=["en", "zh"],
)
def test_today_shows_each_alarm_with_its_rows(sqlite_desk, language, said, early):
    desk = sqlite_desk
    headers = {"Authorization": f"Bearer {desk.tokens['expert']}", "Accept-Language": language}

    def read_page(path="/console"):
        answer = desk.app.test_client().get(path, headers=headers)
        assert answer.status_code == 200
        return answer.text

    assert early in read_page() and 'data-part="drift"' not in read_page()
    fill_days(desk.engine, TODAY, shifted=4)
    desk.clock.advance(3600)  # a look is kept for an hour
    page = read_page()
    assert (
        said in page
        and early not in page
        and page.count("These rows" if language == "en" else "查看这些记录") == 6
    )
    for link in re.findall(r'href="(/console/conversations\?[^"]*since=2026-11-18[^"]*)"', page):
        assert read_page(html.unescape(link))


def test_beside_a_canary_support_is_that_of_the_live_adapter(sqlite_engine):
    fill_days(sqlite_engine, TODAY, shifted=0)
    canary = "tuned-20261121-1"
    with unit_of_work(sqlite_engine) as session:
        add_adapter(session, canary, "canary")
        put = {"actor": "ada", "reason": "new", "now": TODAY}
        add_deployment(session, desk_id=DESK, role="canary", adapter=canary, share=0.2, **put)
    with read(sqlite_engine) as session:
        watched = list(list_watched(session, today=TODAY.date(), desk_id=DESK))
    assert [each.member for each in watched if each.name == "support"] == [ADAPTER]


def test_a_tag_counts_once_a_conversation_and_is_watched_from_twenty_conversations_on():
    assert count_tags({("vip", "vip"): 3, ("vip", "new"): 2}, TagTree()) == {"vip": 5, "new": 2}
    daily = [Counter(often=20, seldom=19)] + [Counter()] * (DAYS - 1)
    (watched,) = watch_shares("tag", daily, [40] * DAYS)
    assert (watched.member, watched.days[:2]) == ("often", [hit(40, 20), hit(40, 0)])
    many = [Counter({f"tag {number}": 100 - number for number in range(MOST_MEMBERS + 3)})]
    found = [each.member for each in watch_shares("tag", many, [100])]
    assert found == [f"tag {number}" for number in range(MOST_MEMBERS)]


def test_a_look_is_kept_for_an_hour_while_the_same_serves(sqlite_engine):
    kept = KeptWatch()

    def look_again(minutes):
        with read(sqlite_engine) as session:
            return len(kept.read(session, now=TODAY + timedelta(minutes=minutes), desk_id=DESK).alarms)

    assert look_again(61) == 0
    fill_days(sqlite_engine, TODAY, shifted=4)
    assert look_again(119) == 6  # another adapter serves
    with unit_of_work(sqlite_engine) as session:
        session.execute(delete(Message))
    assert look_again(119) == 6
    assert look_again(120) == 4
