"""Which language a page speaks: the cookie, else the browser, else the setting."""

import pytest

from feedback.web.languages import CHINESE, ENGLISH, match_language, show_language
from tests.feedback.desk import Desk


@pytest.mark.parametrize(
    ("code", "language"),
    [
        ("zh-CN", CHINESE),
        ("zh_Hans_CN", CHINESE),
        ("zh", CHINESE),
        ("en-GB", ENGLISH),
        ("fr", None),
        (None, None),
    ],
)
def test_codes_are_matched_to_what_there_is(code: str | None, language: str | None) -> None:
    assert match_language(code) == language


@pytest.mark.parametrize(
    ("accept", "cookie", "heading"),
    [
        ("en-GB,en", None, "Sign in"),
        ("zh-CN,zh;q=0.9,en;q=0.8", None, "登录"),
        ("zh-CN", "en", "Sign in"),
        ("en", "zh_Hans_CN", "登录"),
        ("fr", None, "Sign in"),
        ("en", "../../etc/passwd", "Sign in"),
    ],
)
def test_the_cookie_wins_over_the_browser(
    sqlite_desk: Desk, accept: str, cookie: str | None, heading: str
) -> None:
    client = sqlite_desk.app.test_client()
    if cookie:
        client.set_cookie("language", cookie)
    page = client.get("/sign-in", headers={"Accept": "text/html", "Accept-Language": accept}).text
    assert f"<h1>{heading}</h1>" in page


@pytest.mark.parametrize(
    ("code", "name"), [("de", "Deutsch"), ("zh", "中文"), ("ja", "日本語"), ("xx-yy", "xx-yy"), ("", "")]
)
def test_languages_have_the_names_their_people_use(code: str, name: str) -> None:
    assert show_language(code) == name


def test_the_funnel_filters_by_every_language_there_is(sqlite_desk: Desk) -> None:
    sqlite_desk.open("Wo bleibt denn meine Bestellung 1042?")
    sqlite_desk.open("订单在哪?", language="zh-CN")
    page = sqlite_desk.get("/console/funnel", role="expert").text
    for option in ('<option value="de">Deutsch</option>', '<option value="zh">中文</option>'):
        assert option in page
    assert 'value="en"' not in page
