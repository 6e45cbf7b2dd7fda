"""Data > Helper in a browser: before its first request and at work; axe finds nothing, nothing too wide."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from feedback.clock import SystemClock
from feedback.helper.settings import HelperSettings
from feedback.store.engine import unit_of_work
from serving.client.fake import FakeEngine
from tests.browser.conftest import View, list_overflowing, part
from tests.browser.site import run_site
from tests.browser.test_axe import Walk
from tests.feedback.helper.helper_rows import add_call, add_helped_task

pytestmark = pytest.mark.real

SETTINGS = HelperSettings(
    address="https://judge.example/v1",
    model="judge",
    daily_tokens=1_000,
    price_in=0.5,
    uses=("tag", "compare"),
)
TRUST = {"en": "too few items yet", "zh": "标注项还不够"}
SPENT = {"en": "does not fit into today", "zh": "今天剩余的用量已不够"}


def test_trust_and_failures_of_the_helper_are_read_in_both_languages(
    tmp_path: Path, open_page: Callable[..., Page], end_view: View
) -> None:
    language = end_view.language[:2]
    with FakeEngine() as engine, run_site(tmp_path, engine=engine, helper=SETTINGS) as site:
        walk = Walk(open_page, site.url, end_view.language)
        walk.page.goto(site.sign_in_link("kim", "expert"))
        walk.visit("/console/helper")
        now = SystemClock().now()
        with unit_of_work(site.store) as session:
            task = add_helped_task(session, at=now)
            add_call(session, at=now, state="unknown", error="timeout", tokens=900)
        walk.visit("/console/helper")
        expect(walk.page.locator(f"{part('trust')} tbody tr")).to_contain_text(TRUST[language])
        expect(walk.page.locator(part("spent"))).to_contain_text(SPENT[language])
        assert list_overflowing(walk.page) == []
        walk.check()
        walk.page.locator(f"{part('trust')} tbody a").click()
        walk.page.wait_for_url(f"{site.url}/console/tasks/{task.id}")
