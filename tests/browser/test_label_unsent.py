"""The page Label keeps what was written and not sent, over reloads, lost networks and closed tasks."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import part
from tests.browser.label_desk import (
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

pytestmark = pytest.mark.real

WORDS = {
    "en-GB": {"late": "Kept. Others had finished this one meanwhile.", "unsent": "Not sent: 1"},
    "zh-CN": {"late": "已保存。其他人此前已完成了这一条。", "unsent": "未发送：1 条"},
}


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
