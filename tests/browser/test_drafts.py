"""What an agent writes is never lost: it stays theirs until the customer has it or they throw it away."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect
from sqlmodel import Session, select

from feedback.store.tables import Draft
from tests.browser.conftest import View, ask, await_cards, part
from tests.browser.site import Site
from tests.browser.test_claims import enter, wait_for

pytestmark = pytest.mark.real

FIRST, SECOND = "Where is my order 48213?", "I forgot my password."
WORDS = {
    "en-GB": {
        "draft": "draft",
        "aside": "Bring it back",
        "not_sent": "Not sent: 1",
        "why": "The customer wrote again.",
        "open": "Open",
    },
    "zh-CN": {
        "draft": "草稿",
        "aside": "取回",
        "not_sent": "未发送：1 条",
        "why": "客户又发来了消息",
        "open": "打开",
    },
}


def composer_of(page: Page) -> str:
    return page.input_value(part("composer"))


def kept(site: Site) -> list[str]:
    """The texts on the server."""
    with Session(site.store) as session:
        return sorted(row.text for row in session.exec(select(Draft).where(Draft.stands)))


def open_chat(site: Site, open_page: Callable[..., Page], text: str) -> Page:
    page = open_page()
    page.goto(f"{site.url}/chat")
    ask(page, text)
    return page


def go_to(agent: Page, text: str) -> None:
    """Click the row with this text."""
    agent.locator(".queue li button", has_text=text).click()
    expect(agent.locator(".messages .from-customer").first).to_contain_text(text)


class Line:
    """The way of one page's sends to the server, which a test may cut."""

    def __init__(self, page: Page) -> None:
        self.is_cut = False
        page.route("**/v1/sets/*/judgements", self.pass_on)

    def pass_on(self, route: Route) -> None:
        if self.is_cut:
            route.abort()
        else:
            route.continue_()


def test_drafts_several_at_once_own_text_aside_and_a_reply_that_came_too_late(
    site: Site, open_page: Callable[..., Page], view: View
) -> None:
    says = WORDS[view.language]
    first = open_chat(site, open_page, FIRST)
    open_chat(site, open_page, SECOND)
    wei = enter(site, open_page, "wei", view)
    line = Line(wei)
    texts = await_cards(wei)
    wei.fill(part("composer"), "My own words.")
    wei.press(part("composer"), "Escape")
    wei.keyboard.press("1")
    assert composer_of(wei) == texts[0]
    expect(wei.locator(part("aside-words"))).to_have_text("My own words.")
    wei.get_by_role("button", name=says["aside"]).click()
    assert composer_of(wei) == "My own words."
    go_to(wei, SECOND)
    await_cards(wei)
    wei.fill(part("composer"), "For the second.")
    rows = wei.locator(".queue li button")
    expect(rows.filter(has_text=says["draft"])).to_have_count(2)
    go_to(wei, FIRST)
    expect(wei.locator(part("composer"))).to_have_value("My own words.")
    await_cards(wei)
    line.is_cut = True
    wei.press(part("composer"), "Control+Enter")
    go_to(wei, SECOND)
    expect(wei.locator(part("composer"))).to_have_value("For the second.")
    ask(first, "Hello?")
    expect(rows.filter(has_text="Hello?")).to_have_count(1)
    wei.reload()
    line.is_cut = False
    unsent = wei.locator(part("unsent"))
    expect(unsent).to_contain_text(says["not_sent"])
    expect(unsent).to_contain_text("My own words.")
    expect(unsent).to_contain_text(FIRST)
    expect(unsent).to_contain_text(says["why"])
    if not unsent.evaluate("box => box.open"):  # a small window has no room for it unasked
        unsent.locator("summary").click()
    unsent.get_by_role("button", name=says["open"]).click()
    expect(wei.locator(".messages .from-customer").last).to_contain_text("Hello?")
    assert composer_of(wei) == "My own words."
    expect(unsent).to_be_hidden()
    await_cards(wei)
    wei.press(part("composer"), "Control+Enter")
    expect(first.locator(".reply .bubble")).to_have_text("My own words.")
    wait_for(wei, lambda: kept(site) == ["For the second."])


def test_one_key_sends_a_card_and_the_own_text_stays(
    site: Site, agent: Page, open_page: Callable[..., Page]
) -> None:
    customer = open_chat(site, open_page, FIRST)
    texts = await_cards(agent)
    agent.fill(part("composer"), "My own words.")
    agent.press(part("composer"), "Escape")
    agent.keyboard.press("Shift+Digit1")
    expect(customer.locator(".reply .bubble")).to_have_text(texts[0])
    wait_for(agent, lambda: kept(site) == ["My own words."])
    expect(agent.locator(part("nothing"))).to_be_visible()
    ask(customer, "And the other one?")
    expect(agent.locator(part("aside"))).to_be_visible()
    expect(agent.locator(part("aside-words"))).to_have_text("My own words.")
    assert composer_of(agent) == ""
    agent.keyboard.press("b")
    assert composer_of(agent) == "My own words."


def test_several_own_texts_are_all_reached_by_one_key(
    site: Site, agent: Page, open_page: Callable[..., Page]
) -> None:
    open_chat(site, open_page, FIRST)
    texts = await_cards(agent)
    for number, own in enumerate(("First.", "Second."), start=1):
        agent.fill(part("composer"), own)
        agent.press(part("composer"), "Escape")
        agent.keyboard.press(str(number))
        assert composer_of(agent) == texts[number - 1]
        agent.press(part("composer"), "Escape")
    agent.keyboard.press("0")
    seen = []
    for _ in range(3):
        agent.press(part("composer"), "Escape")
        agent.keyboard.press("b")
        seen.append(composer_of(agent))
    assert seen == ["Second.", "First.", "Second."]


def test_a_draft_is_there_in_another_browser_and_nobody_elses(
    site: Site, agent: Page, open_page: Callable[..., Page]
) -> None:
    customer = open_chat(site, open_page, FIRST)
    await_cards(agent)
    agent.fill(part("composer"), "Begun at my desk.")
    agent.close(run_before_unload=True)
    wait_for(customer, lambda: kept(site) == ["Begun at my desk."])
    elsewhere = enter(site, open_page, "wei")
    expect(elsewhere.locator(part("composer"))).to_have_value("Begun at my desk.")
    colleague = enter(site, open_page, "ada")
    await_cards(colleague)
    assert composer_of(colleague) == ""


def test_a_draft_and_a_send_survive_a_store_that_is_away(
    site: Site, agent: Page, open_page: Callable[..., Page]
) -> None:
    customer = open_chat(site, open_page, FIRST)
    await_cards(agent)
    agent.context.set_offline(True)
    agent.fill(part("composer"), "Written on a train.")
    agent.press(part("composer"), "Control+Enter")
    expect(agent.locator(part("state"))).to_contain_text("Not saved yet")
    assert kept(site) == []
    agent.context.set_offline(False)
    expect(customer.locator(".reply .bubble")).to_have_text("Written on a train.")
    assert kept(site) == []


def test_what_one_person_left_unsent_waits_for_them(
    site: Site, agent: Page, open_page: Callable[..., Page]
) -> None:
    customer = open_chat(site, open_page, FIRST)
    await_cards(agent)
    line = Line(agent)
    line.is_cut = True
    agent.fill(part("composer"), "From wei.")
    agent.press(part("composer"), "Control+Enter")
    expect(agent.locator(part("state"))).to_contain_text("Not saved yet")
    agent.get_by_role("button", name="Sign out").click()
    line.is_cut = False
    agent.goto(site.sign_in_link("ada", "agent"))
    await_cards(agent)
    assert composer_of(agent) == ""
    expect(agent.locator(part("unsent"))).to_be_hidden()
    assert site.messages() == []
    agent.get_by_role("button", name="Sign out").click()
    agent.goto(site.sign_in_link("wei", "agent"))
    expect(customer.locator(".reply .bubble")).to_have_text("From wei.")


def test_a_page_of_somebody_who_is_signed_out_elsewhere_sends_nothing_as_another(
    site: Site, agent: Page, open_page: Callable[..., Page]
) -> None:
    customer = open_chat(site, open_page, FIRST)
    await_cards(agent)
    agent.fill(part("composer"), "From wei.")
    beside = agent.context.new_page()
    beside.goto(f"{site.url}/workbench")
    beside.get_by_role("button", name="Sign out").click()
    beside.goto(site.sign_in_link("ada", "agent"))
    await_cards(beside)
    expect(agent.locator(".top .end")).not_to_contain_text("wei")  # it noticed, before ada came or after
    agent.goto(f"{site.url}/workbench")
    await_cards(agent)
    expect(agent.locator(".top .end")).to_contain_text("ada")
    assert composer_of(agent) == composer_of(beside) == ""
    assert site.messages() == []
    beside.get_by_role("button", name="Sign out").click()
    beside.goto(site.sign_in_link("wei", "agent"))
    expect(beside.locator(part("composer"))).to_have_value("From wei.")
    expect(customer.locator(".reply .bubble")).to_have_count(0)


def test_a_text_that_nobody_waits_for_is_listed_and_thrown_away_by_hand(
    site: Site, agent: Page, open_page: Callable[..., Page]
) -> None:
    open_chat(site, open_page, FIRST)
    await_cards(agent)
    agent.fill(part("composer"), "Half a reply")
    colleague = enter(site, open_page, "ada")
    go_to(colleague, FIRST)
    colleague.get_by_role("button", name="Take over").click()
    expect(agent.locator(part("notice"))).to_contain_text("ada has taken this one over")
    expect(colleague.get_by_role("button", name="Take over")).to_be_hidden()
    await_cards(colleague)
    colleague.keyboard.press("Shift+Digit1")
    unsent = agent.locator(part("unsent"))
    expect(agent.locator(part("notice"))).to_contain_text("Your text is kept below")
    agent.reload()
    expect(unsent).to_contain_text("Half a reply")
    expect(unsent.get_by_role("button", name="Open")).to_be_disabled()
    agent.reload()
    unsent.get_by_role("button", name="Discard").click()
    expect(unsent).to_be_hidden()
    wait_for(agent, lambda: kept(site) == [])
