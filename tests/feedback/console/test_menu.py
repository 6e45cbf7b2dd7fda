"""The menu of the console: one current page, and the pages about data in a row of their own."""

import re

import pytest

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
