"""The queue holds still: rows stay where they are, and the place outlives reloads, languages and sessions."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Locator, Page, expect

from feedback.clock import SystemClock
from feedback.store import users, web_sessions
from feedback.store.conversations import IncomingMessage, open_conversation
from feedback.store.engine import unit_of_work
from feedback.store.presence import note_presence
from feedback.store.tables import DEFAULT_DESK, Turn, User
from tests.browser.conftest import View, await_cards, part
from tests.browser.site import Site
from tests.browser.test_queue import ROWS, fill_queue, open_workbench

pytestmark = pytest.mark.real

CURRENT = '.queue button[aria-current="true"]'


def ask_in(site: Site, texts: dict[str, str], minutes: float = 30, **fields: list[str]) -> list[str]:
    """Customers with their languages, a second apart from so many minutes ago on; their turns."""
    turn_ids = []
    began = SystemClock().now() - timedelta(minutes=minutes)
    with unit_of_work(site.store) as session:
        for number, (text, language) in enumerate(texts.items()):
            opened = open_conversation(
                session,
                desk_id=DEFAULT_DESK,
                now=began + timedelta(seconds=number),
                messages=[IncomingMessage("customer", text)],
                language=language,
                **fields,
            )
            assert opened.turn is not None
            turn_ids.append(opened.turn.id)
    return turn_ids


def leave(site: Site, turn_id: str) -> None:
    """Somebody else has dealt with it."""
    with unit_of_work(site.store) as session:
        session.get_one(Turn, turn_id).state = "answered"


def button_of(page: Page, turn_id: str) -> Locator:
    return page.locator(f'.queue button[data-turn="{turn_id}"]')


def await_refresh(page: Page) -> None:
    """Until an answer of the queue that was asked for from now on is drawn."""
    for _ in range(2):
        with page.expect_response(lambda answer: "/v1/queue?" in answer.url):
            pass


def make_token(site: Site) -> str:
    now = SystemClock().now()
    with unit_of_work(site.store) as session:
        person = users.ensure_user(session, desk_id=DEFAULT_DESK, name="wei", role="agent", now=now)
        return users.create_token(
            session, desk_id=DEFAULT_DESK, name="wei", role="agent", now=now, user_id=person.id
        )


def end_sessions(site: Site, token: str) -> None:
    now = SystemClock().now()
    with unit_of_work(site.store) as session:
        person: User = users.ensure_user(session, desk_id=DEFAULT_DESK, name="wei", role="agent", now=now)
        web_sessions.end_sessions_of(session, desk_id=DEFAULT_DESK, user_id=person.id, now=now)


def test_the_place_survives_reload_language_and_session(
    site: Site, open_page: Callable[..., Page], view: View
) -> None:
    texts = {
        "Where is it?": "en",
        "在哪里？": "zh",
        "Red, please": "en-GB",
        "还没到": "zh-CN",
        "收到了吗？": "zh",
    }
    turn_ids = ask_in(site, texts, tags=["orders"])
    token = make_token(site)
    page = open_page(language=view.language, width=view.width, height=view.height)
    page.goto(site.sign_in_link("wei", "agent"))
    expect(page.locator(ROWS)).to_have_count(5)
    page.locator(part("filter-language")).select_option("zh")
    expect(page.locator(ROWS)).to_have_count(3)
    expect(page.locator(part("queue-count"))).to_have_text("3")
    expect(page.locator(".messages .from-customer")).to_contain_text("Where is it?")  # still in hand
    button_of(page, turn_ids[3]).click()
    place = f"{site.url}/workbench?language=zh#turn={turn_ids[3]}"

    def is_there() -> None:
        expect(page.locator(".messages .from-customer")).to_contain_text("还没到")
        expect(page.locator(ROWS)).to_have_count(3)
        expect(page.locator(part("filter-language"))).to_have_value("zh")
        assert page.locator(CURRENT).get_attribute("data-turn") == turn_ids[3]
        assert page.url == place

    is_there()
    page.reload()
    is_there()
    page.locator("[data-language]").click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-Hans" if view.language == "en-GB" else "en")
    is_there()
    end_sessions(site, token)
    expect(page).to_have_url(re.compile(r"/sign-in\?next="))  # where several calls under way lead at once
    page.locator("input[name=token]").fill(token)
    page.keyboard.press("Enter")
    page.wait_for_url(place)
    is_there()
    leave(site, turn_ids[3])  # while nobody looks at it
    page.reload()
    expect(page.locator(".messages .from-customer")).to_contain_text("在哪里？")
    assert page.url == f"{site.url}/workbench?language=zh#turn={turn_ids[1]}"


def test_a_reload_after_the_session_ended_keeps_the_place_through_the_sign_in_page(
    site: Site, agent: Page
) -> None:
    turn_ids = ask_in(site, {"One": "en", "Two": "en"})
    token = make_token(site)
    button_of(agent, turn_ids[1]).click()
    await_cards(agent)
    place = agent.url
    end_sessions(site, token)
    agent.reload()
    agent.locator("input[name=token]").fill("rj_agent_wrong")
    agent.keyboard.press("Enter")
    agent.get_by_role("alert").wait_for()
    agent.locator("input[name=token]").fill(token)
    agent.keyboard.press("Enter")
    agent.wait_for_url(place)
    expect(agent.locator(".messages .from-customer")).to_contain_text("Two")


def test_rows_are_the_same_nodes_after_refreshes_and_leave_others_in_place(site: Site, agent: Page) -> None:
    turn_ids = ask_in(site, {f"Question {number}": "en" for number in range(5)})
    await_cards(agent)
    agent.evaluate("document.querySelectorAll('.queue li').forEach((row, at) => { row.madeAs = at; })")
    leave(site, turn_ids[1])
    ask_in(site, {"One more": "en"}, minutes=1)
    expect(agent.locator(ROWS)).to_have_count(5)
    await_refresh(agent)
    kept = agent.evaluate("[...document.querySelectorAll('.queue li')].map((row) => row.madeAs ?? null)")
    assert kept == [0, 2, 3, 4, None]


def test_a_press_that_spans_a_refresh_opens_the_turn_also_when_a_row_above_leaves(
    site: Site, agent: Page
) -> None:
    turn_ids = ask_in(site, {f"Question {number}": "en" for number in range(6)})
    await_cards(agent)
    for above, pressed in ((1, 3), (2, 5)):
        button_of(agent, turn_ids[pressed]).hover()
        agent.mouse.down()
        leave(site, turn_ids[above])
        expect(button_of(agent, turn_ids[above])).to_have_attribute("aria-disabled", "true")
        await_refresh(agent)
        agent.mouse.up()
        expect(agent.locator(".messages .from-customer")).to_contain_text(f"Question {pressed}")
        agent.mouse.move(700, 300)
        expect(button_of(agent, turn_ids[above])).to_have_count(0)


def test_a_row_that_leaves_under_a_moving_pointer_keeps_its_place_until_the_pointer_goes(
    site: Site, agent: Page
) -> None:
    turn_ids = ask_in(site, {f"Question {number}": "en" for number in range(3)})
    await_cards(agent)
    agent.evaluate(
        "setInterval(() => document.querySelector('.queue ol')"
        ".dispatchEvent(new PointerEvent('pointermove')), 50)"
    )
    button_of(agent, turn_ids[2]).hover()
    place = button_of(agent, turn_ids[2]).bounding_box()
    leave(site, turn_ids[1])
    expect(button_of(agent, turn_ids[1])).to_have_attribute("aria-disabled", "true")
    expect(agent.locator(part("queue-count"))).to_have_text("2")
    await_refresh(agent)
    assert button_of(agent, turn_ids[2]).bounding_box() == place
    button_of(agent, turn_ids[1]).click(force=True)
    expect(agent.locator(part("live"))).to_have_text("This one waits no longer.")
    expect(agent.locator(".messages .from-customer")).to_contain_text("Question 0")


def test_how_far_the_queue_was_read_and_scrolled_survives_a_reload(site: Site, agent: Page) -> None:
    fill_queue(site, 250)
    expect(agent.locator(ROWS)).to_have_count(200)
    agent.keyboard.press("m")
    expect(agent.locator(ROWS)).to_have_count(251)
    agent.locator(ROWS).nth(220).locator("button").click()
    await_cards(agent)
    chosen, top = (
        agent.locator(CURRENT).get_attribute("data-turn"),
        agent.evaluate("document.querySelector('.queue ol').scrollTop"),
    )
    assert top > 5000
    agent.reload()
    expect(agent.locator(ROWS)).to_have_count(251)
    expect(agent.locator(CURRENT)).to_have_attribute("data-turn", str(chosen))
    expect(agent.locator(CURRENT)).to_be_in_viewport()
    assert agent.evaluate("document.querySelector('.queue ol').scrollTop") == top


def test_a_filter_is_chosen_by_keyboard_and_walked_with_j(site: Site, agent: Page) -> None:
    turn_ids = ask_in(site, {"One": "en", "Eins": "de", "Two": "en", "Zwei": "de"})
    await_cards(agent)
    expect(agent.locator(part("filter-language"))).to_contain_text("Deutsch (2)")
    agent.keyboard.press("f")
    expect(agent.locator(part("filter-language"))).to_be_focused()
    agent.keyboard.type("Deu")
    agent.keyboard.press("Enter")
    expect(agent.locator(ROWS)).to_have_count(2)
    agent.keyboard.press("Escape")
    for text in ("Eins", "Zwei"):
        agent.keyboard.press("j")
        expect(agent.locator(".messages .from-customer")).to_contain_text(text)
    agent.locator(part("filter-mine")).click()
    expect(agent.locator(part("filter-mine"))).to_have_attribute("aria-pressed", "true")
    assert "?language=de&mine=true#" in agent.url
    agent.goto(f"{site.url}/workbench?tag=none#turn={turn_ids[3]}")
    expect(agent.locator(part("queue-empty"))).to_contain_text("Nobody is waiting with this filter.")
    agent.get_by_role("button", name="Show all").click()
    expect(agent.locator(ROWS)).to_have_count(4)
    assert agent.url == f"{site.url}/workbench#turn={turn_ids[3]}"


def test_a_turn_in_hand_stays_open_under_a_filter_that_hides_it(site: Site, agent: Page) -> None:
    ask_in(site, {"One": "en", "Zwei": "de"})
    texts = await_cards(agent)
    agent.locator(part("filter-language")).select_option("de")
    expect(agent.locator(ROWS)).to_have_count(1)
    await_refresh(agent)
    expect(agent.locator(part("notice"))).to_be_hidden()
    agent.locator(".card button").first.click()
    expect(agent.locator(part("composer"))).to_have_value(texts[0])
    agent.keyboard.press("Control+Enter")
    expect(agent.locator(".messages .from-customer")).to_contain_text("Zwei")


def test_the_workbench_in_a_language_counts_what_the_filter_leaves(
    site: Site, open_page: Callable[..., Page]
) -> None:
    ask_in(site, {"One": "en", "二": "zh"}, tags=["订单"])
    page = open_workbench(site, open_page, "zh-CN")
    page.goto(f"{site.url}/workbench?tag=订单&language=zh")
    expect(page.locator(ROWS)).to_have_count(1)
    expect(page.locator(part("filter-tag"))).to_have_value("订单")


def test_who_comes_to_read_moves_no_row(site: Site, open_page: Callable[..., Page]) -> None:
    turn_id = fill_queue(site, 3)
    page = open_workbench(site, open_page, "en-GB")
    await_cards(page)
    before = [box["height"] for box in map(Locator.bounding_box, page.locator(ROWS).all()) if box]
    with unit_of_work(site.store) as session:
        note_presence(
            session, desk_id=DEFAULT_DESK, agent="app:maximiliane", turn_id=turn_id, now=site.clock.now()
        )
    expect(page.locator(f'.queue button[data-turn="{turn_id}"]')).to_contain_text("maximiliane is reading")
    assert [box["height"] for box in map(Locator.bounding_box, page.locator(ROWS).all()) if box] == before
