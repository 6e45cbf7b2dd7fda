"""Two answers to choose from: the agent marks two and sends both by key, the customer picks on their page."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlmodel import Session, select

from feedback.store.tables import Label
from serving.client.fake import FakeEngine
from tests.browser.conftest import ask, await_cards, part
from tests.browser.site import Site, run_site
from tests.browser.test_axe import AXE_SCRIPT, RUN

pytestmark = pytest.mark.real
OFFERED, BOTH = part("two-answers"), part("both")


@pytest.fixture
def site(tmp_path: Path, undo_window_s: float) -> Iterator[Site]:
    with (
        FakeEngine() as engine,
        run_site(tmp_path, engine=engine, undo_window_s=undo_window_s, two_answers=True) as running,
    ):
        yield running


def send_both(agent: Page, customer: Page) -> None:
    ask(customer, "Where is my order 48213?")
    await_cards(agent)
    for key in ("=", "Digit1", "Digit2"):
        agent.keyboard.press(key)
    expect(agent.locator(BOTH)).to_be_visible()
    agent.keyboard.press("p")
    expect(customer.locator(OFFERED)).to_be_visible()


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
    expect(customer.locator(OFFERED)).to_be_hidden()
    expect(customer.locator(part("messages"))).to_be_focused()
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


def test_what_one_window_picks_goes_away_in_the_other(
    site: Site, agent: Page, customer: Page, open_page: Callable[..., Page]
) -> None:
    send_both(agent, customer)
    other = customer.context.new_page()
    other.goto(customer.url)
    expect(other.locator(OFFERED)).to_be_visible()
    customer.get_by_role("button", name="The first").click()
    expect(other.locator(OFFERED)).to_be_hidden()
    expect(other.locator(".reply .bubble")).to_have_count(1)


@pytest.mark.parametrize(
    ("language", "state", "send"),
    [
        ("en-GB", "the customer has two answers and picks one", "Send this one"),
        ("zh-CN", "客户收到两个回答，正在选择", "发送这一条"),
    ],
)
def test_the_agent_sends_one_by_key_when_nobody_picks(
    site: Site, customer: Page, open_page: Callable[..., Page], language: str, state: str, send: str
) -> None:
    agent = open_page(language=language)
    agent.goto(site.sign_in_link("wei", "agent"))
    agent.wait_for_url(f"{site.url}/workbench")
    send_both(agent, customer)
    agent.keyboard.press("d")
    row = agent.locator(part("day-list")).locator("li")
    expect(row).to_contain_text(state)
    agent.evaluate(AXE_SCRIPT)
    assert agent.evaluate(RUN) == []
    agent.get_by_role("button", name=send).focus()
    agent.keyboard.press("Enter")
    expect(customer.locator(OFFERED)).to_be_hidden()
    expect(customer.locator(".reply .bubble")).to_have_count(1)
    assert read_labels(site) == []


def test_long_answers_leave_room_to_write_on_a_phone(
    site: Site, agent: Page, open_page: Callable[..., Page]
) -> None:
    customer = open_page(width=360, height=640)
    customer.goto(f"{site.url}/chat")
    send_both(agent, customer)
    words = customer.locator(f"{OFFERED} .words")
    words.evaluate_all(
        "(each) => each.forEach((one) => { one.textContent = 'We look into it at once. '.repeat(60); })"
    )
    box, field = customer.locator(OFFERED).bounding_box(), customer.locator(part("text")).bounding_box()
    assert box is not None and field is not None
    assert box["height"] <= 640 * 0.6 + 1 and field["y"] + field["height"] <= 640
    customer.get_by_role("button", name="Neither").click()
    expect(customer.locator(OFFERED)).to_be_hidden()
