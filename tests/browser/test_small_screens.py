"""The workbench in every window: nothing hides beneath another, and the keyboard alone goes the whole way."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from feedback.clock import SystemClock
from feedback.store.conversations import IncomingMessage, open_conversation
from feedback.store.engine import unit_of_work
from feedback.store.tables import DEFAULT_DESK
from tests.browser.conftest import KEEP_REASONS, View, await_cards, part
from tests.browser.site import LONG_S, Site

pytestmark = pytest.mark.real


@pytest.fixture
def undo_window_s() -> float:
    return LONG_S


TURNS = 5
LONG = "The parcel has not come, and nobody at the depot knows where it is. " * 6

# What can be used or says something and lies, as far as it shows, beneath something else; what sticks out.
FIND_HIDDEN = """() => {
  const isClipping = (style) => style.display !== "contents" && style.overflow !== "visible";
  const shown = (element) => {
    let { left, top, right, bottom } = element.getBoundingClientRect();
    for (let outer = element.parentElement; outer; outer = outer.parentElement) {
      if (!isClipping(getComputedStyle(outer))) continue;
      const edge = outer.getBoundingClientRect();
      [left, top] = [Math.max(left, edge.left), Math.max(top, edge.top)];
      [right, bottom] = [Math.min(right, edge.right), Math.min(bottom, edge.bottom)];
    }
    return { left, top, right, bottom };
  };
  const named = (element) => element?.outerHTML.slice(0, 90);
  const faults = [];
  const used = "a[href], button, input, textarea, summary, [tabindex='0']";
  for (const element of document.querySelectorAll(`${used}, .bubble, .card, .note, .undo-bar, .asked`)) {
    if (!element.checkVisibility() || element.matches(".skip-link")) continue;
    const { left, top, right, bottom } = shown(element);
    if (right - left < 8 || bottom - top < 8) continue; // scrolled away
    const isOutside = left < 0 || top < 0 || right > innerWidth || bottom > innerHeight;
    if (isOutside) faults.push(`sticks out: ${named(element)}`);
    for (const [x, y] of [[0.5, 0.5], [0.2, 0.5], [0.8, 0.5], [0.5, 0.2], [0.5, 0.8]]) {
      const hit = document.elementFromPoint(left + x * (right - left), top + y * (bottom - top));
      if (hit && (element.contains(hit) || hit.contains(element))) continue;
      faults.push(`${named(element)} lies beneath ${named(hit)}`);
      break;
    }
  }
  const { scrollWidth, scrollHeight } = document.scrollingElement;
  if (scrollWidth > innerWidth || scrollHeight > innerHeight) faults.push("the page itself scrolls");
  return faults;
}"""
# What scrolls and can be reached neither itself nor inside.
FIND_STUCK = """() => Array.from(document.querySelectorAll("main *"))
  .filter((box) => /auto|scroll/.test(getComputedStyle(box).overflow) && box.checkVisibility())
  .filter((box) => box.scrollHeight > box.clientHeight + 1 || box.scrollWidth > box.clientWidth + 1)
  .filter((box) => box.tabIndex < 0 && !box.querySelector("button, a[href], input, summary, [tabindex='0']"))
  .map((box) => box.outerHTML.slice(0, 90))"""
# Whether the focus is in the wanted place, and what is wrong with it: no ring, or a middle that is not seen.
LOOK_AT_FOCUS = """(wanted) => {
  const focused = document.activeElement;
  if (focused === document.body) return [false, []]; // past the last one, on the way to the first
  const { outlineStyle, outlineWidth } = getComputedStyle(focused);
  const hasRing = outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
  const faults = hasRing ? [] : ["no ring", focused.outerHTML];
  const { left, top, right, bottom } = focused.getBoundingClientRect();
  const middle = (Math.max(top, 0) + Math.min(bottom, innerHeight)) / 2;
  const hit = document.elementFromPoint((left + right) / 2, middle);
  if (!focused.contains(hit)) faults.push("hidden", focused.outerHTML, hit?.outerHTML);
  return [focused.matches(wanted), faults];
}"""


def fill_queue(site: Site) -> None:
    fields = [{"name": "Order", "value": "48213", "link": "https://shop.example/orders/48213"}]
    said = [
        IncomingMessage("customer", LONG),
        IncomingMessage("agent", LONG),
        IncomingMessage("customer", "Where is order 48213?"),
    ]
    with unit_of_work(site.store) as session:
        for _ in range(TURNS):
            now = SystemClock().now()
            open_conversation(
                session, desk_id=DEFAULT_DESK, now=now, messages=said, customer_id="c-7", fields=fields
            )


def tab_to(page: Page, selector: str) -> None:
    """By Tab alone; every stop on the way has a ring and can be seen."""
    for _ in range(60):
        page.keyboard.press("Tab")
        is_there, faults = page.evaluate(LOOK_AT_FOCUS, selector)
        assert faults == []
        if is_there:
            return
    raise AssertionError(f"Tab does not lead to {selector}")


def see_all(page: Page) -> None:
    assert page.evaluate(FIND_HIDDEN) == []
    assert page.evaluate(FIND_STUCK) == []


def test_nothing_hides_and_the_keyboard_goes_the_whole_way_without_single_keys(
    site: Site, open_page: Callable[..., Page], view: View
) -> None:
    fill_queue(site)
    page = open_page(language=view.language, width=view.width, height=view.height)
    page.add_init_script(KEEP_REASONS)
    page.goto(site.sign_in_link("wei", "agent"))
    texts = await_cards(page)
    expect(page.locator(part("who"))).to_be_visible()
    see_all(page)
    card, composer = (page.locator(which).first.bounding_box() for which in (".card", part("composer")))
    assert card is not None and composer is not None
    is_beside = card["x"] > composer["x"] + composer["width"]
    assert is_beside or card["y"] + card["height"] < composer["y"]  # seen without scrolling
    if view.width < 1100:
        assert composer["height"] < 50  # one line

    tab_to(page, "[data-help]")
    page.keyboard.press("Enter")
    tab_to(page, part("letters"))
    page.keyboard.press("Space")
    page.keyboard.press("Escape")
    page.keyboard.press("1")
    page.keyboard.press("x")
    assert page.input_value(part("composer")) == ""

    page.locator(f"{part('queue')} input").first.check()
    expect(page.locator(part("close-marked"))).to_be_visible()
    see_all(page)
    page.locator(f"{part('queue')} input").first.uncheck()

    tab_to(page, f"{part('who')} summary, {part('messages')}")
    tab_to(page, ".card button")
    page.keyboard.press("Enter")
    assert page.input_value(part("composer")) == texts[0]
    page.keyboard.type(f" {LONG}")
    expect(page.locator(".card.taken ins")).to_be_visible()
    see_all(page)
    page.keyboard.press("Control+Enter")
    expect(page.locator(part("undo"))).to_be_visible()
    expect(page.locator(part("reasons"))).to_be_visible()
    see_all(page)
    assert [row.kind for row in site.judgements()] == ["edit"]


def test_switched_off_keys_stay_off_for_their_person_alone(site: Site, agent: Page) -> None:
    fill_queue(site)
    await_cards(agent)
    agent.keyboard.press("?")
    agent.locator(part("letters")).uncheck()
    agent.keyboard.press("Escape")
    agent.reload()
    await_cards(agent)
    agent.keyboard.press("Shift+Digit1")
    agent.keyboard.press("?")
    expect(agent.locator(part("help"))).to_be_hidden()
    expect(agent.locator(".card kbd").first).to_be_hidden()
    assert site.judgements() == []
    agent.context.clear_cookies()  # another person at the same browser
    agent.goto(site.sign_in_link("lin", "agent"))
    texts = await_cards(agent)
    agent.keyboard.press("1")
    assert agent.input_value(part("composer")) == texts[0]


def test_texts_that_run_from_right_to_left_do_and_their_marks_stand_at_the_end(
    site: Site, open_page: Callable[..., Page]
) -> None:
    text = "مرحبا، أين طلبي؟ https://shop.example/a\nHello!\nשלום!"
    with unit_of_work(site.store) as session:
        said = [IncomingMessage("customer", text)]
        open_conversation(session, desk_id=DEFAULT_DESK, now=SystemClock().now(), messages=said)
    page = open_page()
    page.goto(site.sign_in_link("wei", "agent"))
    await_cards(page)
    assert page.evaluate(LETTERS, ".bubble .words") == {"م": "right", "H": "left", "ש": "right"}
    assert page.evaluate(MARKS, ".bubble .words") == [False, True, False]
    assert page.locator(".excerpt").evaluate("(row) => getComputedStyle(row).direction") == "rtl"
    page.fill(part("composer"), "שלום!")
    assert page.locator(part("composer")).evaluate("(field) => getComputedStyle(field).direction") == "rtl"


# On which side of the text's box each line begins.
LETTERS = """(selector) => {
  const box = document.querySelector(selector);
  const { left, right } = box.getBoundingClientRect();
  const walker = document.createTreeWalker(box, NodeFilter.SHOW_TEXT);
  const sides = {};
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    for (const letter of "مHש") {
      const at = node.data.indexOf(letter);
      if (at < 0 || letter in sides) continue;
      const range = document.createRange();
      range.setStart(node, at);
      range.setEnd(node, at + 1);
      const edge = range.getBoundingClientRect();
      sides[letter] = edge.left - left < right - edge.right ? "left" : "right";
    }
  }
  return sides;
}"""
# Whether the closing mark of each line stands to the right of the letter before it.
MARKS = """(selector) => {
  const walker = document.createTreeWalker(document.querySelector(selector), NodeFilter.SHOW_TEXT);
  const found = [];
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    for (const { index } of node.data.matchAll(/[؟!]/g)) {
      const [letter, mark] = [index - 1, index].map((at) => {
        const range = document.createRange();
        range.setStart(node, at);
        range.setEnd(node, at + 1);
        return range.getBoundingClientRect().left;
      });
      found.push(mark > letter);
    }
  }
  return found;
}"""
