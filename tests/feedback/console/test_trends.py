"""The page of trends: pictures with their tables, by hand, in both languages."""

import re
from datetime import UTC, date, datetime

import pytest

from feedback.console.trend_plots import Span, draw_shares, draw_support, plot_languages
from feedback.experiments.days import DaySupport, Stretch
from feedback.experiments.tally import Tally
from feedback.store.engine import unit_of_work
from tests.feedback.builders import add_adapter
from tests.feedback.desk import put_set
from tests.feedback.experiments.stores import give_prompts

DAY = date(2026, 11, 20)
ADAPTER = "tuned-20261122-1"  # of the sets that put_set writes


def read_text(desk, language):
    headers = {"Authorization": f"Bearer {desk.tokens['expert']}", "Accept-Language": language}
    answer = desk.app.test_client().get("/console/trends", headers=headers)
    assert answer.status_code == 200, answer.text
    assert "style=" not in answer.text and "%%" not in answer.text and "%(" not in answer.text
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))


def test_dots_of_a_day_stand_side_by_side_and_numbers_only_where_they_have_room():
    now = datetime(2026, 11, 29, tzinfo=UTC)
    days = [DaySupport(DAY, name, Tally(tied=1)) for name in ("one", "two")]
    long = Stretch("live", "one", 1.0, datetime(2026, 11, 1, tzinfo=UTC), None)
    short = Stretch("canary", "two", 0.2, now, None)
    plot = draw_support(days, [long, short], Span(DAY, 10), now)
    first, second = plot.whiskers
    assert first.x < second.x and first.middle == second.middle == plot.marks[0]  # at one half
    assert first.high < first.middle < first.low
    assert [(block.row, block.words) for block in plot.blocks] == [(0, "1"), (1, "")]
    assert [kind for kind, _y, _height in plot.bands] == ["harm", "weak", "good"]


def test_a_line_that_means_something_is_on_the_axis():
    plot = draw_shares({"A": Tally(40, 60), "B": Tally(60, 40)}, mark=0.25)
    assert plot.marks[0] > plot.whiskers[0].middle  # 25 % lies below 40 %
    assert [tick.words for tick in plot.along] == ["A", "B"]
    assert draw_shares({"A": Tally()}) is None


def test_rare_languages_are_one_line_and_regions_are_of_their_language():
    found = {(DAY, code): number for number, code in enumerate((None, "es", "fr", "de", "en", "zh"), 1)}
    spoken = plot_languages(found | {(DAY, "zh-CN"): 3})
    assert spoken.names == ["zh", "en", "de", "fr", "others"]
    assert spoken.days[DAY] == {"zh": 9, "en": 5, "de": 4, "fr": 3, "others": 3}
    assert spoken.share(DAY, "zh") == 9 / 24
    assert plot_languages({(DAY, "en"): 2}).names == ["en"]


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_an_empty_desk_is_told_what_fills_the_page(sqlite_desk, language):
    assert ("Nothing came in yet" in read_text(sqlite_desk, language)) == (language == "en")


@pytest.mark.parametrize(
    ("language", "told"),
    [
        (
            "en",
            "22 Nov tuned-20261122-1 3 1 0 75.0 % 30.1 % – 95.4 %|adapter 1 1 50.0 % 9.5 % – 90.5 %|"
            "A 1 25.0 % 4.6 % – 69.9 %|22 Nov 4 0 1 0 0.0 % 0.0 % – 43.4 %|22 Nov 5 13.8|22 Nov 3 2",
        ),
        (
            "zh-CN",
            "11月22日 tuned-20261122-1 3 1 0 75.0 % 30.1 % – 95.4 %|适配器 1 1 50.0 % 9.5 % – 90.5 %|"
            "A 1 25.0 % 4.6 % – 69.9 %|11月22日 4 0 1 0 0.0 % 0.0 % – 43.4 %|11月22日 5 13.8|11月22日 3 2",
        ),
    ],
)
def test_every_picture_has_its_numbers(desk, language, told):
    """Four picks, three of the adapter; one own text; a thumb up and one down."""
    with unit_of_work(desk.engine) as session:
        add_adapter(session, ADAPTER, "live")
    sent = []
    for number, index in enumerate((1, 3, 1, 0)):
        opened, shown = open_in(desk, "zh-CN" if number % 2 else "en")
        sent.append(desk.pick(shown, index).json | {"visitor": opened["visitor_token"]})
    _, shown = open_in(desk, "en")
    assert desk.judge(shown, "own", text="Something by hand, quite long.").status_code == 201
    give_prompts(desk)
    assert "No counted pick" in read_text(desk, "en")  # all are held back: they can open their sets again
    desk.clock.advance(60)
    for judged, value in zip(sent[:2], (1, -1), strict=True):
        path = f"/v1/messages/{judged['message_id']}/thumbs"
        assert desk.post(path, judged["visitor"], value=value).status_code == 201
    text = read_text(desk, language)
    for sentence in told.split("|"):
        assert sentence in text, (sentence, text)


def open_in(desk, language):
    opened = desk.open(language=language)
    put_set(desk.engine, opened["turn_id"])
    return opened, desk.get(f"/v1/turns/{opened['turn_id']}/suggestions", "agent").json
