"""The page Label: every kind by keys alone, in both languages and every window; nothing written is lost."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import View, hold_back, list_overflowing, part
from tests.browser.label_desk import (
    GUIDELINE,
    await_done,
    change_claims,
    change_items,
    change_task,
    drafts,
    enter,
    go_to,
    labels,
    open_task,
    values,
)
from tests.browser.site import Site
from tests.browser.test_claims import wait_for
from tests.browser.test_small_screens import see_all

pytestmark = pytest.mark.real

TREE = [f"{above}/{below}" for above in ("billing", "delivery", "goods") for below in "abcd"] + ["praise"]
WORDS = {
    "en-GB": {"late": "Kept. Others had finished this one meanwhile.", "unsent": "Not sent: 1"},
    "zh-CN": {"late": "已保存。其他人此前已完成了这一条。", "unsent": "未发送：1 条"},
}

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


# What is not sent


def write_reply(page: Page, text: str) -> None:
    page.keyboard.press("e")
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type(text)


def test_a_draft_is_there_after_a_reload_and_in_another_browser(
    site: Site, open_page: Callable[..., Page]
) -> None:
    task = open_task(site, "rewrite")
    page = enter(site, open_page, "wei", task)
    write_reply(page, "Half a reply")
    page.reload()
    expect(page.locator(part("text"))).to_have_value("Half a reply")
    wait_for(page, lambda: drafts(site) == [{"value": {"unchanged": False}, "text": "Half a reply"}])
    elsewhere = enter(site, open_page, "wei", task)
    expect(elsewhere.locator(part("text"))).to_have_value("Half a reply")
    colleague = enter(site, open_page, "ada", task)
    expect(colleague.locator(part("text"))).to_have_value("It is on its way.")


def test_who_only_reads_keeps_the_claim(site: Site, open_page: Callable[..., Page]) -> None:
    """The page says each minute that it is in view, and the quarter of an hour begins anew."""
    task = open_task(site, "rewrite")
    page = enter(site, open_page, "wei", task)
    page.clock.install()
    page.reload()
    await_done(page, 0, 3)
    site.clock.skip(14 * 60)
    with page.expect_response(lambda answer: answer.url.endswith("/draft")) as told:
        page.clock.run_for(61_000)
    assert told.value.request.post_data_json == {}
    until = datetime.fromisoformat(told.value.json()["lease_until"])
    assert until > site.clock.now() + timedelta(minutes=14)
    assert drafts(site) == []


def test_chosen_tags_are_there_after_a_reload(site: Site, open_page: Callable[..., Page]) -> None:
    page = enter(site, open_page, "wei", open_task(site, "tag"))
    page.keyboard.press("2")
    page.reload()
    expect(page.locator(f"{part('options')} input").nth(1)).to_be_checked()
    page.keyboard.press("Enter")
    await_done(page, 1, 2)
    assert values(site) == [{"tags": ["billing/refund"]}]


def test_a_label_outlasts_a_lost_network(site: Site, open_page: Callable[..., Page]) -> None:
    page = enter(site, open_page, "wei", open_task(site, "rewrite"))
    page.context.set_offline(True)
    write_reply(page, "Written on a train.")
    page.keyboard.press("Enter")
    expect(page.locator(part("state"))).to_contain_text("Not saved yet")
    page.context.set_offline(False)
    await_done(page, 1, 2)
    assert [row.text for row in labels(site)] == ["Written on a train."]


def test_what_one_person_could_not_send_waits_for_them(site: Site, open_page: Callable[..., Page]) -> None:
    task = open_task(site, "rewrite")
    page = enter(site, open_page, "wei", task)
    cut: list[Route] = []
    page.route("**/labels", lambda route: (cut.append(route), route.abort()))
    write_reply(page, "From wei.")
    page.keyboard.press("Enter")
    expect(page.locator(part("state"))).to_contain_text("Not saved yet")
    page.get_by_role("button", name="Sign out").click()
    page.unroute("**/labels")
    page.goto(site.sign_in_link("ada", "labeller"))
    go_to(page, site, task)
    expect(page.locator(part("text"))).to_have_value("It is on its way.")
    expect(page.locator(part("unsent"))).to_be_hidden()
    assert labels(site) == [] and cut
    page.get_by_role("button", name="Sign out").click()
    page.goto(site.sign_in_link("wei", "labeller"))
    wait_for(page, lambda: [row.text for row in labels(site, "wei")] == ["From wei."])
    assert labels(site, "ada") == []


@pytest.mark.parametrize("language", WORDS)
def test_a_text_for_a_task_that_was_closed_stays_until_it_is_discarded(
    site: Site, open_page: Callable[..., Page], language: str
) -> None:
    task = open_task(site, "rewrite")
    page = enter(site, open_page, "wei", task, language=language)
    write_reply(page, "Too late for this.")
    change_task(site, task, state="closed")
    page.keyboard.press("Enter")
    unsent = page.locator(part("unsent"))
    expect(unsent).to_contain_text(WORDS[language]["unsent"])
    page.goto(f"{site.url}/label")
    unsent.locator("summary").click()
    expect(unsent).to_contain_text("Too late for this.")
    expect(unsent).to_contain_text(task.name)
    change_task(site, task, state="open")  # as if it had been paused
    unsent.locator("[data-action=send]").click()
    expect(unsent).to_be_hidden()
    assert [row.text for row in labels(site)] == ["Too late for this."]


@pytest.mark.parametrize("language", WORDS)
def test_a_text_for_an_item_that_others_finished_is_kept_as_late(
    site: Site, open_page: Callable[..., Page], language: str
) -> None:
    task = open_task(site, "rewrite")
    page = enter(site, open_page, "wei", task, language=language)
    write_reply(page, "Long thought about.")
    change_claims(site, task, state="lapsed", slot=None)
    change_items(site, task, state="settled")
    page.keyboard.press("Enter")
    expect(page.locator(part("notice"))).to_have_text(WORDS[language]["late"])
    (label,) = labels(site)
    assert (label.text, label.slot) == ("Long thought about.", None)


def test_a_draft_whose_item_went_to_others_can_still_be_sent(
    site: Site, open_page: Callable[..., Page]
) -> None:
    task = open_task(site, "rewrite", items=2)
    page = enter(site, open_page, "wei", task)
    write_reply(page, "Half a thought")
    wait_for(page, lambda: bool(drafts(site)))
    change_items(site, task, at=1, state="settled")
    change_claims(site, task, state="lapsed", slot=None)
    page.reload()
    unsent = page.locator(part("unsent"))
    unsent.locator("summary").click()
    expect(unsent).to_contain_text("Half a thought")
    unsent.locator("[data-action=send]").click()
    expect(unsent).to_be_hidden()
    assert [row.text for row in labels(site)] == ["Half a thought"]


@pytest.mark.parametrize("is_sent", [True, False], ids=["sent", "reloaded"])
def test_of_an_item_that_was_erased_the_browser_keeps_nothing(
    site: Site, open_page: Callable[..., Page], is_sent: bool
) -> None:
    task = open_task(site, "rewrite")
    page = enter(site, open_page, "wei", task)
    write_reply(page, "About somebody")
    wait_for(page, lambda: bool(drafts(site)))
    change_items(site, task, at=1, state="dropped", reason="erased")
    change_claims(site, task, state="lapsed", slot=None, draft=None)
    if is_sent:
        page.keyboard.press("Enter")
        expect(page.locator(part("notice"))).to_be_visible()
    else:
        page.reload()
    expect(page.locator(".messages")).to_contain_text("Where is parcel 2?")
    expect(page.locator(part("labels"))).not_to_have_attribute("aria-busy", "true")
    expect(page.locator(part("unsent"))).to_be_hidden()
    assert "About somebody" not in page.evaluate("JSON.stringify(localStorage)")


def test_a_second_tab_says_that_the_item_is_labelled_and_goes_on(
    site: Site, open_page: Callable[..., Page]
) -> None:
    task = open_task(site, "rate")
    page = enter(site, open_page, "wei", task)
    beside = page.context.new_page()
    go_to(beside, site, task)
    beside.keyboard.press("5")
    await_done(beside, 1, 2)
    page.keyboard.press("1")
    await_done(page, 1, 2)
    expect(page.locator(part("notice"))).to_be_visible()
    page.keyboard.press("4")
    await_done(page, 2, 1)
    assert values(site) == [{"score": 5}, {"score": 4}]


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
