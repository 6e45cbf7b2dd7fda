"""What a customer wrote and the service has not acknowledged: kept in order, sent once, never mixed up."""

import pytest
from playwright.sync_api import Page, Route, expect
from sqlmodel import Session, select

from feedback.store.tables import Conversation
from tests.browser.conftest import ask, part
from tests.browser.site import Site

pytestmark = pytest.mark.real

WAITING, UNSENT = ".pending [data-text]", ".unsent [data-text]"
SENT = ".from-customer:not(.pending, .unsent) [data-text]"
STARTS, POSTS = "**/chat/start", "**/messages"


def cut_writes(page: Page) -> None:
    """No text gets through; everything else does, so that the page can be loaded again."""
    page.route(STARTS, lambda route: route.abort())
    page.route(POSTS, lambda route: route.abort() if route.request.method == "POST" else route.continue_())


def let_writes(page: Page) -> None:
    page.unroute(STARTS)
    page.unroute(POSTS)


def write(page: Page, *texts: str) -> None:
    for text in texts:
        page.fill(part("text"), text)
        page.press(part("text"), "Enter")


def conversations(site: Site) -> list[Conversation]:
    with Session(site.store) as session:
        return list(session.exec(select(Conversation).order_by(Conversation.created_at)))


def said(site: Site, conversation_id: str | None = None) -> list[str | None]:
    return [
        message.text
        for message in site.messages("customer")
        if conversation_id in (None, message.conversation_id)
    ]


def refuse_posts(page: Page, code: str) -> None:
    refusal = {"error": {"code": code, "message": f"Refused {code} 4711.", "hint": ""}}

    def refuse(route: Route) -> None:
        if route.request.method == "POST":
            route.fulfill(status=409, json=refusal)
        else:
            route.continue_()

    page.route(POSTS, refuse)


def test_three_texts_of_a_new_conversation_survive_a_reload_and_arrive_once_in_order(
    site: Site, customer: Page
) -> None:
    cut_writes(customer)
    write(customer, "One", "Two", "Three")
    expect(customer.locator(WAITING)).to_have_text(["One", "Two", "Three"])
    customer.reload()
    expect(customer.locator(WAITING)).to_have_text(["One", "Two", "Three"])
    assert said(site) == []
    let_writes(customer)
    expect(customer.locator(SENT)).to_have_text(["One", "Two", "Three"])
    assert said(site) == ["One", "Two", "Three"]
    assert len(conversations(site)) == 1
    customer.reload()
    expect(customer.locator(SENT)).to_have_text(["One", "Two", "Three"])


def test_a_start_whose_answer_was_lost_opens_no_second_conversation(site: Site, customer: Page) -> None:
    lost: list[int] = []

    def lose_answer(route: Route) -> None:
        if not lost:
            lost.append(route.fetch().status)
        route.abort()

    customer.route(STARTS, lose_answer)
    write(customer, "Hello", "Are you there?")
    expect(customer.locator(".pending .who").first).to_have_text("Waiting to be sent")
    customer.reload()
    customer.unroute(STARTS)
    expect(customer.locator(SENT)).to_have_text(["Hello", "Are you there?"])
    assert lost == [201]
    assert said(site) == ["Hello", "Are you there?"]
    assert len(conversations(site)) == 1


def test_texts_written_without_a_connection_come_after_what_was_sent_before(
    site: Site, customer: Page
) -> None:
    ask(customer, "Hello")
    customer.context.set_offline(True)
    write(customer, "Again", "Again", "Last")
    expect(customer.locator(WAITING)).to_have_text(["Again", "Again", "Last"])
    customer.context.set_offline(False)
    expect(customer.locator(SENT)).to_have_text(["Hello", "Again", "Again", "Last"])
    assert said(site) == ["Hello", "Again", "Again", "Last"]


def test_an_old_message_of_the_same_words_does_not_pass_for_one_that_waits(
    site: Site, customer: Page
) -> None:
    ask(customer, "Hello?")
    cut_writes(customer)
    write(customer, "Hello?")
    customer.reload()
    expect(customer.locator(SENT)).to_have_text(["Hello?"])
    expect(customer.locator(WAITING)).to_have_text(["Hello?"])
    let_writes(customer)
    expect(customer.locator(SENT)).to_have_text(["Hello?", "Hello?"])
    assert said(site) == ["Hello?", "Hello?"]


def test_a_refused_text_stays_until_it_is_sent_again_or_discarded(site: Site, customer: Page) -> None:
    ask(customer, "Hello")
    refuse_posts(customer, "too_many_messages")
    write(customer, "First", "Second")
    expect(customer.locator(UNSENT)).to_have_text(["First", "Second"])
    expect(customer.locator(".unsent .why").first).to_have_text("This conversation is full. Start a new one.")
    customer.reload()
    expect(customer.locator(".unsent .who")).to_have_text(["Not sent", "Not sent"])
    expect(customer.locator(UNSENT)).to_have_text(["First", "Second"])
    customer.context.grant_permissions(["clipboard-read", "clipboard-write"])
    customer.get_by_role("button", name="Copy").first.click()
    expect(customer.get_by_role("button", name="Copied.")).to_be_visible()
    assert customer.evaluate("navigator.clipboard.readText()") == "First"
    customer.unroute(POSTS)
    customer.get_by_role("button", name="Send again").last.click()
    expect(customer.locator(SENT)).to_have_text(["Hello", "Second"])
    customer.get_by_role("button", name="Discard").click()
    expect(customer.locator(UNSENT)).to_have_count(0)
    customer.reload()
    expect(customer.locator(SENT)).to_have_text(["Hello", "Second"])
    expect(customer.locator(UNSENT)).to_have_count(0)
    assert said(site) == ["Hello", "Second"]


def test_a_conversation_sends_its_own_texts_and_never_anothers(site: Site, customer: Page) -> None:
    ask(customer, "About the lamp")
    lamp = customer.url
    cut_writes(customer)
    write(customer, "The lamp is broken")
    expect(customer.locator(WAITING)).to_have_count(1)
    customer.get_by_role("button", name="New conversation").click()
    expect(customer.locator(part("greeting"))).to_be_visible()
    expect(customer.locator(".from-customer")).to_have_count(0)
    let_writes(customer)
    ask(customer, "About the chair")
    write(customer, "The chair is fine")
    expect(customer.locator(SENT)).to_have_text(["About the chair", "The chair is fine"])
    first, second = (row.id for row in conversations(site))
    assert said(site, first) == ["About the lamp"]
    customer.goto(lamp)
    expect(customer.locator(SENT)).to_have_text(["About the lamp", "The lamp is broken"])
    assert said(site, first) == ["About the lamp", "The lamp is broken"]
    assert said(site, second) == ["About the chair", "The chair is fine"]


def test_two_windows_of_one_conversation_send_a_text_once(site: Site, customer: Page) -> None:
    ask(customer, "Hello")
    expect(customer.locator(SENT)).to_have_text(["Hello"])
    cut_writes(customer)
    write(customer, "One", "Two")
    other = customer.context.new_page()
    other.goto(customer.url)
    expect(other.locator(SENT)).to_have_text(["Hello", "One", "Two"])
    let_writes(customer)
    expect(customer.locator(SENT)).to_have_text(["Hello", "One", "Two"])
    expect(customer.locator(WAITING)).to_have_count(0)
    assert said(site) == ["Hello", "One", "Two"]


def test_two_windows_of_a_new_conversation_open_one(site: Site, customer: Page) -> None:
    """The second window gets through first, while the first one still tries and its customer writes on."""
    cut_writes(customer)
    write(customer, "One")
    expect(customer.locator(WAITING)).to_have_count(1)
    other = customer.context.new_page()
    other.goto(customer.url)
    expect(other.locator(SENT)).to_have_text(["One"])
    write(customer, "Two")
    expect(customer.locator(WAITING)).to_have_text(["One", "Two"])
    customer.reload()
    let_writes(customer)
    expect(customer.locator(SENT)).to_have_text(["One", "Two"])
    assert said(site) == ["One", "Two"]
    assert len(conversations(site)) == 1
    customer.goto("about:blank")
    customer.goto(f"{site.url}/chat")
    expect(customer.locator(SENT)).to_have_text(["One", "Two"])
