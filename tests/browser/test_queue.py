"""A queue with more turns than a page shows, and closing many of them at once, in both languages."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect
from sqlmodel import Session, func, select

from feedback.clock import SystemClock
from feedback.store.conversations import IncomingMessage, open_conversation
from feedback.store.engine import unit_of_work
from feedback.store.tables import DEFAULT_DESK, Turn
from tests.browser.conftest import await_cards, part
from tests.browser.site import LONG_S, Site

pytestmark = pytest.mark.real


@pytest.fixture
def undo_window_s() -> float:
    return LONG_S


ROWS = ".queue li"
CUSTOMER = "Where is my order 48213?"


def fill_queue(site: Site, strangers: int) -> str:
    """Strangers, a second apart, and a real customer behind them, whose turn it gives."""
    began = SystemClock().now() - timedelta(hours=1)
    with unit_of_work(site.store) as session:
        for number in range(strangers):
            open_conversation(
                session,
                desk_id=DEFAULT_DESK,
                now=began + timedelta(seconds=number),
                messages=[IncomingMessage("customer", f"Spam {number}")],
                language="en",
                stranger_hash=f"{number:064x}",
            )
        opened = open_conversation(
            session,
            desk_id=DEFAULT_DESK,
            now=began + timedelta(seconds=strangers),
            messages=[IncomingMessage("customer", CUSTOMER)],
            language="en",
        )
    assert opened.turn is not None
    return opened.turn.id


def count_turns(site: Site, state: str) -> int:
    with Session(site.store) as session:
        return session.exec(select(func.count()).select_from(Turn).where(Turn.state == state)).one()


def open_workbench(site: Site, open_page: Callable[..., Page], language: str) -> Page:
    page = open_page(language=language)
    page.goto(site.sign_in_link("wei", "agent"))
    page.wait_for_url(f"{site.url}/workbench")
    return page


@pytest.mark.parametrize(
    ("language", "more"), [("en-GB", "Show more of 251"), ("zh-CN", "显示更多（还有 251 条）")]
)
def test_a_customer_behind_450_strangers_is_counted_and_reached(
    site: Site, open_page: Callable[..., Page], language: str, more: str
) -> None:
    turn_id = fill_queue(site, 450)
    page = open_workbench(site, open_page, language)
    expect(page.locator(part("queue-count"))).to_have_text("451")
    expect(page.locator(ROWS)).to_have_count(200)
    await_cards(page)
    opened = page.locator('.queue button[aria-current="true"]').get_attribute("data-turn")
    page.locator(part("further")).get_by_text(more).click()
    expect(page.locator(ROWS)).to_have_count(400)
    page.keyboard.press("m")
    expect(page.locator(ROWS)).to_have_count(451)
    expect(page.locator(part("further"))).to_be_hidden()
    assert page.locator('.queue button[aria-current="true"]').get_attribute("data-turn") == opened
    page.locator(f'.queue button[data-turn="{turn_id}"]').click()
    expect(page.locator(".messages .from-customer")).to_contain_text(CUSTOMER)
    assert len(await_cards(page)) == 4


def test_scrolling_to_the_end_reads_on(site: Site, agent: Page) -> None:
    fill_queue(site, 250)
    expect(agent.locator(ROWS)).to_have_count(200)
    agent.locator(ROWS).last.scroll_into_view_if_needed()
    expect(agent.locator(ROWS)).to_have_count(251)


@pytest.mark.parametrize(
    ("language", "all_of_them", "close", "closed"),
    [
        ("en-GB", "Mark all from the chat page", "Close 250 as spam", "250 closed as spam."),
        ("zh-CN", "标记所有来自聊天页的", "将 250 条作为垃圾消息关闭", "已将 250 条作为垃圾消息关闭。"),
    ],
)
def test_strangers_are_closed_in_one_press_and_come_back_by_undo(
    site: Site, open_page: Callable[..., Page], language: str, all_of_them: str, close: str, closed: str
) -> None:
    fill_queue(site, 250)
    page = open_workbench(site, open_page, language)
    await_cards(page)
    page.keyboard.press("m")
    expect(page.locator(ROWS)).to_have_count(251)
    page.get_by_role("button", name=all_of_them).click()
    page.get_by_role("button", name=close).click()
    expect(page.locator(".messages .from-customer")).to_contain_text(CUSTOMER)
    expect(page.locator(part("queue-count"))).to_have_text("1")
    expect(page.locator(part("undo"))).to_contain_text(closed)
    assert count_turns(site, "closed") == 250
    page.keyboard.press("z")
    expect(page.locator(part("queue-count"))).to_have_text("251")
    assert count_turns(site, "closed") == 0
    expect(page.locator(".messages .from-customer")).to_contain_text(CUSTOMER)


def test_keys_mark_close_and_take_back(site: Site, agent: Page) -> None:
    fill_queue(site, 2)
    await_cards(agent)
    agent.keyboard.press("x")
    agent.locator(ROWS).nth(1).get_by_role("checkbox").check()
    agent.keyboard.press("c")
    expect(agent.locator(".messages .from-customer")).to_contain_text(CUSTOMER)
    expect(agent.locator(ROWS)).to_have_count(1)
    agent.keyboard.press("z")
    expect(agent.locator(ROWS)).to_have_count(3)
    assert count_turns(site, "closed") == 0
