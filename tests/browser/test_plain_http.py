"""A local network: plain http under a name, and a browser that keeps nothing for pages. All of them work."""

from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from feedback.clock import SystemClock
from feedback.store import users
from feedback.store.engine import unit_of_work
from feedback.store.tables import DEFAULT_DESK
from serving.client.fake import FakeEngine
from tests.browser.conftest import LAN_HOST, ask, await_cards, part
from tests.browser.label_desk import await_done, values
from tests.browser.site import Site, run_site
from tests.feedback.duels.duel_desk import add_contender, add_prompt

pytestmark = pytest.mark.real

BLOCKED = "".join(
    f"Object.defineProperty(window, '{name}', {{ get() {{ throw new Error('blocked'); }} }});"
    for name in ("localStorage", "sessionStorage", "indexedDB")
)


@pytest.fixture
def lan(tmp_path: Path) -> Iterator[Site]:
    with FakeEngine() as engine, run_site(tmp_path, engine=engine, trusted_hosts=(LAN_HOST,)) as site:
        site.url = f"http://{LAN_HOST}:{urlsplit(site.url).port}"
        yield site


def open_bare(open_page: Callable[..., Page]) -> Page:
    page = open_page()
    page.add_init_script(BLOCKED)
    return page


def sign_in(page: Page, site: Site, name: str, role: str, at: str = "") -> None:
    """On the sign-in page, with a token."""
    now = SystemClock().now()
    with unit_of_work(site.store) as session:
        person = users.ensure_user(session, desk_id=DEFAULT_DESK, name=name, role=role, now=now)
        token = users.create_token(
            session, desk_id=DEFAULT_DESK, name=name, role=role, now=now, user_id=person.id
        )
    page.goto(f"{site.url}{at}")
    page.locator("input[name=token]").fill(token)
    page.keyboard.press("Enter")


def test_chat_and_workbench_work_and_offer_no_notifications(
    lan: Site, open_page: Callable[..., Page]
) -> None:
    customer, agent = open_bare(open_page), open_bare(open_page)
    customer.goto(f"{lan.url}/chat")
    sign_in(agent, lan, "wei", "agent", "/workbench?language=en")
    ask(customer, "Where is my order 48213, and when will it arrive?")
    texts = await_cards(agent)
    turn = agent.url
    assert agent.evaluate("[isSecureContext, typeof crypto.randomUUID]") == [False, "undefined"]
    assert f"{lan.url}/workbench?language=en#turn=" in turn
    expect(agent.get_by_role("button", name="Sound")).to_be_visible()
    expect(agent.locator(part("notify"))).to_be_hidden()
    agent.get_by_role("button", name="Sound").click()
    agent.locator("[data-language]").click()
    expect(agent.locator("html")).to_have_attribute("lang", "zh-Hans")
    assert await_cards(agent) == texts
    assert agent.url == turn
    agent.keyboard.press("Shift+Digit2")
    expect(customer.locator(".reply .bubble")).to_have_text(texts[1])


def test_console_and_duels_work(lan: Site, open_page: Callable[..., Page]) -> None:
    add_contender(lan.store, lan.settings.data_dir)
    for number in range(2):
        add_prompt(lan.store, f"Where is parcel {number}?")
    page = open_bare(open_page)
    sign_in(page, lan, "ada", "admin", "/console/people")
    expect(page.get_by_role("row", name="ada").first).to_be_visible()
    for address in [str(link.get_attribute("href")) for link in page.locator("nav a").all()]:
        answer = page.goto(f"{lan.url}{address}")  # a script that throws fails the test
        assert answer is not None and answer.ok, address
    page.goto(f"{lan.url}/console/duels")
    page.get_by_label("Prompts").fill("2")
    page.get_by_role("button", name="Start the duel").click()
    expect(
        page.get_by_role("link", name="Go on").or_(page.get_by_text("0 of 2 judged")).first
    ).to_be_visible()
    if page.get_by_role("link", name="Go on").is_visible():
        page.get_by_role("link", name="Go on").click()
    page.get_by_role("link", name="Judge its rounds").click()
    expect(page.locator(part("item"))).to_be_visible()
    await_done(page, 0, 2)
    page.keyboard.press("t")
    await_done(page, 1, 1)
    page.keyboard.press("u")
    await_done(page, 0, 2)
    assert values(lan) == [{"side": "tie"}, None]
