"""A file in the browser, by keyboard: chosen, sent in pieces, looked at, imported, and the import undone."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlmodel import Session, select

from feedback import translations
from feedback.api import imports
from feedback.store.tables import Import, Record
from tests.browser.conftest import View, list_overflowing, part
from tests.browser.site import Site
from tests.feedback.formats.files import choice

pytestmark = pytest.mark.real

BAD = json.dumps(choice(99, picked=[9]))
LINES = [*(json.dumps(choice(number)) for number in range(40)), BAD, "not json"]


@pytest.fixture
def sign_in(site: Site, open_page: Callable[..., Page]) -> Callable[..., Page]:
    def open_imports(**look: object) -> Page:
        page = open_page(**look)
        page.goto(site.sign_in_link("eva", "expert"))
        page.wait_for_url(f"{site.url}/console")
        page.goto(f"{site.url}/console/imports")
        return page

    return open_imports


def choose(page: Page, *paths: Path) -> None:
    page.set_input_files('input[type="file"]', [str(path) for path in paths])


def count_records(site: Site) -> int:
    with Session(site.store) as session:
        return len(session.exec(select(Record)).all())


def press(page: Page, name: str) -> None:
    button = page.get_by_role("button", name=name, exact=True)
    button.focus()
    page.keyboard.press("Enter")


def test_a_file_is_sent_looked_at_imported_and_undone(
    site: Site, sign_in: Callable[..., Page], end_view: View, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "PIECE_BYTES", 4_000)
    catalogue = translations.read_catalogue()

    def say(text: str) -> str:
        return text if end_view.language.startswith("en") else str(catalogue[text].string)

    path = tmp_path / "三月的工单 march.jsonl"
    path.write_text("\n".join(LINES))
    page = sign_in(**vars(end_view))
    expect(page.get_by_text(say("No import yet"))).to_be_visible()
    assert list_overflowing(page) == []
    choose(page, path)
    page.locator("[name=source]").fill("tickets")
    page.keyboard.press("Enter")
    page.wait_for_url("**/console/imports/*-*")
    expect(page.get_by_role("heading", name=say("What a look at it shows"))).to_be_visible()
    expect(page.get_by_role("cell", name=say("our own choices"))).to_be_visible()
    expect(page.locator("pre.record")).to_have_count(3)
    expect(page.get_by_text(say("%(count)s refused").replace("%(count)s", "2"))).to_be_visible()
    assert count_records(site) == 0 and list_overflowing(page) == []
    press(page, say("Import"))
    undo = page.get_by_text(say("Undo this import"), exact=True)
    expect(undo).to_be_visible()
    expect(page.get_by_text(say("%(count)s accepted").replace("%(count)s", "40"))).to_be_visible()
    assert count_records(site) == 40
    undo.focus()
    page.keyboard.press("Enter")
    press(page, say("Undo it"))
    expect(page.locator(".mark")).to_have_text(say("taken back"))
    assert count_records(site) == 0 and list_overflowing(page) == []


def test_of_several_files_each_says_what_became_of_it(
    site: Site, sign_in: Callable[..., Page], tmp_path: Path
) -> None:
    good, odd, empty = (tmp_path / name for name in ("good.jsonl", "odd.json", "empty.csv"))
    good.write_text("\n".join(LINES))
    odd.write_text('{"colour": "red", "size": 3}')
    empty.touch()
    page = sign_in()
    choose(page, good, odd, empty)
    press(page, "Send and look")
    sending = page.locator(f"{part('sending')} li")
    expect(sending.nth(0).get_by_role("link")).to_have_text("Look at it")
    expect(sending.nth(2)).to_contain_text("The file is empty.")
    sending.nth(1).get_by_role("link").click()
    expect(page.get_by_text("What the file holds is in none of the known forms.")).to_be_visible()
    expect(page.locator("code").first).to_have_text("colour")
    with Session(site.store) as session:
        assert {row.file for row in session.exec(select(Import))} == {"good.jsonl", "odd.json"}


def test_a_file_that_is_being_sent_can_be_cancelled(
    site: Site, sign_in: Callable[..., Page], tmp_path: Path
) -> None:
    path = tmp_path / "good.jsonl"
    path.write_text("\n".join(LINES))
    page = sign_in()
    page.route("**/pieces", lambda route: route.abort())  # the connection is lost
    choose(page, path)
    press(page, "Send and look")
    page.get_by_role("button", name="Cancel good.jsonl").click()
    expect(page.locator(f"{part('sending')} li")).to_contain_text("Cancelled.")
    with Session(site.store) as session:
        assert [row.state for row in session.exec(select(Import))] == ["cancelled"]
