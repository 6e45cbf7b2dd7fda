"""Pages that are not open or not there say what the reader may do, and where what they look for would be."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest

from feedback import translations
from feedback.errors import NotFound
from feedback.web.ways_on import MAY, PLACES, find_way_on
from tests.feedback.desk import Desk

AGENT, EXPERT, LABELLER = MAY["agent"], MAY["expert"], MAY["labeller"]


def open_page(desk: Desk, path: str, role: str, *, method: str = "GET", language: str = "en"):
    headers = {
        "Accept": "text/html",
        "Accept-Language": language,
        "Authorization": f"Bearer {desk.tokens[role]}",
    }
    return desk.app.test_client().open(path, method=method, headers=headers)


@pytest.mark.parametrize(
    ("role", "path", "said", "name"),
    [
        ("labeller", "/workbench", LABELLER, "lee"),
        ("agent", "/console", AGENT, "ann"),
        ("agent", "/console/runs?state=done", AGENT, "ann"),
        ("expert", "/console/people", EXPERT, "eva"),
    ],
)
@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_who_may_not_see_a_page_is_told_what_they_may_do(sqlite_desk, role, path, said, name, language):
    answer = open_page(sqlite_desk, path, role, language=language)
    words, signed_in = translations.read_catalogue(), "You are signed in as %(name)s."
    if language != "en":
        said, signed_in = str(words[said].string), str(words[signed_in].string)
    assert answer.status_code == 403
    assert f"<p>{said}</p>" in answer.text
    assert signed_in % {"name": name} in answer.text
    way_in = re.search(r'href="(/sign-in\?next=[^"]+)"', answer.text)
    assert way_in is not None
    assert parse_qs(urlsplit(way_in[1]).query) == {"next": [path]}


def test_a_form_that_is_not_open_leads_back_to_no_form(sqlite_desk):
    answer = open_page(sqlite_desk, "/console/people", "expert", method="POST")
    assert answer.status_code == 403 and f"<p>{EXPERT}</p>" in answer.text
    assert 'href="/sign-in"' in answer.text


@pytest.mark.parametrize(
    ("path", "role", "place", "label"),
    [
        ("/console/runs/x", "expert", "/console/runs", "See all runs"),
        ("/console/runs/x/report", "expert", "/console/runs", "See all runs"),
        ("/console/adapters/x", "admin", "/console/adapters", "See all adapters"),
        ("/console/datasets/x", "expert", "/console/datasets", "See all datasets"),
        ("/console/duels/x", "expert", "/console/duels", "See all duels"),
    ],
)
def test_what_is_not_there_is_looked_for_in_its_list(sqlite_desk, path, role, place, label):
    answer = open_page(sqlite_desk, path, role)
    assert answer.status_code == 404
    assert f'<a class="button" href="{place}">{label}</a>' in answer.text
    chinese = open_page(sqlite_desk, path, role, language="zh-CN")
    assert (
        f'<a class="button" href="{place}">{translations.read_catalogue()[label].string}</a>' in chinese.text
    )


def test_people_are_looked_for_by_admins_alone(sqlite_desk):
    with sqlite_desk.app.test_request_context("/"):
        for what in ("user", "token"):
            assert find_way_on(NotFound(what, "x"), "admin").place == ("/console/people", "See everybody")
            assert find_way_on(NotFound(what, "x"), "expert").place is None


@pytest.mark.parametrize("role", ["agent", None, "visitor"])
def test_a_reader_without_the_list_is_not_sent_there(sqlite_desk, role):
    with sqlite_desk.app.test_request_context("/"):
        assert find_way_on(NotFound("run", "x"), role).place is None


def test_nobody_is_told_where_to_sign_in_by_a_page_of_customers(sqlite_desk):
    answer = sqlite_desk.app.test_client().get("/chat/nowhere/x", headers={"Accept": "text/html"})
    assert answer.status_code == 404 and "/sign-in" not in answer.text


def test_every_place_is_a_page(sqlite_desk):
    pages = sqlite_desk.app.view_functions
    assert {place.endpoint for place in PLACES.values()} <= set(pages)
    for place in PLACES.values():
        assert set(place.roles) - {"admin"} <= set(pages[place.endpoint].roles)
