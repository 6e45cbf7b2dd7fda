"""The page of a run in two stages in a browser: charts of each, and the tags that its recipe weighs."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from feedback.clock import SystemClock
from feedback.store.engine import unit_of_work
from feedback.store.tables import DEFAULT_DESK, Run, RunMetric
from tests.browser.conftest import View, list_overflowing, part
from tests.browser.site import Site

pytestmark = pytest.mark.real

SCORE = {"log_loss": 0.75, "accuracy": 0.625, "ci95": [0.5, 1.0]}
REPORT = {
    "n": 40,
    "adapter": SCORE,
    "uniform": SCORE | {"log_loss": 1.375},
    "tags": {
        "billing/refund": {
            "weight": 2.0,
            "n": 22,
            "conversations": 17,
            "gain": 0.5,
            "gain_ci95": [0.25, 0.75],
        },
        "smalltalk": {"weight": 0.25, "n": 0, "conversations": 0, "gain": None, "gain_ci95": None},
    },
}


def add_staged_run(site: Site) -> str:
    now = SystemClock().now()
    recipe = {"name": "staged", "objective": "choice", "stages": [{"objective": "sft"}, {}]}
    numbers = [("stage", 1, 1.0), ("stage", 21, 2.0)]
    numbers += [("loss", step, 4 - step / 20) for step in range(1, 21)]
    numbers += [("decision_loss", step, 1.4 - step / 100) for step in range(21, 61)]
    numbers += [("held_out_loss", 20, 3.25), ("held_out_loss", 60, 0.9375)]
    with unit_of_work(site.store) as session:
        run = Run(
            desk_id=DEFAULT_DESK, kind="night", slot="x", state="done", recipe=recipe, report=REPORT,
            created_at=now, started_at=now, finished_at=now,
        )  # fmt: skip
        session.add(run)
        session.flush()
        session.add_all(
            RunMetric(run_id=run.id, name=name, step=step, value=value, at=now)
            for name, step, value in numbers
        )
        return run.id


def test_each_stage_has_its_charts_and_each_tag_its_row(
    site: Site, open_page: Callable[..., Page], end_view: View
) -> None:
    run_id = add_staged_run(site)
    page = open_page(language=end_view.language, width=end_view.width, height=end_view.height)
    page.goto(site.sign_in_link("ada", "admin"))
    page.wait_for_url(f"{site.url}/console")
    first, second = (
        ("Stage 1 of 2", "Stage 2 of 2")
        if end_view.language.startswith("en")
        else ("第 1 阶段，共 2 个", "第 2 阶段，共 2 个")
    )
    for path in (f"/runs/{run_id}", f"/runs/{run_id}/report"):
        page.goto(f"{site.url}/console{path}")
        headings = page.get_by_role("heading", level=3)
        expect(headings.filter(has_text=first)).to_have_count(1)
        expect(headings.filter(has_text=second)).to_have_count(1)
        expect(page.locator("figure[data-curve]")).to_have_count(2)
        ids = page.locator("[id]").evaluate_all("all => all.map((one) => one.id)")
        assert len(ids) == len(set(ids))
        rows = page.locator(f"{part('tags')} tbody tr")
        expect(rows).to_have_count(2)
        expect(rows.first).to_contain_text("billing/refund")
        expect(rows.first).to_contain_text("0.25 – 0.75")
        assert list_overflowing(page) == []
