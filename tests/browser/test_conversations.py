"""From a count to its rows, to one of them, and away as a file: by keyboard, in every way of looking."""

from collections.abc import Callable

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page, expect

from tests.browser.conftest import View
from tests.browser.site import Site
from tests.browser.test_axe import RUN
from tests.feedback.desk import make_desk, put_set

pytestmark = pytest.mark.real

WORDS = {
    "en-GB": ("Conversations", "Words", "sent as suggested", "1 row."),
    "zh-CN": ("会话列表", "关键词", "原样发送", "共 1 条。"),
}


def test_a_count_leads_to_its_rows_and_these_to_the_conversation(
    site: Site, open_page: Callable[..., Page], view: View
) -> None:
    answer_two(site)
    title, words, picked, one = WORDS[view.language]
    page = open_page(language=view.language, width=view.width, height=view.height)
    page.goto(site.sign_in_link("eva", "expert"))
    page.goto(f"{site.url}/console/funnel")
    page.locator('.funnel a[href*="verdict=judged"]').focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(title)
    expect(page.locator("tbody tr")).to_have_count(2)
    expect(page.locator("tbody tr").first).to_contain_text(picked)
    page.get_by_label(words).fill("refund")
    page.keyboard.press("Enter")
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator('[data-part="count"]')).to_contain_text(one)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    look(page)
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    table = download.value.path().read_text(encoding="utf-8-sig")
    assert table.splitlines()[1].endswith(",'=refund please")
    page.get_by_role("link", name="=refund please").click()
    expect(page.locator("[data-card]")).to_have_count(4)
    expect(page.locator("[data-card] .mark.good")).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    look(page)


def answer_two(site: Site) -> None:
    desk = make_desk(site.store, site.settings.data_dir)
    for text in ("Where is my parcel?", "=refund please"):
        opened = desk.open(text, language="en")
        put_set(site.store, opened["turn_id"], messages=[{"role": "user", "content": text}])
        shown = desk.get(f"/v1/turns/{opened['turn_id']}/suggestions", "agent").json
        assert desk.pick(shown, 1).status_code == 201
    desk.clock.advance(60)


def look(page: Page) -> None:
    page.evaluate(AXE_SCRIPT)
    assert page.evaluate(RUN) == []
