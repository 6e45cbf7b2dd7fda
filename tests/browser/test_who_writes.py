"""What an agent sees of who writes, of their edit and of what became of a reply; the reasons they name."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect
from sqlmodel import Session, select

from feedback.clock import SystemClock
from feedback.store.conversations import IncomingMessage, open_conversation
from feedback.store.engine import unit_of_work
from feedback.store.tables import DEFAULT_DESK, JudgementReasons
from tests.browser.conftest import KEEP_REASONS, ask, await_cards, part
from tests.browser.site import Site

pytestmark = pytest.mark.real

ORDER = {"name": "Order", "value": "48213", "link": "https://shop.example/orders/48213"}


def open_with(site: Site, *texts: str, ago: timedelta = timedelta(), **fields: object) -> None:
    said = [IncomingMessage("customer" if n % 2 == 0 else "agent", text) for n, text in enumerate(texts)]
    with unit_of_work(site.store) as session:
        at = SystemClock().now() - ago
        open_conversation(session, desk_id=DEFAULT_DESK, now=at, messages=said, **fields)  # type: ignore[arg-type]


def test_what_the_app_passed_and_earlier_conversations_stand_above_the_thread(
    site: Site, open_page: Callable[..., Page]
) -> None:
    soon = SystemClock().now() + timedelta(minutes=10, seconds=30)
    told = {"customer_id": "Anna Meier", "customer_details": ["anna@shop.example"], "language": "en"}
    open_with(
        site, "My lamp is broken.", "A new one is coming.", ago=timedelta(days=3), customer_id="Anna Meier"
    )
    open_with(site, "Where is it?", fields=[ORDER], due_at=soon, tags=["vip"], **told)
    page = open_page(width=1400, height=900)
    page.goto(site.sign_in_link("wei", "agent"))
    expect(page.locator(part("about"))).to_have_text("Anna Meier · English due in 10 min")
    expect(page.locator(f"{part('who')} > summary")).to_have_text("Details: 3 · Earlier conversations: 1")
    assert page.locator(f"{part('who')} dd").all_inner_texts() == [
        *("anna@shop.example", "48213 https://shop.example/orders/48213", "vip"),
    ]
    earlier = page.locator(f"{part('who')} li > details")
    expect(earlier.locator("summary")).to_contain_text("My lamp is broken.")
    earlier.locator("summary").click()
    expect(earlier.locator(".words")).to_have_text(["My lamp is broken.", "A new one is coming."])
    assert page.locator(f"{part('messages')} .words").all_inner_texts() == ["Where is it?"]
    page.locator(f"{part('who')} > summary").click()
    page.reload()
    await_cards(page)
    expect(page.locator(f"{part('who')} > summary")).to_be_visible()
    expect(page.locator(f"{part('who')} dl")).to_be_hidden()  # as the agent left it


def test_messages_show_their_time_and_on_hovering_all_of_it(site: Site, agent: Page) -> None:
    open_with(site, "Where is it?", ago=timedelta(days=400))
    time = agent.locator(".bubble time")
    expect(time).to_be_visible()
    at = SystemClock().now() - timedelta(days=400)
    assert str(at.year) in str(time.get_attribute("title"))


TELL = "(texts) => import('/static/difference.js').then((it) => it.difference(...texts))"
# Card, composer, and what is shown of it.
DIFFERENCES = [
    ("Hello.", "Hello.", [["same", "Hello."]]),
    (
        "The parcel is late.",
        "The parcel is very late!",
        [["same", "The parcel is "], ["come", "very "], ["same", "late"], ["gone", "."], ["come", "!"]],
    ),
    ("refund today", "refunds today", [["gone", "refund"], ["come", "refunds"], ["same", " today"]]),
    (
        "请稍等片刻。",
        "请您稍等一下。",
        [
            ["same", "请"],
            ["come", "您"],
            ["same", "稍等"],
            ["gone", "片刻"],
            ["come", "一下"],
            ["same", "。"],
        ],
    ),
    (
        "订单48213已发出",
        "订单48214已发出",
        [["same", "订单"], ["gone", "48213"], ["come", "48214"], ["same", "已发出"]],
    ),
    ("a b", "", [["gone", "a b"]]),
    ("", "a b", [["come", "a b"]]),
]


def test_an_edit_is_told_word_by_word_and_in_chinese_sign_by_sign(site: Site, customer: Page) -> None:
    for before, after, parts in DIFFERENCES:
        told = customer.evaluate(
            TELL,
            [before, after],
        )
        assert told == parts
    long = " ".join(f"w{n}" for n in range(3000))
    other = " ".join(f"v{n}" for n in range(3000))
    told = customer.evaluate(
        TELL,
        [long, other],
    )
    assert [kind for kind, _ in told] == ["gone", "come"]  # too much to compare word by word


def test_the_card_shows_what_the_edit_changed_until_another_is_taken(
    site: Site, agent: Page, customer: Page
) -> None:
    ask(customer, "Where is my order?")
    texts = await_cards(agent)
    agent.keyboard.press("1")
    agent.keyboard.type(" Soon.")
    expect(agent.locator(".card ins")).to_have_text([" Soon."])
    agent.keyboard.press("Escape")
    agent.keyboard.press("2")
    expect(agent.locator(".card ins")).to_have_count(0)
    assert agent.locator(".card .text").all_inner_texts() == texts


def test_reasons_are_named_by_keys_after_sending(site: Site, agent: Page, customer: Page) -> None:
    agent.add_init_script(KEEP_REASONS)
    agent.reload()
    ask(customer, "Where is my order?")
    await_cards(agent)
    agent.keyboard.press("Shift+Digit1")
    chips = agent.locator(part("reasons"))
    expect(chips).to_contain_text("Anything wrong with the others?")
    chips.hover()  # stays as long as the pointer is there
    agent.keyboard.press("e")
    agent.keyboard.press("r")
    expect(chips.locator('[aria-pressed="true"]')).to_have_count(2)
    agent.keyboard.press("e")
    expect(chips.locator('[aria-pressed="true"]')).to_have_count(1)
    agent.evaluate("window.mayHide = true")
    agent.mouse.move(0, 0)
    expect(chips).to_be_hidden()
    expect(agent.locator(part("notice"))).to_be_hidden()
    with Session(site.store) as session:
        rows = session.exec(select(JudgementReasons).order_by(JudgementReasons.created_at)).all()
    assert [row.reasons for row in rows] == [["tone"], ["tone", "too_long"], ["too_long"]]
    agent.keyboard.press("t")  # nothing is asked any more
    assert len(site.judgements()) == 1


def test_a_thumb_reaches_the_agent_who_wrote_and_no_other(
    site: Site, agent: Page, customer: Page, open_page: Callable[..., Page]
) -> None:
    ask(customer, "Where is my order?")
    await_cards(agent)
    with agent.expect_response("**/judgements"):
        agent.keyboard.press("Shift+Digit1")
    agent.goto("about:blank")  # else the page may tell it before it is looked at again
    customer.get_by_role("button", name="Helpful", exact=True).click()
    expect(customer.locator(".thumbs [role=status]")).to_have_text("Thank you.")
    ask(customer, "And the other one?")
    other = open_page()
    other.goto(site.sign_in_link("lin", "agent"))
    other.locator(f"{part('queue')} button").click()
    expect(other.locator(".bubble.from-agent")).to_be_visible()
    agent.goto(f"{site.url}/workbench")
    other.reload()
    expect(agent.locator(part("heard"))).to_have_text("A customer found your answer helpful.")
    expect(agent.locator(".from-agent .mark")).to_have_text("Helpful")
    other.locator(f"{part('queue')} button").click()
    expect(other.locator(".bubble.from-agent")).to_be_visible()
    expect(other.locator(part("heard"))).to_be_hidden()
    expect(other.locator(".from-agent .mark")).to_have_count(0)
    agent.reload()
    expect(agent.locator(".from-agent .mark")).to_be_visible()
    expect(agent.locator(part("heard"))).to_be_hidden()  # told once
