"""The menu: what each role finds in it, one current page, and the pages about data in a row of their own."""

import re

import pytest

LINKS = re.compile(r'<nav aria-label="Main">(.*?)</nav>', re.DOTALL)
CURRENT = re.compile(r'<a href="([^"]+)" aria-current="page">')


@pytest.mark.parametrize(
    ("path", "current"),
    [
        ("/console/datasets", ["/console/sources", "/console/datasets"]),
        ("/console/duplicates", ["/console/sources", "/console/duplicates"]),
        ("/console/funnel", ["/console/sources", "/console/funnel"]),
        ("/console/trends", ["/console/trends"]),
    ],
)
def test_the_row_of_data_pages_is_there_on_these_alone(sqlite_desk, path, current):
    headers = {"Authorization": f"Bearer {sqlite_desk.tokens['expert']}"}
    page = sqlite_desk.app.test_client().get(path, headers=headers).text
    assert CURRENT.findall(page) == current


@pytest.mark.parametrize(
    ("role", "first"),
    [
        ("labeller", ["/label"]),
        ("agent", ["/workbench", "/label"]),
        ("expert", ["/workbench", "/label", "/console"]),
        ("admin", ["/workbench", "/label", "/console"]),
    ],
)
def test_who_labels_finds_the_page_label_and_labellers_nothing_else(sqlite_desk, role, first):
    headers = {"Authorization": f"Bearer {sqlite_desk.tokens[role]}"}
    page = sqlite_desk.app.test_client().get("/label", headers=headers).text
    (menu,) = LINKS.findall(page)
    links = re.findall(r'href="([^"]+)"', menu)
    assert links[: len(first)] == first and (role in ("expert", "admin") or links == first)
    assert CURRENT.findall(page) == ["/label"]
