"""Sources in a real browser: from an empty page to a source that is withdrawn, and back."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from feedback.clock import SystemClock
from feedback.formats.asked import Asked
from feedback.formats.importer import import_file
from tests.browser.conftest import View, list_overflowing, part
from tests.browser.site import Site
from tests.feedback.formats.files import choice, write

pytestmark = pytest.mark.real

WORDS = {
    "en-GB": {
        "empty": "Nothing was brought in yet",
        "sentence": "50 % of 80 lines were accepted; 100 % of 40 records can be learned from.",
        "why": "40 × the field “prompt” is missing",
        "half": "Its records weigh half.",
        "withdraw": "Withdraw",
        "resume": "Resume",
        "reason": "Reason",
        "standing": "Withdrawn by ada: the licence ended",
        "history": "State active → withdrawn",
        "give": "Give a grade",
        "given": "ada gave it A: read 40 of them",
    },
    "zh-CN": {
        "empty": "还没有导入任何数据",
        "sentence": "80 行中接受了 50 %；40 条记录中有 100 % 可用于学习。",
        "why": "40 × 缺少字段“prompt”",
        "half": "它的记录按一半的权重计入。",
        "withdraw": "撤回",
        "resume": "恢复",
        "reason": "原因",
        "standing": "ada 已将它撤回：the licence ended",
        "history": "状态 使用中 → 已撤回",
        "give": "评定等级",
        "given": "ada 评定为 A：read 40 of them",
    },
}


def give_reason(page: Page, label: str, reason: str, words: dict[str, str]) -> None:
    """Opens what asks for the reason and sends it, with the keyboard alone."""
    page.locator("summary", has_text=label).focus()
    page.keyboard.press("Enter")
    field = page.locator("details[open]").get_by_label(words["reason"])
    field.fill(reason)
    field.press("Enter")


def test_a_source_is_read_withdrawn_resumed_and_graded(
    site: Site, open_page: Callable[..., Page], tmp_path: Path, end_view: View
) -> None:
    words = WORDS[end_view.language]
    page = open_page(**vars(end_view))
    page.goto(site.sign_in_link("ada", "admin"))
    page.goto(f"{site.url}/console/sources")
    expect(page.get_by_text(words["empty"])).to_be_visible()
    lines = [*(choice(number) for number in range(40)), *({"id": f"x{number}"} for number in range(40))]
    path = write(tmp_path / "tickets.jsonl", *lines)
    import_file(site.store, path, clock=SystemClock(), asked=Asked("choices", "help desk/2"))
    page.reload()
    expect(page.locator(part("sources"))).to_contain_text(words["sentence"])
    page.get_by_role("link", name="help desk/2").click()
    expect(page.locator(part("grade"))).to_contain_text(words["half"])
    expect(page.locator(part("imports"))).to_contain_text(words["why"])
    give_reason(page, words["withdraw"], "the licence ended", words)
    expect(page.locator(part("standing"))).to_contain_text(words["standing"])
    expect(page.locator(part("history"))).to_contain_text(words["history"])
    assert list_overflowing(page) == []
    give_reason(page, words["resume"], "it was renewed", words)
    expect(page.locator(part("standing"))).to_have_count(0)
    expect(page.get_by_role("button", name=words["resume"])).to_have_count(0)
    page.locator("summary", has_text=words["give"]).click()
    page.locator(part("grade")).locator("select").select_option("A")
    page.locator(part("grade")).get_by_label(words["reason"]).fill("read 40 of them")
    page.locator(part("grade")).locator("form button").click()
    expect(page.locator(part("grade"))).to_contain_text(words["given"])


def test_a_source_is_registered_by_an_expert_who_decides_nothing_about_it(
    site: Site, open_page: Callable[..., Page]
) -> None:
    page = open_page()
    page.goto(site.sign_in_link("kim", "expert"))
    page.goto(f"{site.url}/console/sources")
    page.get_by_label("Its name").fill("helpdesk 客服/2026")
    page.get_by_label("Licence").fill("CC BY 4.0")
    page.get_by_role("button", name="Register").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("helpdesk 客服/2026")
    expect(page.get_by_text("CC BY 4.0", exact=True)).to_be_visible()
    expect(page.locator(part("decide"))).to_have_count(0)
    page.goto(f"{site.url}/console/sources/nothing")
    expect(page.get_by_role("link", name="See all sources")).to_be_visible()


def test_sources_are_found_and_opened_by_keys(
    site: Site, open_page: Callable[..., Page], tmp_path: Path
) -> None:
    for number, source in enumerate(("helpdesk", "helpdesk 2025", "star")):
        path = write(tmp_path / f"{number}.jsonl", choice(number))
        import_file(site.store, path, clock=SystemClock(), asked=Asked("choices", source))
    page = open_page()
    page.goto(site.sign_in_link("kim", "expert"))
    page.wait_for_url(f"{site.url}/console")
    page.goto(f"{site.url}/console/sources")
    links = page.locator(f"{part('sources')} tbody th a")
    expect(links).to_have_text(["duel", "helpdesk", "helpdesk 2025", "label", "live", "star"])
    for key, name in zip("jjjkK", ("duel", "helpdesk", "helpdesk 2025", "helpdesk", "duel"), strict=True):
        page.keyboard.press(key)
        expect(page.locator(":focus")).to_have_text(name)
    page.keyboard.press("k")
    expect(page.locator(":focus")).to_have_text("duel")  # there is none before it

    page.keyboard.press("/")
    search = page.get_by_role("searchbox")
    expect(search).to_be_focused()
    page.keyboard.type("HELP 2025jk/?")  # in a text field, letters are letters
    expect(search).to_have_value("HELP 2025jk/?")
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    expect(page.locator(":focus")).to_have_text("duel")
    page.keyboard.press("/")
    page.keyboard.type("HELP 2025")  # instead of what was there
    page.keyboard.press("Enter")
    page.wait_for_url("**/console/sources?q=HELP+2025")
    expect(links).to_have_text(["helpdesk 2025"])

    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keys")
    expect(keys).to_contain_text("next and previous row")
    page.keyboard.press("j")
    expect(keys.get_by_role("button", name="Close")).to_be_focused()
    page.keyboard.press("?")
    expect(keys).to_be_hidden()
    page.locator("#main").click(position={"x": 2, "y": 2})
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("helpdesk 2025")


def test_a_search_without_a_source_leads_back_and_keys_can_be_switched_off(
    site: Site, open_page: Callable[..., Page], tmp_path: Path
) -> None:
    path = write(tmp_path / "tickets.jsonl", choice(1))
    import_file(site.store, path, clock=SystemClock(), asked=Asked("choices", "helpdesk"))
    page = open_page()
    page.goto(site.sign_in_link("kim", "expert"))
    page.wait_for_url(f"{site.url}/console")
    page.goto(f"{site.url}/console/sources?q=nothing+like+it")
    expect(page.get_by_text("No source is like that")).to_be_visible()
    page.get_by_role("link", name="See all sources").click()
    page.wait_for_url(f"{site.url}/console/sources")
    page.get_by_role("button", name="Keys").click()
    page.get_by_label("Single keys are commands").uncheck()
    page.get_by_role("button", name="Close").click()
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).not_to_be_focused()
