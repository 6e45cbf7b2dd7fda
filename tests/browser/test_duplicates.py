"""Data > Duplicates in a browser: from the empty page to what a build found, and on to a record."""

import json
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from feedback.datasets.build import build_dataset
from feedback.records.split import split_of
from feedback.store.engine import save_row, unit_of_work
from feedback.store.helper_subjects import CallSubject, add_subjects
from feedback.store.tables import HelperCall
from tests.browser.conftest import View, list_overflowing, part
from tests.browser.site import Site
from tests.databases import START
from tests.feedback.builders import DESK
from tests.feedback.formats.files import CLOCK, bring_in, choice, write

ORDER = "Hello, my order {} has not come and I would like to know when it does."
MARKED = ("desk/talk0-1", "survey/other-1")
TOLD = {
    "en": {
        "empty": "No build has looked for duplicates yet",
        "lost": "export lost 3 of its 3 records as copies, most of them to desk",
        "lexical": "Lexical only",
        "left": "train",
        "same": "ask the same",
    },
    "zh": {
        "empty": "还没有查过重复数据",
        "lost": "export 的 3 条记录中有 3 条是重复记录，大多与 desk 重复",
        "lexical": "仅比较字面",
        "left": "训练",
        "same": "问题相同",
    },
}


def name_conversation(split: str) -> str:
    return next(name for name in (f"talk{number}" for number in range(1_000)) if split_of(name) == split)


def ask_of(id: str, text: str, **fields: object) -> dict[str, object]:
    return choice(1, id=id, prompt=[{"role": "user", "content": text}], annotator=None, **fields)


def build_with_duplicates(site: Site, folder: Path) -> None:
    """Three copies, one twin of a held-out prompt, one contradiction."""
    lines = [
        ask_of(f"c{number}-1", f"Where is {number}?", source=source)
        for number in range(4)
        for source in (("desk", "export") if number else ("desk",))
    ]
    train, test = name_conversation("train"), name_conversation("test")
    lines += [ask_of(f"{train}-1", ORDER.format(1), source="desk", tags=["orders"])]
    lines += [ask_of(f"{test}-1", ORDER.format(2), source="desk")]
    lines += [ask_of("other-1", "Where is 0?", source="survey", picked=[1])]
    bring_in(site.store, write(folder / "lines.jsonl", *map(json.dumps, lines)))
    build_dataset(site.store, data_dir=site.settings.data_dir, clock=CLOCK)


def put_mark(site: Site) -> None:
    """What the helper said of two records."""
    call = HelperCall(
        desk_id=DESK,
        use="similar",
        version=1,
        host="judge.example",
        model="judge",
        answered_by="judge-1",
        key="k",
        state="ok",
        answer='{"asks": "same"}',
        day="2026-11-22",
        reserved=9,
        tokens=9,
        created_at=START,
    )
    named = [CallSubject("record", str(id), f"choice:{name}") for id, name in enumerate(MARKED)]
    with unit_of_work(site.store) as session:
        add_subjects(session, call=save_row(session, call), subjects=named)


def test_what_a_build_found_is_read_and_followed_to_a_record(
    site: Site, open_page: Callable[..., Page], end_view: View, tmp_path: Path
) -> None:
    told = TOLD[end_view.language[:2]]
    page = open_page(**vars(end_view))
    page.goto(site.sign_in_link("kim", "expert"))
    page.goto(f"{site.url}/console/duplicates")
    expect(page.get_by_text(told["empty"])).to_be_visible()
    expect(page.get_by_text("rejoinder dataset build")).to_be_visible()
    build_with_duplicates(site, tmp_path)
    put_mark(site)
    page.reload()
    expect(page.locator(".note.warn")).to_contain_text(told["lost"])
    expect(page.locator(f"{part('copies')} tbody tr")).to_have_text(["deskexport3"])
    twins = page.locator(part("twins"))
    expect(twins.locator("tbody tr")).to_have_text([f"desk{told['left']}1", f"orders{told['left']}1"])
    expect(twins).to_contain_text(told["lexical"])
    marked = page.locator(f"{part('similar')} tbody tr td")
    expect(marked).to_have_text([*MARKED, told["same"], "judge-1"])
    assert list_overflowing(page) == []
    page.locator(part("contradictions")).get_by_role("link", name="survey/other-1").click()
    page.wait_for_url(f"{site.url}/console/lineage?id=choice:survey/other-1")
    expect(page.get_by_text("survey").first).to_be_visible()
