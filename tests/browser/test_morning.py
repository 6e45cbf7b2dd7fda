"""The morning in a browser: Today, the runs and the report of a refused night say so; nothing is green."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from feedback.clock import SystemClock
from tests.browser.conftest import View, part
from tests.browser.site import Site
from tests.feedback.run_report.runs import ADAPTER, add_ended_run

pytestmark = pytest.mark.real


def test_a_refused_night_is_told_on_every_page_in_every_view(
    site: Site, open_page: Callable[..., Page], view: View
) -> None:
    run_id = add_ended_run(
        site.store, "refused", started_at=SystemClock().now() - timedelta(hours=6), step="gate"
    )
    page = open_page(language=view.language, width=view.width, height=view.height)
    page.goto(site.sign_in_link("ada", "admin"))
    page.wait_for_url(f"{site.url}/console")
    is_english = view.language.startswith("en")
    refused = f"{ADAPTER} was refused" if is_english else f"{ADAPTER} 未通过准入检查"
    for path in ("", f"/runs/{run_id}/report"):
        page.goto(f"{site.url}/console{path}")
        morning = page.locator(part("morning"))
        expect(morning).to_contain_text(refused)
        expect(morning.locator("code").first).to_have_text("beta")
        assert fits(page)
    page.locator(part("morning")).get_by_role("link").last.click()
    expect(page).to_have_url(f"{site.url}/console/runs/{run_id}")
    gate = page.locator(".steps .mark").nth(3)
    expect(gate).to_have_class(re.compile(r"\bbad\b"))
    expect(page.locator(".steps .good")).to_have_count(3)
    page.goto(f"{site.url}/console/runs")
    expect(page.locator("table .mark.good")).to_have_count(0)
    expect(page.locator("table .mark.bad")).to_have_count(1)
    assert fits(page)


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))
