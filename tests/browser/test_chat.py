"""The customer's page in a real browser: writing, reading, rating, coming back, on a small screen."""

import re
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import Page, expect

from feedback.store.engine import unit_of_work
from feedback.store.tables import DEFAULT_DESK
from feedback.store.users import create_token
from serving.client.fake import FakeEngine
from tests.browser.conftest import ask, await_cards, part
from tests.browser.site import Site, run_site

pytestmark = pytest.mark.real


def answer(agent: Page, customer: Page) -> None:
    """Ask, and have the first card sent."""
    ask(customer, "Where is my order 48213?")
    await_cards(agent)
    agent.keyboard.press("Shift+Digit1")
    expect(customer.locator(".reply .bubble")).to_have_count(1)


def test_thumbs_toggle_and_are_taken_back(site: Site, agent: Page, customer: Page) -> None:
    answer(agent, customer)
    status = customer.locator(".thumbs [role=status]")
    up = customer.get_by_role("button", name="Helpful", exact=True)
    up.click()
    expect(status).to_have_text("Thank you.")
    expect(up).to_have_attribute("aria-pressed", "true")
    up.click()
    expect(status).to_have_text("Taken back.")
    down = customer.get_by_role("button", name="Not helpful")
    down.click()
    customer.get_by_label("Anything to add? (optional)").fill("No tracking link")
    customer.get_by_label("Anything to add? (optional)").press("Tab")
    expect(status).to_have_text("Thank you.")
    assert [thumb.value for thumb in site.thumbs()] == [1, 0, -1, -1]
    assert site.thumbs()[-1].comment == "No tracking link"


def test_there_are_at_most_four_reasons_and_only_after_a_thumb_down(agent: Page, customer: Page) -> None:
    answer(agent, customer)
    expect(customer.locator(".chips:visible button[aria-pressed]")).to_have_count(0)
    customer.get_by_role("button", name="Not helpful").click()
    expect(customer.locator(".chips:visible button[aria-pressed]")).to_have_count(4)


def test_a_customer_who_comes_back_finds_the_conversation_and_the_thumb(
    site: Site, agent: Page, customer: Page
) -> None:
    answer(agent, customer)
    customer.get_by_role("button", name="Helpful", exact=True).click()
    expect(customer.locator(".thumbs [role=status]")).to_have_text("Thank you.")
    customer.goto(f"{site.url}/chat")
    expect(customer.locator(".bubble")).to_have_count(2)
    expect(customer.get_by_role("button", name="Helpful", exact=True)).to_have_attribute(
        "aria-pressed", "true"
    )
    customer.get_by_role("button", name="New conversation").click()
    expect(customer.locator(part("greeting"))).to_be_visible()


def test_a_draft_survives_a_reload(site: Site, customer: Page) -> None:
    customer.fill(part("text"), "I have not finished")
    customer.reload()
    expect(customer.locator(part("text"))).to_have_value("I have not finished")
    ask(customer, "Now I have")
    customer.reload()
    expect(customer.locator(part("text"))).to_have_value("")
    assert [message.text for message in site.messages("customer")] == ["Now I have"]


def test_shift_enter_is_a_new_line(site: Site, customer: Page) -> None:
    customer.press(part("text"), "a")
    customer.press(part("text"), "Shift+Enter")
    customer.keyboard.type("b")
    customer.press(part("text"), "Enter")
    customer.wait_for_selector(".from-customer:not(.pending)")
    assert [message.text for message in site.messages("customer")] == ["a\nb"]


def test_a_message_written_without_a_connection_is_sent_once_later(site: Site, customer: Page) -> None:
    ask(customer, "Hello")
    customer.context.set_offline(True)
    customer.fill(part("text"), "Are you there?")
    customer.press(part("text"), "Enter")
    expect(customer.locator(".pending .who")).to_have_text("Waiting to be sent")
    customer.context.set_offline(False)
    expect(customer.locator(".from-customer:not(.pending)")).to_have_count(2)
    assert [message.text for message in site.messages("customer")] == ["Hello", "Are you there?"]


def test_the_visitor_token_never_reaches_the_server_in_an_address(site: Site, customer: Page) -> None:
    ask(customer, "Hello")
    customer.reload()
    expect(customer.locator(".from-customer")).to_have_count(1)
    assert "#rj_visitor_" in customer.url
    assert not [path for path, _ in site.said if "rj_visitor_" in path]


def test_text_of_customers_is_text(site: Site, agent: Page, customer: Page) -> None:
    hostile = "<img src=x onerror=alert(1)><script>alert(2)</script>"
    ask(customer, hostile)
    expect(agent.locator(".messages .from-customer")).to_contain_text(hostile)
    expect(agent.locator(".queue .excerpt")).to_have_text(hostile)
    expect(customer.locator(".from-customer [data-text]")).to_have_text(hostile)


@pytest.mark.parametrize("width", [320, 768, 1280])
def test_no_page_scrolls_sideways(site: Site, open_page: Callable[..., Page], width: int) -> None:
    chat = open_page(width=width, height=640)
    chat.goto(f"{site.url}/chat")
    ask(chat, "x" * 300)
    desk = open_page(width=width, height=640, language="zh-CN")
    desk.goto(site.sign_in_link("ada", "admin"))
    widths = [chat.evaluate("document.documentElement.scrollWidth")]
    for path in ("/workbench", "/console", "/console/runs", "/console/people", "/console/funnel"):
        desk.goto(f"{site.url}{path}")
        widths.append(desk.evaluate("document.documentElement.scrollWidth"))
    assert widths == [width] * 6


def test_a_customer_deletes_the_conversation_after_being_asked(
    site: Site, agent: Page, customer: Page
) -> None:
    answer(agent, customer)
    asked: list[str] = []
    customer.once("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    customer.get_by_role("button", name="Delete this conversation").click()
    assert len(asked) == 1 and "for good" in asked[0]
    assert [message.text for message in site.messages("customer")] == ["Where is my order 48213?"]
    customer.once("dialog", lambda dialog: dialog.accept())
    customer.get_by_role("button", name="Delete this conversation").click()
    expect(customer.locator(part("greeting"))).to_be_visible()
    assert [message.text for message in site.messages("customer")] == [None]
    assert customer.evaluate("JSON.stringify(localStorage)").count("48213") == 0


@pytest.mark.parametrize(
    ("language", "wait", "you"),
    [
        ("en-GB", r"tries again in \d+ s; what you wrote is kept", "You"),
        ("zh-CN", r"\d+ 秒后本页会自动重试", "您"),
    ],
)
def test_a_text_that_came_too_soon_is_kept_and_sent_when_the_limit_lets_it(
    site: Site, open_page: Callable[..., Page], language: str, wait: str, you: str
) -> None:
    """Eleven openings from one address: the eleventh is refused with Retry-After, and the page obeys."""
    for _ in range(site.settings.address_openings):
        opened = httpx.post(
            f"{site.url}/chat/start", json={"event_id": str(uuid4()), "text": "x"}, timeout=60
        )
        assert opened.status_code in (201, 409)
    page = open_page(language=language)
    page.clock.install()
    page.goto(f"{site.url}/chat")
    page.fill(part("text"), "Where is my parcel?")
    page.press(part("text"), "Enter")
    expect(page.locator(".pending .who")).to_have_text(re.compile(wait))
    expect(page.locator(".pending [data-text]")).to_have_text("Where is my parcel?")
    assert "Where is my parcel?" not in [message.text for message in site.messages("customer")]
    site.clock.skip(60)  # the service's windows, and the page's own time
    page.clock.run_for(62_000)
    expect(page.locator(".from-customer .who")).to_have_text(you)
    assert [message.text for message in site.messages("customer")].count("Where is my parcel?") == 1


def test_a_cap_is_said_in_words_beside_the_text_which_stays(
    site: Site, open_page: Callable[..., Page]
) -> None:
    page = open_page(language="zh-CN")
    for number in range(site.settings.visitor_conversations):
        page.goto(f"{site.url}/chat")
        ask(page, f"Number {number}")
        page.evaluate("localStorage.clear()")
    page.goto(f"{site.url}/chat")
    page.fill(part("text"), "One more")
    page.press(part("text"), "Enter")
    expect(page.locator(".unsent .why")).to_contain_text("您有多个会话正在等待回复")
    page.reload()
    expect(page.locator(".unsent [data-text]")).to_have_text("One more")


def test_a_customer_of_an_app_writes_and_deletes_where_the_chat_is_closed(
    tmp_path: Path, open_page: Callable[..., Page]
) -> None:
    with FakeEngine() as engine, run_site(tmp_path, engine=engine, public_chat=False) as site:
        with unit_of_work(site.store) as session:
            token = create_token(session, desk_id=DEFAULT_DESK, name="shop", role="app", now=site.clock.now())
        opened = httpx.post(
            f"{site.url}/v1/conversations",
            json={"event_id": str(uuid4()), "messages": [{"role": "customer", "text": "Hello"}]},
            headers={"Authorization": f"Bearer {token}"},
            timeout=60,
        ).json()
        page = open_page()
        page.goto(f"{site.url}/chat/{opened['conversation_id']}#{opened['visitor_token']}")
        expect(page.locator(".from-customer")).to_have_count(1)
        ask(page, "Are you there?")
        expect(page.get_by_role("button", name="New conversation")).to_be_hidden()
        page.on("dialog", lambda dialog: dialog.accept())
        page.get_by_role("button", name="Delete this conversation").click()
        expect(page.locator(part("trouble"))).to_have_text("This conversation is deleted.")
        expect(page.locator(part("form"))).to_be_hidden()
        assert site.messages("customer")[0].text is None


def test_where_storage_is_blocked_and_http_is_plain_both_pages_work(
    site: Site, open_page: Callable[..., Page]
) -> None:
    customer, agent = open_page(), open_page()
    for page in (customer, agent):
        page.add_init_script(
            "Object.defineProperty(window, 'localStorage', { get() { throw new Error('blocked'); } });"
            "delete Crypto.prototype.randomUUID;"
        )
    customer.goto(f"{site.url}/chat")
    agent.goto(site.sign_in_link("wei", "agent"))
    ask(customer, "Where is my order 48213?")
    texts = await_cards(agent)
    agent.keyboard.press("Shift+Digit2")
    expect(customer.locator(".reply .bubble")).to_have_text(texts[1])
    customer.get_by_role("button", name="Helpful", exact=True).click()
    expect(customer.locator(".thumbs [role=status]")).to_have_text("Thank you.")
    assert [thumb.value for thumb in site.thumbs()] == [1]
