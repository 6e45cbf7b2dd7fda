"""A blind duel in a real browser, by keyboard: started, judged, taken back, closed, and its result seen."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect
from sqlmodel import Session, select

from feedback.store.tables import Item
from tests.browser.label_desk import await_done, values
from tests.browser.site import Site
from tests.feedback.duels.duel_desk import ADAPTER, add_contender, add_prompt

pytestmark = pytest.mark.real


@pytest.fixture
def expert(site: Site, open_page: Callable[..., Page]) -> Page:
    add_contender(site.store, site.settings.data_dir)
    for n in range(4):
        add_prompt(site.store, f"Where is parcel {n}?")
    page = open_page()
    page.goto(site.sign_in_link("eva", "expert"))
    page.wait_for_url(f"{site.url}/console")
    return page


def rounds(site: Site) -> list[Item]:
    with Session(site.store) as session:
        return list(session.exec(select(Item).order_by(Item.position)))


def judge(page: Page, key: str, judged: int) -> None:
    page.keyboard.press(key)
    await_done(page, judged, 4 - judged)


def read_side(page: Page, side: str) -> str:
    return page.locator(f'[data-part="{side}"]').inner_text()


def find_way(page: Page, link: str, judging: str) -> Locator | None:
    """The link to judging, with which the page ends that follows the drawing; None where all was drawn before
    the page came, which then is the one to judge on.
    """
    go_on = page.get_by_role("link", name=link)
    expect(go_on.or_(page.get_by_text(judging)).first).to_be_visible()
    return go_on if go_on.is_visible() else None


def test_a_duel_is_started_judged_by_keys_and_closed(site: Site, expert: Page) -> None:
    expert.goto(f"{site.url}/console/duels")
    expect(expert.get_by_text("No duel yet")).to_be_visible()
    expert.get_by_label("Prompts").focus()
    expert.keyboard.press("ControlOrMeta+a")
    expert.keyboard.type("5")
    expert.keyboard.press("Enter")
    expect(expert.get_by_text("There are fewer unseen prompts than you asked for.")).to_be_visible()
    expert.get_by_label("Prompts").focus()
    expert.keyboard.press("ControlOrMeta+a")
    expert.keyboard.type("4")
    expert.keyboard.press("Enter")
    go_on = find_way(expert, "Go on", "0 of 4 judged")
    if go_on is not None:
        go_on.focus()
        expert.keyboard.press("Enter")
    expect(expert.get_by_role("heading", name="Which reply is better?")).to_be_visible()
    expect(expert.get_by_text("0 of 4 judged")).to_be_visible()
    assert ADAPTER not in expert.content()
    expert.get_by_role("link", name="Judge its rounds").focus()
    expert.keyboard.press("Enter")
    expect(expert.locator('[data-part="item"]')).to_be_visible()
    await_done(expert, 0, 4)
    first, *_, last = rounds(site)
    shown = {read_side(expert, "a"), read_side(expert, "b")}
    assert shown == {first.shown["a"], first.shown["b"]}
    assert ADAPTER not in expert.content()
    read = [read_side(expert, "a")]
    judge(expert, "a", 1)
    judge(expert, "2", 2)
    judge(expert, "u", 1)
    judge(expert, "x", 2)
    judge(expert, "t", 3)
    read.append(read_side(expert, "b"))
    judge(expert, "b", 4)
    said = [value and value["side"] for value in values(site)]
    assert said[2:5] == [None, "both_bad", "tie"]
    assert [first.shown[said[0]], last.shown[said[5]]] == read
    expert.go_back()
    expect(expert.get_by_text("You have judged every round")).to_be_visible()
    expert.get_by_text("Close this duel").focus()
    expert.keyboard.press("Enter")
    expert.keyboard.press("Tab")
    expert.keyboard.press("Enter")
    expect(expert.get_by_role("heading", name="Judges")).to_be_visible()
    row = expert.get_by_role("row", name="both bad (not counted)")
    expect(row.get_by_role("cell")).to_have_text("1")
    expect(expert.get_by_role("row", name="eva")).to_be_visible()
    paths = ("/console/duels/", "/label/", "/v1/items/", "/v1/tasks/")
    pages = [body for path, body in site.said if path.startswith(paths)]
    before = pages[: next(n for n, body in enumerate(pages) if "both bad (not counted)" in body)]
    judged = [body for body in before if "Go on" not in body and "Cancel this duel" not in body]
    assert len(judged) >= 6 and not [body for body in judged if ADAPTER in body]


def test_the_pages_speak_chinese(site: Site, expert: Page, open_page: Callable[..., Page]) -> None:
    page = open_page(language="zh-CN")
    page.goto(site.sign_in_link("eva", "expert"))
    page.wait_for_url(f"{site.url}/console")
    page.goto(f"{site.url}/console/duels")
    expect(page.get_by_role("heading", name="开始对决")).to_be_visible()
    page.get_by_label("提示词数").fill("5")
    page.get_by_role("button", name="开始对决").click()
    refused = "双方都没有用来训练过的提示词不够。请减少提示词数，或等待新的会话。"
    expect(page.get_by_role("status")).to_have_text(refused)
    page.get_by_label("提示词数").fill("4")
    page.get_by_role("button", name="开始对决").click()
    go_on = find_way(page, "继续", "已评判 0 / 4")
    if go_on is not None:
        go_on.click()
    expect(page.get_by_text("已评判 0 / 4")).to_be_visible()
    page.get_by_role("link", name="评判各回合").click()
    expect(page.locator('[data-part="item"]')).to_be_visible()
    await_done(page, 0, 4)
    page.keyboard.press("t")
    await_done(page, 1, 3)
    page.go_back()
    expect(page.get_by_text("已评判 1 / 4")).to_be_visible()
