"""An agent's shift in a real browser: what the keys do, and what of it reaches the customer and the store."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from feedback.clock import SystemClock
from feedback.store.conversations import IncomingMessage, open_conversation
from feedback.store.engine import unit_of_work
from feedback.store.tables import DEFAULT_DESK
from tests.browser.conftest import ask, await_cards, hold_back, part
from tests.browser.site import LONG_S, Site

pytestmark = pytest.mark.real

QUESTION = "Where is my order 48213?"


def composer_of(agent: Page) -> str:
    return agent.input_value(part("composer"))


def test_a_picked_card_reaches_the_customer_and_the_thumb_the_store(
    site: Site, agent: Page, customer: Page
) -> None:
    ask(customer, QUESTION)
    texts = await_cards(agent)
    agent.keyboard.press("1")
    assert composer_of(agent) == texts[0]
    agent.keyboard.press("Control+Enter")
    expect(customer.locator(".reply .bubble")).to_have_text(texts[0])
    customer.get_by_role("button", name="Not helpful").click()
    customer.get_by_role("button", name="Too long").click()
    expect(customer.locator(".thumbs [role=status]")).to_have_text("Thank you.")
    [judgement] = site.judgements()
    assert (judgement.kind, judgement.text) == ("pick", None)
    assert [(thumb.value, thumb.reasons) for thumb in site.thumbs()] == [(-1, []), (-1, ["too_long"])]


def test_all_cards_are_skeletons_until_all_are_ready(site: Site, agent: Page, customer: Page) -> None:
    with site.engine.held_back():
        ask(customer, QUESTION)
        expect(agent.locator(".card .bone").first).to_be_visible()
        assert agent.locator(".card .text").count() == 0
    assert len(await_cards(agent)) == 4


@pytest.mark.parametrize(
    ("language", "says"),
    [
        ("en-GB", "Passed along by the app, read by the suggestions: Shipping, untitled"),
        ("zh-CN", "由应用附带，建议已参考：Shipping、未命名"),
    ],
)
def test_what_an_app_passes_along_is_shown_beside_the_message(
    site: Site, open_page: Callable[..., Page], language: str, says: str
) -> None:
    articles = [{"title": "Shipping", "text": "Parcels take two days."}, {"title": "", "text": "<b>No</b>"}]
    now = SystemClock().now()
    with unit_of_work(site.store) as session:
        said = IncomingMessage("customer", QUESTION, knowledge=articles)
        open_conversation(session, desk_id=DEFAULT_DESK, now=now, messages=[said])
    page = open_page(language=language)
    page.goto(site.sign_in_link("wei", "agent"))
    expect(page.locator(".bubble .knowledge summary")).to_have_text(says)
    page.locator(".bubble .knowledge summary").click()
    expect(page.locator(".bubble .knowledge p")).to_have_text(
        ["Shipping\nParcels take two days.", "\n<b>No</b>"]
    )
    await_cards(page)


@pytest.mark.parametrize(
    ("language", "says"),
    [
        ("en-GB", r"The suggestions saw a shortened text: \d+ characters are left out of its middle\."),
        ("zh-CN", r"建议所参考的文本已缩短：中间略去 \d+ 个字符。"),
    ],
)
def test_an_agent_is_told_that_the_suggestions_saw_a_shortened_text(
    site: Site, open_page: Callable[..., Page], language: str, says: str
) -> None:
    mail = f"{QUESTION} " + "I wrote this before. " * 2000
    with unit_of_work(site.store) as session:
        said = [IncomingMessage("customer", mail)]
        open_conversation(session, desk_id=DEFAULT_DESK, now=SystemClock().now(), messages=said)
    page = open_page(language=language)
    page.goto(site.sign_in_link("wei", "agent"))
    await_cards(page)
    expect(page.locator(part("notice"))).to_have_text(re.compile(says))
    assert len(page.locator(".bubble").inner_text()) > 40_000


@pytest.mark.parametrize("undo_window_s", [LONG_S])
def test_undo_within_the_window_retracts_the_message(site: Site, agent: Page, customer: Page) -> None:
    ask(customer, QUESTION)
    texts = await_cards(agent)
    agent.keyboard.press("Shift+Digit2")
    expect(agent.locator(part("undo"))).to_be_visible()
    agent.keyboard.press("z")
    expect(agent.locator(part("composer"))).to_have_value(texts[1])
    assert await_cards(agent) == texts
    assert [row.kind for row in site.judgements()] == ["pick", "undo"]
    assert site.messages()[0].retracted_at is not None
    agent.keyboard.press("1")
    with agent.expect_response("**/judgements"):
        agent.keyboard.press("Control+Enter")
    site.clock.skip(LONG_S)
    expect(customer.locator(".reply .bubble")).to_have_text([texts[0]])


def test_an_edit_is_stored_with_the_card_it_came_from(site: Site, agent: Page, customer: Page) -> None:
    ask(customer, QUESTION)
    texts = await_cards(agent)
    agent.keyboard.press("3")
    agent.keyboard.type(" I will write to you again tonight.")
    expect(agent.locator(part("origin"))).to_have_text("C, edited")
    agent.keyboard.press("Control+Enter")
    sent = f"{texts[2]} I will write to you again tonight."
    expect(customer.locator(".reply .bubble")).to_have_text(sent)
    [judgement] = site.judgements()
    assert (judgement.kind, judgement.text) == ("edit", sent)
    assert judgement.candidate_id is not None


def test_none_then_own_text(site: Site, agent: Page, customer: Page) -> None:
    ask(customer, QUESTION)
    await_cards(agent)
    agent.keyboard.press("0")
    expect(agent.locator(part("composer"))).to_be_focused()
    expect(agent.locator(".card button").first).to_be_disabled()
    agent.keyboard.type("Let me call the carrier.")
    agent.keyboard.press("Control+Enter")
    expect(customer.locator(".reply .bubble")).to_have_text("Let me call the carrier.")
    assert [(row.kind, row.text) for row in site.judgements()] == [
        ("none", None),
        ("own", "Let me call the carrier."),
    ]


def test_a_reply_written_while_none_is_still_being_saved_goes_out_after_it(
    site: Site, agent: Page, customer: Page
) -> None:
    ask(customer, QUESTION)
    await_cards(agent)
    let_go = hold_back(agent, "**/judgements")
    agent.keyboard.press("0")
    agent.keyboard.insert_text("Let me call the carrier.")
    agent.keyboard.press("Control+Enter")
    let_go()
    expect(customer.locator(".reply .bubble")).to_have_text("Let me call the carrier.")
    assert [row.kind for row in site.judgements()] == ["none", "own"]


@pytest.mark.parametrize("undo_window_s", [LONG_S])
def test_undo_of_a_reply_on_its_way_takes_no_earlier_one_back(
    site: Site, agent: Page, customer: Page, open_page: Callable[..., Page]
) -> None:
    ask(customer, QUESTION)
    await_cards(agent)
    agent.keyboard.press("Shift+Digit1")
    expect(agent.locator(part("undo"))).to_be_visible()
    second = open_page()
    second.goto(f"{site.url}/chat")
    ask(second, "I forgot my password.")
    await_cards(agent)
    let_go = hold_back(agent, "**/judgements")
    agent.keyboard.press("Shift+Digit1")
    agent.keyboard.press("z")
    expect(agent.get_by_text("This is still being saved.")).to_have_count(1)
    with agent.expect_response("**/judgements"):
        let_go()
    site.clock.skip(LONG_S)
    expect(second.locator(".reply .bubble")).to_have_count(1)
    assert [row.kind for row in site.judgements()] == ["pick", "pick"]


def test_a_tie_names_the_equal_ones_and_sends_the_first(site: Site, agent: Page, customer: Page) -> None:
    ask(customer, QUESTION)
    texts = await_cards(agent)
    for key in ("=", "2", "4"):
        agent.keyboard.press(key)
    assert composer_of(agent) == texts[1]
    agent.keyboard.press("Control+Enter")
    expect(customer.locator(".reply .bubble")).to_have_text(texts[1])
    [judgement] = site.judgements()
    assert judgement.kind == "tie"
    assert judgement.candidate_id == judgement.candidate_ids[0]
    assert len(judgement.candidate_ids) == 2


def test_skip_goes_to_the_next_and_keeps_the_turn_in_the_queue(
    site: Site, agent: Page, customer: Page, open_page: Callable[..., Page]
) -> None:
    ask(customer, QUESTION)
    second = open_page()
    second.goto(f"{site.url}/chat")
    ask(second, "I forgot my password.")
    await_cards(agent)
    expect(agent.locator(part("queue-count"))).to_have_text("2")
    agent.keyboard.press("s")
    expect(agent.locator(".messages .from-customer")).to_contain_text("I forgot my password.")
    expect(agent.locator(part("queue-count"))).to_have_text("2")
    assert [row.kind for row in site.judgements()] == ["skip"]


def test_letters_are_text_inside_the_composer(agent: Page, customer: Page) -> None:
    ask(customer, QUESTION)
    await_cards(agent)
    agent.keyboard.press("i")
    agent.keyboard.type("zsj1=0?")
    assert composer_of(agent) == "zsj1=0?"
    expect(agent.locator(part("undo"))).to_be_hidden()


def test_enter_of_an_input_method_does_not_send(site: Site, agent: Page, customer: Page) -> None:
    ask(customer, QUESTION)
    await_cards(agent)
    agent.fill(part("composer"), "您好")
    for composing, code in ((True, 13), (False, 229)):
        agent.evaluate(PRESS_ENTER, [part("composer"), composing, code, True])
        customer.fill(part("text"), "还在吗")
        customer.evaluate(PRESS_ENTER, [part("text"), composing, code, False])
    assert (composer_of(agent), customer.input_value(part("text"))) == ("您好", "还在吗")
    assert site.judgements() == []
    assert len(site.messages("customer")) == 1


PRESS_ENTER = """([where, composing, keyCode, ctrlKey]) => {
  const press = new KeyboardEvent("keydown", {
    key: "Enter", code: "Enter", isComposing: composing, keyCode, ctrlKey, bubbles: true, cancelable: true,
  });
  document.querySelector(where).dispatchEvent(press);
}"""


def test_a_draft_survives_a_reload_and_a_change_of_language(agent: Page, customer: Page) -> None:
    ask(customer, QUESTION)
    await_cards(agent)
    agent.keyboard.press("1")
    agent.keyboard.type(" And more.")
    text = composer_of(agent)
    agent.reload()
    expect(agent.locator(part("composer"))).to_have_value(text)
    expect(agent.locator(part("origin"))).to_have_text("A, edited")
    agent.get_by_role("button", name="中文").click()
    expect(agent.locator(part("composer"))).to_have_value(text)
    expect(agent.locator(part("origin"))).to_have_text("A，已修改")


def test_when_the_customer_writes_again_the_draft_moves_on(agent: Page, customer: Page) -> None:
    ask(customer, QUESTION)
    await_cards(agent)
    agent.fill(part("composer"), "One moment please.")
    ask(customer, "Hello?")
    expect(agent.locator(part("notice"))).to_contain_text("The customer wrote again")
    expect(agent.locator(".messages .from-customer")).to_have_count(2)
    await_cards(agent)
    expect(agent.locator(part("composer"))).to_have_value("One moment please.")


def test_without_the_model_server_one_line_says_so_and_writing_works(
    site: Site, agent: Page, customer: Page
) -> None:
    site.engine.mode = "error"
    ask(customer, QUESTION)
    expect(agent.locator(part("notice"))).to_contain_text("No suggestions this time")
    agent.fill(part("composer"), "I will look into it.")
    agent.keyboard.press("Control+Enter")
    expect(customer.locator(".reply .bubble")).to_have_text("I will look into it.")


@pytest.mark.parametrize("undo_window_s", [LONG_S])
def test_a_reply_by_hand_without_suggestions_is_taken_back(site: Site, agent: Page, customer: Page) -> None:
    site.engine.mode = "error"
    ask(customer, QUESTION)
    expect(agent.locator(part("notice"))).to_contain_text("No suggestions this time")
    agent.fill(part("composer"), "I will look into it.")
    agent.keyboard.press("Control+Enter")
    expect(agent.locator(part("nothing"))).to_be_visible()
    agent.locator(part("undo")).get_by_role("button").click()
    expect(agent.locator(part("composer"))).to_be_visible()
    assert composer_of(agent) == "I will look into it."
    assert [row.kind for row in site.judgements()] == ["own", "undo"]
    assert site.messages()[0].retracted_at is not None


def test_a_colleague_who_was_faster_costs_no_text(
    site: Site, agent: Page, customer: Page, open_page: Callable[..., Page]
) -> None:
    ask(customer, QUESTION)
    await_cards(agent)
    agent.fill(part("composer"), "My long answer.")
    turn = agent.locator(".queue li button").get_attribute("data-turn")
    boss = open_page()
    boss.goto(site.sign_in_link("ada", "admin"))
    site.expire_claims()
    answer = boss.evaluate(JUDGE, turn)
    assert answer == 201
    expect(agent.locator(part("notice"))).to_contain_text("Your text is kept")
    expect(agent.locator(part("composer"))).to_have_value("My long answer.")


JUDGE = """async (turn) => {
  const set = await (await fetch(`/v1/turns/${turn}/suggestions?wait=5`)).json();
  const csrf = document.querySelector('meta[name="csrf-token"]').content;
  const body = { event_id: crypto.randomUUID(), kind: "pick", candidate_id: set.candidates[0].candidate_id };
  const answer = await fetch(`/v1/sets/${set.set_id}/judgements`, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRFToken": csrf },
    body: JSON.stringify(body),
  });
  return answer.status;
}"""


def test_nothing_that_agents_receive_names_arms_or_adapters(site: Site, agent: Page, customer: Page) -> None:
    site.deploy("tuned-20260102-1")
    ask(customer, QUESTION)
    await_cards(agent)
    agent.keyboard.press("Shift+Digit1")
    expect(customer.locator(".reply .bubble")).to_have_count(1)
    said = [
        body for path, body in site.said if "suggestions" in path or "workbench" in path or "/v1/" in path
    ]
    assert len(said) > 8
    for word in ("tuned-2026", '"tuned"', '"base"', '"arm"', '"adapter"', "request_no", "sample_no", "zero"):
        assert not [body for body in said if word in body], word


def test_the_workbench_speaks_chinese(site: Site, open_page: Callable[..., Page], customer: Page) -> None:
    page = open_page(language="zh-CN")
    page.goto(site.sign_in_link("wei", "agent"))
    expect(page.get_by_text("无人等待", exact=True)).to_be_visible()
    assert page.get_attribute("html", "lang") == "zh-Hans"
    ask(customer, "你好，订单到哪里了？")
    await_cards(page)
    expect(page.get_by_role("button", name="都不好 0")).to_be_visible()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("把这条放入输入框")


def test_after_sending_the_keys_work_on_the_next_turn(
    site: Site, agent: Page, customer: Page, open_page: Callable[..., Page]
) -> None:
    ask(customer, QUESTION)
    second = open_page()
    second.goto(f"{site.url}/chat")
    ask(second, "I forgot my password.")
    await_cards(agent)
    agent.keyboard.press("1")
    agent.keyboard.press("Control+Enter")
    expect(agent.locator(".messages .from-customer")).to_contain_text("I forgot my password.")
    texts = await_cards(agent)
    agent.keyboard.press("2")
    agent.keyboard.press("Control+Enter")
    expect(second.locator(".reply .bubble")).to_have_text(texts[1])


def test_text_that_is_being_written_keeps_the_focus_when_the_customer_writes_again(
    agent: Page, customer: Page
) -> None:
    ask(customer, QUESTION)
    await_cards(agent)
    agent.keyboard.press("i")
    agent.keyboard.type("One mo")
    ask(customer, "Hello?")
    expect(agent.locator(".messages .from-customer")).to_have_count(2)
    agent.keyboard.type("ment")
    expect(agent.locator(part("composer"))).to_have_value("One moment")
