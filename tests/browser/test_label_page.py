"""The page Label: every kind by keys alone, in both languages and every window; nothing written is lost."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import View, hold_back, list_overflowing, part
from tests.browser.label_desk import (
    GUIDELINE,
    await_done,
    change_items,
    change_task,
    enter,
    go_to,
    labels,
    open_task,
    values,
)
from tests.browser.site import Site
from tests.browser.test_small_screens import see_all

pytestmark = pytest.mark.real

TREE = [f"{above}/{below}" for above in ("billing", "delivery", "goods") for below in "abcd"] + ["praise"]
# Keys by kind, and what they come to. Sides and replies are in the labeller's own order: see the next test.
KEYS = {
    "tag": ("2 1 2 Enter", {"tags": ["billing"]}),
    "tag none": ("1 0 Enter", {"tags": []}),
    "compare": ("t", {"side": "tie"}),
    "compare bad": ("x", {"side": "both_bad"}),
    "pick": ("1 2 3 Enter", {"picked": [0, 1, 2]}),
    "pick none": ("1 0 Enter", {"none": True}),
    "rate": ("4", {"score": 4}),
    "rewrite": ("Enter", {"unchanged": True}),
    "check": ("2", {"verdict": "bad"}),
    "check unsure": ("3", {"verdict": "unsure"}),
}


def press(page: Page, keys: str) -> None:
    for key in keys.split():
        page.keyboard.press(key)


@pytest.mark.parametrize("case", KEYS)
def test_a_kind_is_answered_by_keys_alone(site: Site, open_page: Callable[..., Page], case: str) -> None:
    keys, value = KEYS[case]
    page = enter(site, open_page, "wei", open_task(site, case.split()[0]))
    await_done(page, 0, 3)
    press(page, keys)
    await_done(page, 1, 2)
    (label,) = labels(site)
    assert (label.value, label.text, label.role) == (value, None, "labeller")
    assert label.dwell_ms is not None and label.dwell_ms >= 0


@pytest.mark.parametrize(("key", "side"), [("a", "a"), ("1", "a"), ("b", "b"), ("2", "b")])
def test_a_side_is_the_reply_that_stood_there(
    site: Site, open_page: Callable[..., Page], key: str, side: str
) -> None:
    """Whoever sees the two in the other order says something else by the same key."""
    task = open_task(site, "compare", items=8)
    page = enter(site, open_page, "wei", task)
    read, said = [], []
    for done in range(8):
        await_done(page, done, 8 - done)
        read.append(page.locator(part(side)).inner_text())
        page.keyboard.press(key)
    await_done(page, 8, 0)
    texts = {"a": "It is on its way.", "b": "No idea."}
    said = [texts[row.value["side"]] for row in labels(site) if row.value]
    assert said == read
    assert set(read) == set(texts.values())  # both orders came


def test_a_big_tree_is_searched(site: Site, open_page: Callable[..., Page]) -> None:
    page = enter(site, open_page, "wei", open_task(site, "tag", question={"tags": [], "options": TREE}))
    page.keyboard.press("/")
    expect(page.locator(part("search"))).to_be_focused()
    page.keyboard.type("deli c")
    expect(page.locator(f"{part('options')} li")).to_have_text(["1delivery/c"])
    page.keyboard.press("Enter")
    page.keyboard.type("praise")
    page.keyboard.press("Enter")
    page.keyboard.type("no such")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.press("Delete")
    page.keyboard.press("Enter")
    await_done(page, 1, 2)
    assert values(site) == [{"tags": ["delivery/c", "praise"]}]


def test_a_reply_is_rewritten_and_an_input_method_sends_nothing(
    site: Site, open_page: Callable[..., Page]
) -> None:
    page = enter(site, open_page, "wei", open_task(site, "rewrite"))
    page.keyboard.press("e")
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("First")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("second")
    for composing in ("isComposing: true", "keyCode: 229"):
        page.locator(part("text")).evaluate(
            "(field) => field.dispatchEvent(new KeyboardEvent('keydown', "
            f"{{ key: 'Enter', bubbles: true, {composing} }}))"
        )
    assert values(site) == []
    page.keyboard.press("Enter")
    await_done(page, 1, 2)
    (label,) = labels(site)
    assert (label.value, label.text) == ({"unchanged": False}, "First\nsecond")


def test_nothing_is_sent_before_there_is_an_answer(site: Site, open_page: Callable[..., Page]) -> None:
    page = enter(site, open_page, "wei", open_task(site, "tag"))
    page.keyboard.press("Enter")
    expect(page.locator(part("notice"))).to_have_text("Answer first, or pass.")
    assert values(site) == []


def test_passing_gives_the_item_to_others(site: Site, open_page: Callable[..., Page]) -> None:
    page = enter(site, open_page, "wei", open_task(site, "check"))
    first = page.locator(".messages .words").inner_text()
    page.keyboard.press("s")
    await_done(page, 0, 2)
    assert page.locator(".messages .words").inner_text() != first
    assert values(site) == []


def test_the_last_one_is_taken_back_with_its_answer_also_after_a_reload(
    site: Site, open_page: Callable[..., Page]
) -> None:
    task = open_task(site, "tag")
    page = enter(site, open_page, "wei", task)
    first = page.locator(".messages .words").inner_text()
    press(page, "2 Enter")
    await_done(page, 1, 2)
    page.reload()
    await_done(page, 1, 2)
    page.keyboard.press("u")
    await_done(page, 0, 3)
    assert page.locator(".messages .words").inner_text() == first
    expect(page.locator(f"{part('options')} input").nth(1)).to_be_checked()
    page.keyboard.press("u")  # nothing is left to take back
    press(page, "2 1 Enter")
    await_done(page, 1, 2)
    assert values(site) == [{"tags": ["billing/refund"]}, None, {"tags": ["billing"]}]


def test_a_double_press_sends_once(site: Site, open_page: Callable[..., Page]) -> None:
    page = enter(site, open_page, "wei", open_task(site, "rate"))
    let_go = hold_back(page, "**/labels")
    press(page, "2 5 2")
    let_go()
    await_done(page, 1, 2)
    assert values(site) == [{"score": 2}]


def test_the_guideline_is_open_until_it_was_read(site: Site, open_page: Callable[..., Page]) -> None:
    task = open_task(site, "rate")
    page = enter(site, open_page, "wei", task)
    expect(page.get_by_text(GUIDELINE)).to_be_visible()
    page.keyboard.press("g")
    expect(page.get_by_text(GUIDELINE)).to_be_hidden()
    go_to(page, site, task)
    expect(page.get_by_text(GUIDELINE)).to_be_hidden()
    change_task(site, task, guideline="Rate what helps.", guideline_version=2)
    go_to(page, site, task)
    expect(page.get_by_text("Rate what helps.")).to_be_visible()


# Windows


def test_nothing_hides_in_any_window(site: Site, open_page: Callable[..., Page], view: View) -> None:
    look = {"language": view.language, "width": view.width, "height": view.height}
    page = open_page(**look)
    page.goto(site.sign_in_link("wei", "labeller"))
    long = {"messages": [{"role": "user", "content": "The parcel has not come. " * 30}]}
    replies = ["It is on its way, and will be with you soon. " * 8] * 4
    for kind, shown in {"pick": {"replies": replies}, "compare": {"a": replies[0], "b": "No."}}.items():
        task = open_task(site, kind, guideline="Read it twice. " * 40)
        change_items(site, task, shown=long | shown)
        go_to(page, site, task)
        see_all(page)
    task = open_task(site, "tag", question={"tags": [], "options": TREE})
    go_to(page, site, task)
    see_all(page)


def test_a_phone_labels_by_touch(site: Site, open_page: Callable[..., Page]) -> None:
    task = open_task(site, "compare")
    page = open_page(width=360, height=740, has_touch=True)
    page.goto(site.sign_in_link("wei", "labeller"))
    page.get_by_role("link", name=task.name).tap()
    expect(page.locator(part("item"))).to_be_visible()
    assert list_overflowing(page) == []
    page.get_by_role("button", name="Tie").tap()
    await_done(page, 1, 2)
    page.get_by_role("button", name="Take back").tap()
    await_done(page, 0, 3)
    page.get_by_role("button", name="Both bad").tap()
    await_done(page, 1, 2)
    page.get_by_role("button", name="Pass").tap()
    await_done(page, 1, 1)
    assert values(site) == [{"side": "tie"}, None, {"side": "both_bad"}]


def test_who_labels_sees_their_tasks_and_nothing_else(site: Site, open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.goto(site.sign_in_link("wei", "labeller"))
    page.wait_for_url(f"{site.url}/label")
    expect(page.get_by_text("There is no task for you now")).to_be_visible()
    expect(page.locator(".top nav a")).to_have_text(["Label"])
    assert page.goto(f"{site.url}/workbench").status == 403  # type: ignore[union-attr]
    task = open_task(site, "rate")
    page.goto(site.url)
    expect(page.locator(f"{part('tasks')} li")).to_contain_text([f"{task.name}0 done, 3 leftrating replies"])
    page.get_by_role("link", name=task.name).press("Enter")
    expect(page.locator(part("item"))).to_be_visible()
    task_agent = open_page()
    task_agent.goto(site.sign_in_link("lin", "agent"))
    expect(task_agent.locator(".top nav a")).to_have_text(["Workbench", "Label"])
