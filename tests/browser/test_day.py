"""What was sent or closed of late is taken back by keyboard, also after a reload; and `c` closes."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect
from sqlmodel import Session, select

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


def add_customer(site: Site, text: str, *details: str) -> None:
    with unit_of_work(site.store) as session:
        open_conversation(
            session,
            desk_id=DEFAULT_DESK,
            now=SystemClock().now(),
            messages=[IncomingMessage("customer", text)],
            customer_details=details,
            language="en",
        )


def asked(page: Page) -> Locator:
    return page.locator(".messages .from-customer")


def rows(page: Page) -> Locator:
    return page.locator(f"{part('day-list')} li")


def open_day(page: Page) -> None:
    page.keyboard.press("d")
    expect(page.locator(part("day"))).to_be_visible()


def closings(site: Site) -> list[str]:
    with Session(site.store) as session:
        return [str(turn.closed_as) for turn in session.exec(select(Turn).where(Turn.state == "closed"))]


def test_a_send_is_stopped_from_the_list_and_a_thank_you_is_closed_and_comes_back(
    site: Site, agent: Page
) -> None:
    add_customer(site, "Where is my order 48213?", "Anna Schmidt")
    texts = await_cards(agent)
    add_customer(site, "Thank you, bye")
    agent.keyboard.press("Shift+Digit1")
    expect(agent.locator(part("undo"))).to_contain_text(f"To Anna Schmidt: {texts[0]}")
    expect(asked(agent)).to_contain_text("Thank you, bye")
    again = await_cards(agent)
    agent.keyboard.press("c")
    expect(agent.locator(part("nothing"))).to_be_visible()
    expect(agent.locator(part("undo"))).to_contain_text("Customer: Thank you, bye")
    expect(agent.locator(part("undo"))).to_contain_text("Closed without a reply.")
    assert closings(site) == ["no_reply"]
    agent.keyboard.press("z")
    expect(asked(agent)).to_contain_text("Thank you, bye")
    assert (await_cards(agent), closings(site)) == (again, [])
    agent.get_by_role("button", name="No reply needed").click()
    expect(agent.locator(part("nothing"))).to_be_visible()

    agent.reload()
    expect(agent.locator(part("queue-empty"))).to_be_visible()
    agent.keyboard.press("z")  # this page remembers nothing: the list does
    expect(rows(agent)).to_have_count(2)
    expect(rows(agent).nth(0)).to_contain_text("no reply needed")
    expect(rows(agent).nth(1)).to_contain_text("the customer sees it in")
    expect(agent.locator(part("day-figures"))).to_contain_text("Replies today1")
    expect(agent.locator(part("day-figures"))).to_contain_text("Closed without a reply1")
    expect(rows(agent).nth(1).get_by_role("button", name="Stop")).to_be_focused()
    agent.keyboard.press("Enter")
    expect(agent.locator(part("composer"))).to_have_value(texts[0])
    expect(agent.locator(part("day"))).to_be_hidden()
    assert await_cards(agent) == texts
    assert site.messages()[0].retracted_at is not None

    agent.keyboard.press("Control+Enter")
    expect(agent.locator(part("nothing"))).to_be_visible()
    open_day(agent)
    expect(rows(agent).nth(0)).to_contain_text("the customer sees it in")
    site.clock.skip(LONG_S)
    rows(agent).nth(0).get_by_role("button", name="Withdraw the choice").click()
    expect(rows(agent).nth(0)).to_contain_text("the customer has it; the choice is withdrawn")
    assert [row.kind for row in site.judgements()] == ["pick", "undo", "pick", "undo"]
    rows(agent).nth(1).get_by_role("button", name="Take back").click()
    expect(asked(agent)).to_contain_text("Thank you, bye")
    assert closings(site) == []


def test_a_reply_by_hand_before_the_suggestions_are_there_is_stopped_too(site: Site, agent: Page) -> None:
    with site.engine.held_back():
        add_customer(site, "Where is my order 48213?", "Anna")
        expect(agent.locator(".card .bone").first).to_be_visible()
        agent.fill(part("composer"), "I will look into it.")
        agent.keyboard.press("Control+Enter")
        expect(agent.locator(part("undo"))).to_contain_text("To Anna: I will look into it.")
        assert [said.release_no for said in site.messages()] == [None]
        open_day(agent)
        agent.keyboard.press("Enter")
    assert len(await_cards(agent)) == 4
    expect(agent.locator(part("composer"))).to_have_value("I will look into it.")
    assert [said.retracted_at is None for said in site.messages()] == [False]


def test_several_are_stopped_one_after_the_other(site: Site, agent: Page) -> None:
    for name in ("Anna", "Ben"):
        add_customer(site, f"{name} asks", name)
    for name in ("Anna", "Ben"):
        expect(asked(agent)).to_contain_text(f"{name} asks")
        await_cards(agent)
        agent.keyboard.press("Shift+Digit1")
    expect(agent.locator(part("nothing"))).to_be_visible()
    open_day(agent)
    agent.keyboard.press("Enter")
    expect(rows(agent)).to_have_count(1)
    expect(rows(agent).get_by_role("button", name="Stop")).to_be_focused()
    agent.keyboard.press("Enter")
    expect(agent.locator(part("day"))).to_be_hidden()
    expect(agent.locator(part("queue-count"))).to_have_text("2")
    open_day(agent)
    expect(agent.locator(part("day-empty"))).to_be_visible()
    agent.keyboard.press("d")
    expect(agent.locator(part("day"))).to_be_hidden()


def test_the_day_and_the_closing_speak_chinese(site: Site, open_page: Callable[..., Page]) -> None:
    add_customer(site, "Where is my order 48213?", "王小明")
    add_customer(site, "谢谢，再见")
    page = open_page(language="zh-CN")
    page.goto(site.sign_in_link("wei", "agent"))
    texts = await_cards(page)
    page.keyboard.press("Shift+Digit1")
    expect(page.locator(part("undo"))).to_contain_text(f"发给 王小明：{texts[0]}")
    expect(asked(page)).to_contain_text("谢谢，再见")
    page.get_by_role("button", name="无需回复").click()
    expect(page.locator(part("undo"))).to_contain_text("已关闭，未回复。")
    page.get_by_role("button", name="我的今天").click()
    expect(rows(page).nth(0)).to_contain_text("无需回复")
    expect(rows(page).nth(1)).to_contain_text("后客户将看到")
    expect(rows(page).get_by_role("button", name="撤回")).to_have_count(2)
