"""How far a campaign is, when it gets there, and which picks belong to it: figures worked out by hand."""

from datetime import timedelta
from itertools import product

import pytest

from feedback.campaigns.progress import CampaignProgress, read_progress
from feedback.store.campaigns import ENDED, Scenario
from feedback.store.engine import read, unit_of_work
from feedback.store.tables import DEFAULT_DESK, Campaign
from feedback.tags.tree import TagNode, TagTree
from tests.databases import START
from tests.feedback.campaigns.campaigns import add_pick

DAY = timedelta(days=1)
TREE = TagTree({"b": TagNode("b", "billing"), "r": TagNode("r", "refund", parent="b")}, {"topic:refund": "r"})


def make_campaign(**columns) -> Campaign:
    told = {"name": "A", "tags": [], "languages": [], "target": 40, "created_by": "eva"}
    times = {"created_at": START, "ends_at": START + 20 * DAY}
    return Campaign(desk_id=DEFAULT_DESK, **(told | times | columns))


@pytest.mark.parametrize(
    ("usable", "days", "left", "rate", "outlook", "waits"),
    [
        (10, 5.0, 20, 2.0, "expected", 15.0),  # 30 missing at 2 a day
        (10, 5.0, 14, 2.0, "late", 15.0),  # a day after its end
        (10, 5.0, 15, 2.0, "expected", 15.0),
        (10, 0.25, 20, 10.0, "expected", 3.0),  # what came in six hours counts as a day's
        (0, 5.0, 20, 0.0, "unknown", None),
        (40, 8.0, 20, 5.0, "reached", None),
        (41, 8.0, 0, 5.125, "reached", None),  # and stays so after its end
        (39, 20.0, 0, 1.95, "over", None),
    ],
    ids=str,
)
def test_the_rate_and_the_forecast(usable, days, left, rate, outlook, waits):
    far = CampaignProgress(usable, 40, days, left * DAY)
    assert (far.rate, far.outlook) == (rate, outlook)
    assert far.find_expected(START) == (None if waits is None else START + waits * DAY)
    assert (far.missing, far.share) == (max(0, 40 - usable), min(1, usable / 40))


def test_a_forecast_of_centuries_names_no_day():
    far = CampaignProgress(1, 100_000, 365.0, DAY)
    assert (far.outlook, far.find_expected(START)) == ("late", None)


def test_only_usable_picks_since_the_start_that_match_are_counted(store_engine):
    """Of thirteen records four count: with the tag, its path below or its alias, in the language, in time."""
    with unit_of_work(store_engine) as session:
        for tags in (["billing"], ["billing/refund"], ["topic:refund", "other"]):
            add_pick(session, tags=tags, language="zh-CN")
        add_pick(session, tags=["billing"], language="ZH", winner="base", at=START + DAY)
        add_pick(session, tags=["billing"], language="zh", at=START - DAY)
        add_pick(session, tags=["billing"], language="zh", at=START + 3 * DAY)  # after it was ended
        add_pick(session, tags=["delivery"], language="zh")
        add_pick(session, tags=[], language="zh")
        add_pick(session, tags=["billing"], language="en")
        add_pick(session, tags=["billing"], language=None)
        add_pick(session, tags=["billing"], language="zh", rejection="undone", winner=None, settled=None)
        add_pick(session, tags=["billing"], language="zh", winner=None, settled="own")
        add_pick(session, tags=["billing"], language="zh", erased_at=START)
    asked = {"tags": ["billing"], "languages": ["zh"]}
    ended = make_campaign(state=ENDED, ended_at=START + 2 * DAY, **asked)
    with read(store_engine) as session:
        far = read_progress(session, campaign=ended, tree=TREE, now=START + 5 * DAY)
        begun = read_progress(session, campaign=make_campaign(**asked), tree=TREE, now=START + 5 * DAY)
    assert (far.usable, far.days, far.rate, far.outlook) == (4, 2.0, 2.0, "over")
    assert (begun.usable, begun.days, begun.rate, begun.left) == (5, 5.0, 1.0, 15 * DAY)
    assert begun.outlook == "late" and begun.find_expected(START) == START + 35 * DAY  # 15 are left


def test_picks_are_counted_by_the_rule_that_marks_conversations(store_engine):
    """One pick of every kind: for every campaign as many count as the rule for conversations takes."""
    kinds = list(product(([], ["billing"], ["topic:refund", "x"], ["x"]), (None, "", "en", "zh-CN", "zht")))
    asked = list(product(([], ["billing"], ["billing/refund", "x"]), ([], ["ZH"], ["en", "zh-CN"])))
    with unit_of_work(store_engine) as session:
        for tags, language in kinds:
            add_pick(session, tags=tags, language=language)
    for tags, languages in asked:
        wanted = make_campaign(tags=tags, languages=languages)
        rule = Scenario(wanted, TREE.expand(tags))
        with read(store_engine) as session:
            far = read_progress(session, campaign=wanted, tree=TREE, now=START + DAY)
        assert far.usable == sum(rule.includes(*kind) for kind in kinds), (tags, languages)


@pytest.mark.parametrize(
    ("tags", "language", "belongs"),
    [
        (["billing"], "zh", True),
        (["topic:refund"], "ZH-Hans-CN", True),
        (["billing/refund"], "zho", False),
        (["billing"], None, False),
        (["bill"], "zh", False),
        ([], "zh", False),
    ],
    ids=str,
)
def test_a_conversation_belongs_by_its_tags_and_its_language(tags, language, belongs):
    wanted = make_campaign(tags=["billing"], languages=["zh"])
    assert Scenario(wanted, TREE.expand(["billing"])).includes(tags, language) is belongs
    assert Scenario(make_campaign(languages=["ZH"]), frozenset()).includes([], "zh-TW")
    assert Scenario(make_campaign(tags=["billing"]), frozenset(["billing"])).includes(["billing"], None)
