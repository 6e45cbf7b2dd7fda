"""Tags in the browser: adopt strings, walk the tree by keys, confirm what patterns propose, merge after a
preview; each page in every size of window.
"""

from collections.abc import Callable

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page, expect

from tests.browser.conftest import View, each_size, part
from tests.browser.site import Site
from tests.browser.test_axe import RUN
from tests.feedback.desk import make_desk

pytestmark = pytest.mark.real

TALKS = (
    ("I want my money back", ["domain:hotel", "vip"]),
    ("我要退款", ["domain:hotel"]),
    ("The train was late", ["domain:train"]),
)
WORDS = {
    "en-GB": ("Tags", "No tag yet", "2 conversations, 0 records, 0 dataset versions", "such a tag already"),
    "zh-CN": ("标签", "还没有标签", "2 个会话、0 条记录、0 个数据集版本", "已有同名标签"),
}


def test_strings_become_a_tree_and_people_confirm_what_patterns_find(
    site: Site, open_page: Callable[..., Page], end_view: View
) -> None:
    desk = make_desk(site.store, site.settings.data_dir)
    for text, tags in TALKS:
        desk.open(text, tags=tags)
        desk.clock.advance(60)
    title, none, merged, taken = WORDS[end_view.language]
    page = open_page(**vars(end_view))
    page.goto(site.sign_in_link("eva", "expert"))
    page.goto(f"{site.url}/console/tags")
    expect(page.get_by_role("heading", level=1)).to_have_text(title)
    expect(page.locator(".empty strong")).to_have_text(none)
    page.locator(f"{part('adoption')} button").click()
    rows = page.locator(".tree tbody tr")
    expect(rows).to_have_count(4)
    expect(rows.nth(0).locator("td").first).to_have_text("3")
    look(page)
    walk_by_keys(page)

    page.fill("[name=tag]", "money/refund")
    page.keyboard.press("Enter")
    page.wait_for_url("**/console/tags/*-*")
    page.fill("[name=patterns]", "money back\n退款")
    page.fill("[name=guideline]", "Money comes back.")
    with page.expect_navigation():
        page.locator("[data-describe] button").click()
    expect(page.locator("[name=patterns]")).to_have_value("money back\n退款")
    look(page)
    page.locator('.tile a[href*="proposals"]').click()
    confirm_by_keys(page)

    page.goto(f"{site.url}/console/tags")
    expect(page.locator(".tree tr", has_text="refund").locator("td").first).to_have_text("2")
    page.get_by_role("link", name="hotel").click()
    page.fill("[name=name]", "train")
    page.keyboard.press("Enter")
    expect(page.locator("[data-said]")).to_contain_text(taken)
    page.select_option("[name=into]", label="domain/train")
    page.locator("form[method=get] button").click()
    expect(page.locator(part("merge"))).to_contain_text(merged)
    look(page)
    page.locator(f"{part('merge')} button").click()
    expect(page.locator(".tile a").first).to_have_text("3")
    expect(page.get_by_role("heading", level=1)).to_have_text("train")


def walk_by_keys(page: Page) -> None:
    """Opens and closes `domain`, and leaves the focus in the field for a new tag."""
    rows = page.locator(".tree tbody tr")
    rows.first.focus()
    page.keyboard.press("ArrowLeft")
    expect(rows.nth(1)).to_be_hidden()
    page.keyboard.press("ArrowDown")
    expect(rows.nth(3)).to_be_focused()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(rows.nth(1)).to_be_focused()
    page.keyboard.press("n")
    expect(page.locator("[name=tag]")).to_be_focused()


def confirm_by_keys(page: Page) -> None:
    """Rejects one, takes that back, confirms both at once."""
    found = page.locator(".proposals li")
    expect(found).to_have_count(2)
    expect(found.first.locator("mark")).to_have_text("退款")
    look(page)
    found.first.focus()
    page.keyboard.press("x")
    expect(found.first).to_be_hidden()
    expect(found.nth(1)).to_be_focused()
    page.keyboard.press("u")
    expect(found.first).to_be_focused()
    page.keyboard.press("Space")
    page.keyboard.press("j")
    page.keyboard.press("Space")
    page.keyboard.press("y")
    expect(page.locator(part("done"))).to_be_visible()


def look(page: Page) -> None:
    page.evaluate(AXE_SCRIPT)
    for size in each_size(page):
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), size
        assert page.evaluate(RUN) == [], size
