"""Where an adapter is set against the version that was live beside it: its page, the list of adapters."""

import re

import pytest

from feedback.store.engine import unit_of_work
from tests.feedback.builders import add_adapter
from tests.feedback.experiments.stores import give_prompts
from tests.feedback.experiments.test_versions import NEW, OLD, open_versions


def read_rows(page: str) -> dict[str, str]:
    """What stands in each row of the page's tables, without marks."""
    rows = re.findall(r'<th scope="row">(.*?)</th><td class="number">(.*?)</td>', page)
    return {name: " ".join(re.sub(r"<[^>]+>", "", value).split()) for name, value in rows}


@pytest.fixture
def open_page(sqlite_desk):
    with unit_of_work(sqlite_desk.engine) as session:
        add_adapter(session, OLD, "live")
        add_adapter(session, NEW, "canary")

    def open_page(name: str, language: str = "en") -> str:
        headers = {"Authorization": f"Bearer {sqlite_desk.tokens['expert']}", "Accept-Language": language}
        answer = sqlite_desk.app.test_client().get(f"/console/adapters/{name}", headers=headers)
        assert answer.status_code == 200
        return answer.text

    return open_page


def test_picks_of_either_version_are_shown_on_the_page_of_the_newer(sqlite_desk, open_page):
    for index, role in ((3, "agent"), (3, "ben"), (3, "agent"), (1, "agent"), (0, "ben")):
        assert sqlite_desk.pick(open_versions(sqlite_desk), index, role=role).status_code == 201
    sqlite_desk.clock.advance(60)
    give_prompts(sqlite_desk)
    page = open_page(NEW)
    rows = read_rows(page)
    assert "Against the version before" in page and f'href="/console/adapters/{OLD}"' in page
    assert "<strong>75 %</strong>" in page and "not known yet" in page  # three of four
    assert rows["picks of this adapter"] == "3"
    assert rows["picks of the version before"] == "1"
    assert rows["picks of the base"] == "1 20 %"
    assert rows["shared: the same text from both versions, or a tie across them"] == "0 0 %"
    assert "share without halves is at least this (99 %, clustered by 2 agents)" in rows
    assert "no picks yet" in page  # its support rate has none of them
    assert "与上一版本相比" in open_page(NEW, "zh")


def test_the_list_of_adapters_tells_the_same(sqlite_desk, open_page):
    for index in (3, 3, 1, 0):
        sqlite_desk.pick(open_versions(sqlite_desk), index)
    sqlite_desk.clock.advance(60)
    give_prompts(sqlite_desk)
    listed = {row["name"]: row for row in sqlite_desk.get("/v1/adapters", "admin").json["adapters"]}
    (found,) = listed[NEW]["comparisons"]
    told = [found[name] for name in ("new", "old", "rate", "won", "lost", "base", "judgements")]
    assert told == [NEW, OLD, 2 / 3, 2, 1, 1, 4]
    assert listed[OLD]["comparisons"] == []
    assert sqlite_desk.get("/v1/adapters", "agent").status_code == 403


def test_an_adapter_that_was_never_compared_has_no_such_panel(sqlite_desk, open_page):
    sqlite_desk.pick(open_versions(sqlite_desk), 3)
    assert "Against the version before" not in open_page(OLD)
