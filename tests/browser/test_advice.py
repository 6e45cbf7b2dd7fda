"""The advice in a browser: on Today and in the report of a run, with its figures and its command."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page, expect

from feedback.clock import SystemClock
from tests.browser.conftest import View, part
from tests.browser.site import Site
from tests.browser.test_axe import RUN
from tests.feedback.pick_rows import add_picks
from tests.feedback.run_report.runs import ADAPTER, add_ended_run

pytestmark = pytest.mark.real


def test_what_would_help_is_told_with_its_figures_in_every_view(
    site: Site, open_page: Callable[..., Page], view: View
) -> None:
    now = SystemClock().now()
    add_picks(site.store, ADAPTER, tuned=6, base=4, at=now - timedelta(days=1))
    run_id = add_ended_run(site.store, "refused", started_at=now - timedelta(hours=6))
    page = open_page(language=view.language, width=view.width, height=view.height)
    page.goto(site.sign_in_link("ada", "admin"))
    page.wait_for_url(f"{site.url}/console")
    missing = "960 more" if view.language.startswith("en") else "还差 960 条"
    for path, cards in (("", 1), (f"/runs/{run_id}/report", 2)):
        page.goto(f"{site.url}/console{path}")
        advice = page.locator(part("advice"))
        expect(advice).to_have_count(cards)
        expect(advice.first).to_contain_text(missing)
        expect(advice.first.locator("code")).to_have_text("rejoinder task add NAME --kind compare")
        figure = advice.first.locator("dd").first
        expect(figure).not_to_be_visible()
        advice.first.locator("summary").press("Enter")
        expect(figure).to_have_text("40")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.evaluate(AXE_SCRIPT)
        assert page.evaluate(RUN) == []
