"""Versions of a dataset in a real browser: the list, one version, what changed, what came of its records."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect

from feedback.datasets.build import Selection, build_dataset
from feedback.formats.asked import Asked
from feedback.formats.importer import import_file
from feedback.store.engine import unit_of_work
from feedback.store.tables import Fit
from tests.browser.conftest import View, list_overflowing
from tests.browser.site import Site
from tests.clock import FrozenClock
from tests.feedback.builders import NOW, add_adapter
from tests.feedback.formats.files import choice, write

pytestmark = pytest.mark.real

BEGIN = datetime(2026, 11, 20, tzinfo=UTC)
CELL = {"rate": 0.75, "low": 0.4, "high": 0.9, "counted": 8, "tuned": 6, "base": 2, "halves": 0}
REPORT = {"n": 40, "adapter": {"log_loss": 1.1}, "base": {"log_loss": 1.3}}


def build_two(site: Site) -> list[str]:
    """Two versions; the second has two records more and one less, and an adapter."""
    clock, data_dir = FrozenClock(BEGIN), site.settings.data_dir

    def bring(*lines: dict[str, object]) -> None:
        path = write(data_dir / f"{clock.now():%d}.jsonl", *lines)
        import_file(site.store, path, asked=Asked("choices"), clock=clock)
        clock.advance(86_400)

    bring(*map(choice, range(30)), choice(40, tags=["refund"], language="zh-CN"))
    one = build_dataset(site.store, data_dir=data_dir, clock=clock)
    bring(choice(41, tags=["refund", "vip"]), choice(42))
    chosen = Selection(languages=("en",))
    two = build_dataset(site.store, data_dir=data_dir, clock=clock, selection=chosen)
    with unit_of_work(site.store) as session:
        add_adapter(session, "tuned-20261121-1", "live", dataset_id=two.id, report=REPORT)
        fitted = {
            "counts": {"judged": [], "versions": []},
            "fitted": {"breakdown": {"tags": {"refund": CELL}}},
        }
        session.add(Fit(desk_id="default", adapter="tuned-20261121-1", judgements=8, value=fitted, at=NOW))
    return [one.id, two.id]


def test_an_expert_reads_a_version_what_changed_and_what_came_of_it(
    site: Site, open_page: Callable[..., Page], end_view: View
) -> None:
    one, two = build_two(site)
    page = open_page(**vars(end_view))
    page.goto(site.sign_in_link("eva", "expert"))
    page.wait_for_url(f"{site.url}/console")
    page.goto(f"{site.url}/console/datasets")
    page.locator("tbody a.mono").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"{site.url}/console/datasets/{two}")
    by_tag = page.locator('[data-part="by-tag"] tbody tr')
    expect(by_tag).to_have_count(3)  # refund, shop, vip
    reuse = page.locator('[data-part="reuse"]')
    expect(reuse.get_by_role("link", name=one[:12])).to_be_visible()
    expect(reuse.get_by_role("row").filter(has_text="refund")).to_contain_text("75")
    assert list_overflowing(page) == []
    page.locator(f'a[href="/console/datasets/{two}/changes"]').click()
    expect(page.locator('[data-part="came"] header strong')).to_have_text("2")
    expect(page.locator('[data-part="left"] header strong')).to_have_text("1")
    page.locator('[data-part="came"] summary').click()
    expect(page.get_by_role("link", name="test/talk41-1")).to_be_visible()
    assert list_overflowing(page) == []


def test_without_a_version_the_page_says_how_one_is_built(site: Site, open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.goto(site.sign_in_link("eva", "expert"))
    page.wait_for_url(f"{site.url}/console")
    page.goto(f"{site.url}/console/datasets")
    expect(page.get_by_text("rejoinder dataset build")).to_be_visible()
