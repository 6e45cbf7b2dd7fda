"""Tasks in the browser: an expert drafts one, counts and adds its items, opens it, and decides a dispute."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from sqlmodel import Session, select

from feedback.store.engine import unit_of_work
from feedback.store.tables import Item, Record, Task
from tests.browser.conftest import View, list_overflowing, part
from tests.browser.site import Site
from tests.feedback.desk import make_desk
from tests.feedback.labelling.label_rows import add_item, add_label, add_task
from tests.feedback.labelling.missed import add_run, put_missed
from tests.feedback.labelling.test_missed import import_choices

pytestmark = pytest.mark.real

WORDS = {
    "en-GB": ("Tasks", "No task yet", "2 new items", "No dispute"),
    "zh-CN": ("标注任务", "还没有标注任务", "2 个新条目", "没有分歧"),
}


def test_an_expert_drafts_fills_and_opens_a_task_and_decides_a_dispute(
    site: Site, open_page: Callable[..., Page], end_view: View
) -> None:
    desk = make_desk(site.store, site.settings.data_dir)
    for text in ("Where is my order?", "I want my money back"):
        desk.open(text, language="en")
    desk.open("我要退款", language="zh")
    assert desk.post("/v1/tags", "expert", tag="billing/refund").status_code == 201
    title, none, counted, settled = WORDS[end_view.language]
    page = open_page(**vars(end_view))
    page.goto(site.sign_in_link("nora", "expert"))
    page.goto(f"{site.url}/console/tasks")
    expect(page.get_by_role("heading", level=1)).to_have_text(title)
    expect(page.locator(".empty strong")).to_have_text(none)
    page.fill("[name=name]", "What is it about?")
    page.fill("[name=guideline]", "Money goes back: refund.")
    page.fill("[name=due_at]", "2030-01-02T10:30")
    page.locator(f"{part('new-task')} button").click()
    page.wait_for_url("**/console/tasks/*-*")
    assert list_overflowing(page) == []

    page.select_option("[name=languages]", "en")
    page.locator("button[name=count]").click()
    expect(page.locator(part("preview"))).to_contain_text(counted)
    page.locator(f"{part('fill')} form[data-action] button").click()
    expect(page.locator(".tile .figure").first).to_have_text("0 / 2")
    page.locator(f"{part('decide')} form button").first.click()
    expect(page.locator("h1 .mark.on")).to_be_visible()
    with Session(site.store) as session:
        task = session.exec(select(Task)).one()
        assert (task.state, task.kind, task.tier, task.overlap_max, task.confidence) == (
            "open",
            "tag",
            1,
            5,
            0.9,
        )
        assert (task.question["options"], task.due_at is not None) == (["billing", "billing/refund"], True)
        assert {item.language for item in session.exec(select(Item))} == {"en"}

    decide_a_dispute(site, page, settled)


def decide_a_dispute(site: Site, page: Page, settled: str) -> None:
    with unit_of_work(site.store) as session:
        task = add_task(session)
        item = add_item(session, task, 1, state="disputed", tier=2)
        for slot, side in enumerate("abtab", 1):
            add_label(session, item, f"labeller-{slot}", "tie" if side == "t" else side, slot=slot)
    page.goto(f"{site.url}/console/tasks/{task.id}")
    assert list_overflowing(page) == []
    page.keyboard.press("d")
    page.wait_for_url("**/disputes")
    assert list_overflowing(page) == []
    heading = page.locator("h3", has_text=re.compile("^B "))
    page.locator(f"{part('said')} article").filter(has=heading).get_by_role("button").click()
    expect(page.locator(".empty strong")).to_have_text(settled)
    with Session(site.store) as session:
        found = session.get_one(Item, item.id)
        assert (found.state, found.outcome) == ("settled", {"side": "b"})


def test_an_expert_fills_a_task_with_what_a_run_missed(
    site: Site, open_page: Callable[..., Page], end_view: View
) -> None:
    desk = make_desk(site.store, site.settings.data_dir)
    import_choices(desk, 3)
    run_id = add_run(site.store, "tuned-20261122-1")
    put_missed(site.settings.data_dir, run_id, ("shop", "choice-0", 2.0), ("shop", "choice-2", 1.0))
    with unit_of_work(site.store) as session:
        task_id = add_task(session, state="draft").id
    page = open_page(**vars(end_view))
    page.goto(site.sign_in_link("nora", "expert"))
    page.goto(f"{site.url}/console/tasks/{task_id}")
    page.select_option("[name=report]", run_id)
    page.locator("button[name=count]").click()
    expect(page.locator(part("preview"))).to_contain_text(WORDS[end_view.language][2])
    assert list_overflowing(page) == []
    page.fill("[name=limit]", "1")
    page.locator(f"{part('fill')} form[data-action] button").click()
    expect(page.locator(".tile .figure").first).to_have_text("0 / 1")
    with Session(site.store) as session:
        (item,) = session.exec(select(Item))
        assert session.get_one(Record, int(item.subject_id)).identity == "choice-0"
