"""Looking holds nothing and is seen; the first key that changes something takes a turn."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from sqlmodel import Session, select

from feedback.store.tables import Presence, Turn
from tests.browser.conftest import View, ask, await_cards, part
from tests.browser.site import Site
from tests.browser.test_queue import fill_queue

pytestmark = pytest.mark.real

QUESTION = "Where is my order 48213?"
WORDS = {
    "en-GB": {
        "reads": "wei is reading",
        "answers": "wei is answering",
        "take_over": "Take over",
        "taken": "ada has taken this one over. Your text is kept as a draft.",
        "not_sent": "Not sent: ada is answering this one. Your text is kept below.",
        "sign_out": "Sign out",
    },
    "zh-CN": {
        "reads": "wei 正在查看",
        "answers": "wei 正在回复",
        "take_over": "接手",
        "taken": "ada 接手了这一条。您写的文字已存为草稿。",
        "not_sent": "未发送：ada 正在回复这一条。您写的文字保留在下方。",
        "sign_out": "退出",
    },
}


def holders(site: Site) -> list[str | None]:
    with Session(site.store) as session:
        return [turn.claimed_by for turn in session.exec(select(Turn).order_by(Turn.created_at))]


def wait_for(page: Page, holds: Callable[[], bool]) -> None:
    """Until this is so in the store; the page goes on meanwhile."""
    for _ in range(600):
        if holds():
            return
        page.wait_for_timeout(25)
    raise AssertionError("it never came to be")


def enter(site: Site, open_page: Callable[..., Page], name: str, view: View | None = None) -> Page:
    size = {"language": view.language, "width": view.width, "height": view.height} if view else {}
    page = open_page(**size)
    page.goto(site.sign_in_link(name, "agent"))
    page.wait_for_url(f"{site.url}/workbench")
    return page


def test_a_turn_is_looked_at_taken_taken_over_and_given_back(
    site: Site, open_page: Callable[..., Page], customer: Page, view: View
) -> None:
    says = WORDS[view.language]
    ask(customer, QUESTION)
    wei = enter(site, open_page, "wei", view)
    ada = enter(site, open_page, "ada", view)
    await_cards(wei)
    await_cards(ada)
    expect(ada.locator(part("others"))).to_have_text(says["reads"])
    expect(ada.locator(".queue li button")).to_contain_text(says["reads"])
    assert holders(site) == [None]
    wei.fill(part("composer"), "It is on its way.")
    expect(ada.locator(part("others"))).to_have_text(says["answers"])
    expect(ada.locator(".queue li button")).to_contain_text(says["answers"])
    expect(ada.locator(".card button").first).to_be_disabled()
    ada.get_by_role("button", name=says["take_over"]).click()
    expect(ada.locator(".card button").first).to_be_enabled()
    expect(wei.locator(part("notice"))).to_have_text(says["taken"])
    expect(wei.locator(part("composer"))).to_have_value("It is on its way.")
    expect(wei.locator(part("take-over"))).to_be_visible()
    wei.press(part("composer"), "Control+Enter")
    expect(wei.locator(part("notice"))).to_have_text(says["not_sent"])
    expect(wei.locator(part("composer"))).to_have_value("It is on its way.")
    ada.get_by_role("button", name=says["sign_out"]).click()
    expect(wei.locator(part("take-over"))).to_be_hidden()
    assert holders(site) == [None]
    wei.press(part("composer"), "Control+Enter")
    expect(customer.locator(".reply .bubble")).to_have_text("It is on its way.")


def test_going_through_the_queue_holds_nothing(site: Site, agent: Page) -> None:
    fill_queue(site, 10)
    await_cards(agent)
    for _ in range(6):
        agent.keyboard.press("j")
    seventh = agent.locator(".queue li button").nth(6)
    expect(seventh).to_have_attribute("aria-current", "true")
    turn_id = seventh.get_attribute("data-turn")

    def reads_it() -> bool:
        with Session(site.store) as session:
            return [row.turn_id for row in session.exec(select(Presence))] == [turn_id]

    wait_for(agent, reads_it)
    assert holders(site) == [None] * 11


@pytest.mark.parametrize("key", ["1", "0", "=", "x"])
def test_a_turn_is_taken_by_the_first_key_that_changes_its_reply(
    site: Site, agent: Page, customer: Page, key: str
) -> None:
    ask(customer, QUESTION)
    await_cards(agent)
    agent.keyboard.press(key)
    if key == "x":  # marks a row of the queue
        agent.keyboard.press("e")
        agent.keyboard.press("Escape")
        expect(agent.locator(".queue li input")).to_be_checked()
        assert holders(site) == [None]
    else:
        wait_for(agent, lambda: holders(site) != [None])


def test_leaving_a_turn_and_closing_the_page_give_it_back(site: Site, agent: Page) -> None:
    fill_queue(site, 1)
    await_cards(agent)
    agent.keyboard.press("1")
    wait_for(agent, lambda: [bool(who) for who in holders(site)] == [True, False])
    agent.keyboard.press("Escape")
    agent.keyboard.press("j")
    wait_for(agent, lambda: holders(site) == [None, None])
    await_cards(agent)
    agent.keyboard.press("1")
    wait_for(agent, lambda: [bool(who) for who in holders(site)] == [False, True])
    other = agent.context.new_page()  # a closed context sends nothing more: another page of it goes on
    agent.close(run_before_unload=True)

    def is_gone() -> bool:
        with Session(site.store) as session:
            return not session.exec(select(Presence)).all()

    wait_for(other, lambda: holders(site) == [None, None] and is_gone())


def test_a_send_renews_a_claim_that_expired_and_nobody_took(site: Site, agent: Page, customer: Page) -> None:
    ask(customer, QUESTION)
    await_cards(agent)
    agent.fill(part("composer"), "It is on its way.")
    wait_for(agent, lambda: holders(site) != [None])
    site.clock.skip(3600)
    agent.keyboard.press("Control+Enter")
    expect(customer.locator(".reply .bubble")).to_have_text("It is on its way.")


def test_the_next_turn_is_one_that_nobody_else_reads_or_answers(
    site: Site, agent: Page, open_page: Callable[..., Page]
) -> None:
    fill_queue(site, 2)
    await_cards(agent)
    agent.keyboard.press("1")
    wait_for(agent, lambda: any(holders(site)))
    ada = enter(site, open_page, "ada")
    expect(ada.locator(".messages .from-customer")).to_contain_text("Spam 1")
    expect(agent.locator(".queue li button").nth(1)).to_contain_text("ada is reading")
    agent.keyboard.press("Control+Enter")
    expect(agent.locator(".messages .from-customer")).to_contain_text(QUESTION)
