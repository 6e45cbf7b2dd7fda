"""What the customer's page says is so: who is there, what was rated, what is new, which talks there are."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, Route, expect

from feedback.store.engine import unit_of_work
from feedback.store.presence import note_presence
from feedback.store.tables import DEFAULT_DESK
from tests.browser.conftest import View, ask, await_cards, part
from tests.browser.site import Site

pytestmark = pytest.mark.real

POSITION, THUMB = part("typing"), "**/thumbs"
ROWS = f"{part('shelf-list')} li"
WORDS = {
    "en-GB": {
        "nobody": "Nobody is at the desk now; your message is kept and will be answered later. You are next.",
        "there": r"^At the desk now: 1\. You are next\. Waiting since \d\d:\d\d\.$",
        "helpful": "Helpful",
        "thanks": "Thank you.",
        "stored": "What is stored?",
        "kept": "They are kept until they are deleted.",
        "another": "New conversation",
        "mine": "Your conversations",
    },
    "zh-CN": {
        "nobody": "当前没有客服在线。您的消息已保存，之后会有人回复。下一个就轮到您。",
        "there": r"^当前在线客服 1 人。下一个就轮到您。从 \d\d:\d\d 开始等待。$",
        "helpful": "有帮助",
        "thanks": "谢谢！",
        "stored": "会保存哪些内容？",
        "kept": "这些内容会一直保存，直到被删除。",
        "another": "新会话",
        "mine": "您的会话",
    },
}


def open_agent(site: Site, open_page: Callable[..., Page]) -> Page:
    agent = open_page()
    agent.goto(site.sign_in_link("wei", "agent"))
    agent.wait_for_url(f"{site.url}/workbench")
    return agent


def look_away(page: Page, is_away: bool = True) -> None:
    page.evaluate("away => { document.hasFocus = () => !away; dispatchEvent(new Event('focus')); }", is_away)


def assert_in_sight(page: Page, *selectors: str) -> None:
    """Whole inside the window, and nothing lies on it."""
    for selector in selectors:
        found = page.locator(selector).evaluate(
            """element => {
                const box = element.getBoundingClientRect();
                const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
                const isInside = [box.left, box.top, innerWidth - box.right, innerHeight - box.bottom];
                return [isInside.every((space) => space >= 0), element.contains(top)];
            }"""
        )
        assert found == [True, True], selector


def test_a_customer_waits_reads_rates_and_comes_back(
    site: Site, open_page: Callable[..., Page], view: View
) -> None:
    words = WORDS[view.language]
    page = open_page(language=view.language, width=view.width, height=view.height)
    page.clock.install()
    page.goto(f"{site.url}/chat")
    ask(page, "Where is my order 48213?")
    expect(page.locator(POSITION)).to_contain_text(words["nobody"])
    expect(page.locator(".from-customer time")).to_have_text(re.compile(r"\d\d:\d\d"))
    with unit_of_work(site.store) as session:
        now = site.clock.now()
        note_presence(session, desk_id=DEFAULT_DESK, agent="somebody", turn_id=None, now=now)
    page.clock.fast_forward(61_000)
    expect(page.locator(POSITION)).to_have_text(re.compile(words["there"]))
    assert_in_sight(page, POSITION, part("text"), ".write button")
    agent = open_agent(site, open_page)
    texts = await_cards(agent)
    look_away(page)
    agent.keyboard.press("Shift+Digit1")
    expect(page.locator(".reply .bubble")).to_have_text(texts[0])
    expect(page).to_have_title(re.compile(r"^\(1\) "))
    look_away(page, False)
    expect(page).to_have_title(re.compile(r"^[^(]"))
    expect(page.locator(POSITION)).to_be_hidden()
    page.get_by_role("button", name=words["helpful"], exact=True).click()
    expect(page.locator(".thumbs [role=status]")).to_have_text(words["thanks"])
    assert_in_sight(page, ".thumbs", part("text"), ".write button", part("about"))
    page.get_by_role("button", name=words["stored"]).click()
    expect(page.get_by_role("dialog", name=words["stored"])).to_contain_text(words["kept"])
    page.keyboard.press("Escape")
    page.get_by_role("button", name=words["another"]).click()
    expect(page.locator(".from-customer")).to_have_count(0)
    ask(page, "أين طلبي؟")
    text = page.locator(".from-customer [data-text]")
    assert text.evaluate("element => getComputedStyle(element).direction") == "rtl"
    page.goto(f"{site.url}/chat")
    expect(page.get_by_role("heading", name=words["mine"])).to_be_visible()
    expect(page.locator(f"{ROWS} .words")).to_have_text(["أين طلبي؟", texts[0]])
    assert page.evaluate("document.documentElement.scrollWidth") == view.width
    page.locator(f"{ROWS} a").last.click()
    expect(page.locator(".reply .bubble")).to_have_text(texts[0])
    assert [thumb.value for thumb in site.thumbs()] == [1]


def show_page(page: Page, state: str) -> None:
    page.evaluate(
        """state => {
            Object.defineProperty(document, "visibilityState", { configurable: true, value: state });
            document.dispatchEvent(new Event("visibilitychange"));
        }""",
        state,
    )


def test_a_page_asks_how_it_stands_every_minute_while_it_waits_in_sight(
    site: Site, open_page: Callable[..., Page]
) -> None:
    def count() -> int:
        return sum(path.endswith("/standing") for path, _ in site.said)

    page, began = open_page(), datetime.now(UTC)
    page.clock.install(time=began)
    page.goto(f"{site.url}/chat")
    page.clock.pause_at(began + timedelta(hours=1))  # from now on no time passes by itself
    ask(page, "Hello")
    with page.expect_response("**/standing"):
        page.clock.run_for(100)
    expect(page.locator(POSITION)).to_be_visible()
    asked = count()
    page.clock.run_for(50_000)
    assert count() == asked
    with page.expect_response("**/standing"):
        page.clock.run_for(11_000)
    show_page(page, "hidden")
    asked = count()
    page.clock.run_for(120_000)
    assert count() == asked
    with page.expect_response("**/standing"):
        show_page(page, "visible")
        page.clock.run_for(100)
    agent = open_agent(site, open_page)
    await_cards(agent)
    agent.keyboard.press("Shift+Digit1")
    expect(page.locator(".reply")).to_have_count(1)
    asked = count()
    page.clock.run_for(120_000)
    assert count() == asked


def rate(site: Site, open_page: Callable[..., Page], customer: Page) -> Page:
    """A reply that can be rated; gives the agent's page."""
    ask(customer, "Where is my order 48213?")
    agent = open_agent(site, open_page)
    await_cards(agent)
    agent.keyboard.press("Shift+Digit1")
    expect(customer.locator(".reply .bubble")).to_have_count(1)
    return agent


def test_a_repeated_up_never_overtakes_a_later_down(
    site: Site, open_page: Callable[..., Page], customer: Page
) -> None:
    rate(site, open_page, customer)
    customer.route(THUMB, lambda route: route.abort())
    customer.get_by_role("button", name="Helpful", exact=True).click()
    customer.get_by_role("button", name="Not helpful").click()
    expect(customer.get_by_role("button", name="Not helpful")).to_have_attribute("aria-pressed", "true")
    customer.unroute(THUMB)
    expect(customer.locator(".thumbs [role=status]")).to_have_text("Thank you.")
    assert [thumb.value for thumb in site.thumbs()][-1] == -1
    assert [thumb.value for thumb in site.thumbs()] in ([1, -1], [-1])
    expect(customer.get_by_role("button", name="Not helpful")).to_have_attribute("aria-pressed", "true")


def test_a_thumb_without_a_connection_is_saved_after_a_reload_and_an_older_one_is_refused(
    site: Site, open_page: Callable[..., Page], customer: Page
) -> None:
    rate(site, open_page, customer)
    held: list[Route] = []

    def hold_ups(route: Route) -> None:
        if route.request.post_data_json["value"] == 1:
            held.append(route)
        else:
            route.continue_()

    customer.route(THUMB, hold_ups)
    with customer.expect_request(THUMB):
        customer.get_by_role("button", name="Helpful", exact=True).click()
    customer.get_by_role("button", name="Not helpful").click()
    late = held[0].request
    token, body = late.headers["authorization"], late.post_data_json
    customer.reload()
    expect(customer.locator(".thumbs [role=status]")).to_have_text("Thank you.")
    answer = customer.request.post(late.url, headers={"Authorization": token}, data=body)
    assert (answer.status, answer.json()["error"]["code"]) == (409, "thumb_outdated")
    assert [thumb.value for thumb in site.thumbs()] == [-1]


def test_another_browser_shows_the_thumb_and_a_press_there_counts(
    site: Site, open_page: Callable[..., Page], customer: Page
) -> None:
    rate(site, open_page, customer)
    customer.get_by_role("button", name="Not helpful").click()
    customer.get_by_role("button", name="Too long").click()
    expect(customer.locator(".thumbs [role=status]")).to_have_text("Thank you.")
    other = open_page()
    other.goto(customer.url)
    expect(other.get_by_role("button", name="Not helpful")).to_have_attribute("aria-pressed", "true")
    expect(other.get_by_role("button", name="Too long")).to_have_attribute("aria-pressed", "true")
    other.get_by_role("button", name="Helpful", exact=True).click()
    expect(other.locator(".thumbs [role=status]")).to_have_text("Thank you.")
    customer.get_by_role("button", name="Not helpful").click()
    expect(customer.locator(".thumbs [role=status]")).to_contain_text("You rated this elsewhere meanwhile.")
    expect(customer.get_by_role("button", name="Helpful", exact=True)).to_have_attribute(
        "aria-pressed", "true"
    )
    assert [thumb.value for thumb in site.thumbs()][-1] == 1


def test_a_customer_with_two_conversations_sees_the_list_with_what_is_new(
    site: Site, open_page: Callable[..., Page], customer: Page
) -> None:
    ask(customer, "About the lamp")
    lamp = customer.url
    customer.get_by_role("button", name="New conversation").click()
    expect(customer.locator(part("greeting"))).to_be_visible()
    ask(customer, "About the chair")
    agent = open_agent(site, open_page)
    texts = await_cards(agent)
    agent.keyboard.press("Shift+Digit1")
    other = open_page()
    other.goto(lamp)
    expect(other.locator(".reply .bubble")).to_have_text(texts[0])
    customer.goto(f"{site.url}/chat")
    expect(customer.locator(f"{ROWS} .words")).to_have_text([texts[0], "About the chair"])
    expect(customer.locator(f"{ROWS} .mark")).to_have_text(["New: 1"])
    customer.locator(f"{ROWS} a").first.click()
    expect(customer.locator(".reply .bubble")).to_have_text(texts[0])
    customer.get_by_role("button", name="Conversations", exact=True).click()
    expect(customer.locator(f"{ROWS} .mark")).to_have_count(0)
    customer.get_by_role("button", name="Start another").click()
    expect(customer.locator(part("greeting"))).to_be_visible()


# A headless shell answers who asks for the permission, and tells nobody afterwards.
TELL_PERMISSION = """
    const tell = () => sessionStorage.getItem("may") ?? "default";
    Object.defineProperty(Notification, "permission", { get: tell });
    const ask = Notification.requestPermission.bind(Notification);
    Notification.requestPermission = async () => {
      const said = await ask();
      sessionStorage.setItem("may", said);
      return said;
    };
"""


def test_sound_and_notifications_are_asked_for_by_a_press_and_remembered(site: Site, customer: Page) -> None:
    customer.add_init_script(TELL_PERMISSION)
    customer.reload()
    assert customer.evaluate("Notification.permission") != "granted"
    sound = customer.get_by_role("button", name="Sound")
    expect(sound).to_have_attribute("aria-pressed", "false")
    sound.click()
    customer.context.grant_permissions(["notifications"])
    customer.get_by_role("button", name="Notifications").click()
    customer.reload()
    expect(customer.get_by_role("button", name="Sound")).to_have_attribute("aria-pressed", "true")
    expect(customer.get_by_role("button", name="Notifications")).to_have_attribute("aria-pressed", "true")
