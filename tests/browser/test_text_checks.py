"""Somebody writes a better reply, two others find it correct by one key each, and it stands."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from sqlmodel import Session, select

from feedback.store.tables import Item, Task
from tests.browser.conftest import part
from tests.browser.label_desk import await_done, enter, open_task
from tests.browser.site import Site

pytestmark = pytest.mark.real

TEXT = "It left our house today and is with you by Friday."
WORDS = {"en-GB": ("Is this right?", "New text"), "zh-CN": ("这个答案对吗？", "新文本")}


def find_checks(site: Site, task: Task) -> Task:
    with Session(site.store) as session:
        return session.exec(select(Task).where(Task.checks_task_id == task.id)).one()


def find_item(site: Site, task: Task) -> Item:
    with Session(site.store) as session:
        return session.exec(select(Item).where(Item.task_id == task.id)).one()


@pytest.mark.parametrize("language", WORDS)
def test_a_text_is_written_and_found_correct_by_keys(
    site: Site, open_page: Callable[..., Page], language: str
) -> None:
    question, title = WORDS[language]
    task = open_task(site, "rewrite", items=1, overlap_min=1)
    page = enter(site, open_page, "ann", task, language=language)
    page.keyboard.press("e")
    page.keyboard.press("Control+a")
    page.keyboard.type(TEXT)
    page.keyboard.press("Enter")
    await_done(page, 1, 0)
    assert find_item(site, task).state == "waiting"
    for name in ("ben", "cyd"):
        checker = enter(site, open_page, name, find_checks(site, task), language=language)
        expect(checker.locator(part("question"))).to_have_text(question)
        panel = checker.locator("article", has=checker.locator(part("claim")))
        expect(panel).to_contain_text(title)
        expect(panel).to_contain_text(TEXT)
        expect(checker.locator(part("reply"))).to_have_text("It is on its way.")
        checker.keyboard.press("1")
        await_done(checker, 1, 0)
    found = find_item(site, task)
    assert (found.state, found.outcome) == ("settled", {"unchanged": False, "text": TEXT})
