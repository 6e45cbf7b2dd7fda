"""The page of trends in a browser: from a count to its rows, a table by the keyboard, each way of looking."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import View, ask, await_cards, part
from tests.browser.site import Site

pytestmark = pytest.mark.real

TOLD = {
    "en-GB": {"picture": "Picks by place", "table": "As a table", "edits": "Edited replies by day"},
    "zh-CN": {"picture": "各位置的选中次数", "table": "以表格查看", "edits": "每日修改比例"},
}


def test_a_pick_is_in_the_pictures_and_its_count_leads_to_it(
    site: Site, open_page: Callable[..., Page], customer: Page, agent: Page, view: View
) -> None:
    ask(customer, "Where is my order 48213?")
    await_cards(agent)
    agent.keyboard.press("Shift+Digit1")
    expect(customer.locator(".reply")).to_have_count(1)  # released: until then its set may open again
    told = TOLD[view.language]
    page = open_page(language=view.language, width=view.width, height=view.height)
    page.goto(site.sign_in_link("kim", "expert"))
    page.goto(f"{site.url}/console/trends")
    expect(page.get_by_role("img", name=told["picture"])).to_be_visible()
    expect(page.locator(f"{part('slots')} tbody tr").first).to_contain_text("100.0 %")
    edits = page.locator(part("edits"))
    expect(edits.get_by_role("img", name=told["edits"])).to_be_visible()
    edits.locator("summary", has_text=told["table"]).focus()
    page.keyboard.press("Enter")
    expect(edits.get_by_role("table")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    edits.get_by_role("link", name="1", exact=True).click()
    expect(page.get_by_role("link", name="Where is my order 48213?")).to_be_visible()
