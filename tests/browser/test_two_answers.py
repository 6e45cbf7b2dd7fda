"""Two answers to choose from: the agent marks two and sends both by key, the customer picks on their page."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from sqlmodel import Session, select

from feedback.store.tables import Label
from tests.browser.conftest import ask, await_cards, part
from tests.browser.site import Site
from tests.browser.test_axe import AXE_SCRIPT, RUN

pytestmark = pytest.mark.real
CHOICE, BOTH = part("choice"), part("both")


def send_both(agent: Page, customer: Page) -> None:
    ask(customer, "Where is my order 48213?")
    await_cards(agent)
    for key in ("=", "Digit1", "Digit2"):
        agent.keyboard.press(key)
    expect(agent.locator(BOTH)).to_be_visible()
    agent.keyboard.press("p")
    expect(customer.locator(CHOICE)).to_be_visible()


def read_labels(site: Site) -> list[tuple[str, dict[str, str] | None]]:
    with Session(site.store) as session:
        return [(row.role, row.value) for row in session.exec(select(Label))]


def test_a_customer_picks_the_second_by_keyboard(site: Site, agent: Page, customer: Page) -> None:
    send_both(agent, customer)
    second = customer.get_by_role("group", name="Second answer")
    text = second.locator(".words").inner_text()
    second.get_by_role("button").focus()
    customer.keyboard.press("Enter")
    expect(customer.locator(".reply .bubble")).to_have_text([text])
    expect(customer.locator(CHOICE)).to_be_hidden()
    assert read_labels(site) == [("visitor", {"side": "b"})]


def test_after_neither_the_agent_has_the_turn_again(site: Site, agent: Page, customer: Page) -> None:
    send_both(agent, customer)
    customer.reload()
    customer.get_by_role("button", name="Neither").click()
    await_cards(agent)
    expect(customer.locator(".reply .bubble")).to_have_count(0)
    assert read_labels(site) == [("visitor", {"side": "both_bad"})]


def test_on_a_phone_in_chinese_nothing_is_cut_off_and_axe_finds_nothing(
    site: Site, agent: Page, open_page: Callable[..., Page]
) -> None:
    customer = open_page(language="zh-CN", width=390, height=780)
    customer.goto(f"{site.url}/chat")
    send_both(agent, customer)
    assert customer.evaluate("document.documentElement.scrollWidth") <= 390
    customer.evaluate(AXE_SCRIPT)
    assert customer.evaluate(RUN) == []
    customer.get_by_role("button", name="两个都可以").click()
    expect(customer.locator(".reply .bubble")).to_have_count(1)
    assert read_labels(site) == [("visitor", {"side": "tie"})]
