"""The question after a conversation on the customer's page, in both languages; answered, skipped, gone."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from sqlmodel import Session, select

from feedback.store.engine import unit_of_work
from feedback.store.tables import DEFAULT_DESK, Item, Label, Task
from tests.browser.conftest import ask, await_cards, part
from tests.browser.site import Site
from tests.databases import START

pytestmark = pytest.mark.real
QUESTION = part("question")


def add_task(site: Site, text: str = "") -> None:
    """A task of tier 0, as an expert opens it."""
    asked = {"overlap_min": 1, "overlap_max": 1, "confidence": 0.0, "question": {"text": text}}
    with unit_of_work(site.store) as session:
        told = {"name": "After the talk", "kind": "rate", "state": "open", "tier": 0, "created_by": "eva"}
        session.add(Task(desk_id=DEFAULT_DESK, seed=1, created_at=START, **told, **asked))


def finish_talk(site: Site, agent: Page, customer: Page) -> None:
    """The customer has an answer, and was silent for a minute."""
    ask(customer, "Where is my order 48213?")
    await_cards(agent)
    agent.keyboard.press("Shift+Digit1")
    expect(customer.locator(".reply .bubble")).to_have_count(1)
    site.clock.skip(200)  # the service then runs at half speed
    customer.reload()


def read_labels(site: Site) -> list[tuple[str, dict[str, int] | None]]:
    with Session(site.store) as session:
        return [(row.role, row.value) for row in session.exec(select(Label))]


def test_a_customer_answers_by_keyboard_and_is_not_asked_again(
    site: Site, agent: Page, customer: Page
) -> None:
    add_task(site, "Did that help you?")
    finish_talk(site, agent, customer)
    question = customer.locator(QUESTION)
    expect(question.get_by_text("Did that help you?")).to_be_visible()
    customer.get_by_role("button", name="4 of 5").focus()
    customer.keyboard.press("Enter")
    expect(question).to_have_text("Thank you.")
    assert read_labels(site) == [("visitor", {"score": 4})]
    customer.reload()
    expect(customer.locator(".reply .bubble")).to_have_count(1)
    expect(question).to_be_hidden()


def test_a_skipped_question_leaves_no_label(site: Site, agent: Page, customer: Page) -> None:
    add_task(site)
    finish_talk(site, agent, customer)
    expect(customer.get_by_text("How good was this answer?")).to_be_visible()
    with customer.expect_response("**/question"):
        customer.get_by_role("button", name="Skip").click()
    expect(customer.locator(QUESTION)).to_be_hidden()
    assert read_labels(site) == []
    with Session(site.store) as session:
        assert session.exec(select(Item.reason)).all() == ["skipped"]


def test_the_question_goes_away_when_the_customer_writes_on(site: Site, agent: Page, customer: Page) -> None:
    add_task(site)
    finish_talk(site, agent, customer)
    expect(customer.locator(QUESTION)).to_be_visible()
    ask(customer, "And my other order?")
    expect(customer.locator(QUESTION)).to_be_hidden()


def test_without_a_task_nothing_is_asked(site: Site, agent: Page, customer: Page) -> None:
    finish_talk(site, agent, customer)
    with customer.expect_response("**/question") as told:
        customer.reload()
    assert told.value.json() == {"question": None, "asked_from": None}
    expect(customer.locator(QUESTION)).to_be_hidden()


def test_the_question_is_asked_in_chinese(site: Site, agent: Page, open_page: Callable[..., Page]) -> None:
    add_task(site)
    customer = open_page(language="zh-CN", width=360, height=640)
    customer.goto(f"{site.url}/chat")
    finish_talk(site, agent, customer)
    expect(customer.get_by_text("这个回答怎么样？")).to_be_visible()
    customer.get_by_role("button", name="5 分（满分 5 分）").click()
    expect(customer.locator(QUESTION)).to_have_text("谢谢！")
