"""Alarms of drift in a browser: on Today, below the sentence of the morning, each with its rows."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from feedback.clock import SystemClock
from tests.browser.conftest import View, part
from tests.browser.site import Site
from tests.feedback.drift.days import fill_days

pytestmark = pytest.mark.real


def test_an_alarm_leads_to_its_rows_in_every_view(
    site: Site, open_page: Callable[..., Page], view: View
) -> None:
    today = SystemClock().now().replace(hour=0, minute=0, second=0, microsecond=0)
    fill_days(site.store, today, shifted=3)
    page = open_page(language=view.language, width=view.width, height=view.height)
    page.goto(site.sign_in_link("ada", "admin"))
    page.wait_for_url(f"{site.url}/console")
    expect(page.locator(f"{part('drift')} [data-code]")).to_have_count(6)
    language = page.locator('[data-code="language_shifted"]')
    is_english = view.language.startswith("en")
    expect(language).to_contain_text(
        "customers write Chinese in 75 %" if is_english else "75 % 的会话中客户使用中文"
    )
    expect(language.locator("code")).to_have_count(3)
    assert fits(page)
    language.get_by_role("link").click()
    day = (today - timedelta(days=3)).date()
    page.wait_for_url(f"{site.url}/console/conversations?language=zh&since={day}*")
    expect(page.locator("tbody tr").first).to_be_visible()


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))
