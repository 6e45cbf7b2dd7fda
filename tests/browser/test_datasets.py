"""Versions of a dataset in a real browser: the list, one version, what changed, what came of its records."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from feedback.clock import SystemClock
from feedback.datasets import worker
from feedback.datasets.build import Selection, build_dataset
from feedback.datasets.building import OnRecord
from feedback.datasets.layout import dataset_dir
from feedback.formats.asked import Asked
from feedback.formats.importer import import_file
from feedback.store.datasets import select_datasets
from feedback.store.engine import read, unit_of_work
from feedback.store.tables import Fit
from feedback.store.tag_changes import Editor, adopt_strings
from tests.browser.conftest import View, list_overflowing, part
from tests.browser.site import Site
from tests.clock import FrozenClock
from tests.feedback.builders import NOW, add_adapter
from tests.feedback.formats.files import choice, write

pytestmark = pytest.mark.real

BEGIN = datetime(2026, 11, 20, tzinfo=UTC)
CELL = {"rate": 0.75, "low": 0.4, "high": 0.9, "counted": 8, "tuned": 6, "base": 2, "halves": 0}
REPORT = {"n": 40, "adapter": {"log_loss": 1.1}, "base": {"log_loss": 1.3}}


def build_two(site: Site) -> list[str]:
    """Two versions; the second has two records more and one less, and an adapter."""
    clock, data_dir = FrozenClock(BEGIN), site.settings.data_dir

    def bring(*lines: dict[str, object]) -> None:
        path = write(data_dir / f"{clock.now():%d}.jsonl", *lines)
        import_file(site.store, path, asked=Asked("choices"), clock=clock)
        clock.advance(86_400)

    bring(*map(choice, range(30)), choice(40, tags=["refund"], language="zh-CN"))
    one = build_dataset(site.store, data_dir=data_dir, clock=clock)
    bring(choice(41, tags=["refund", "vip"]), choice(42))
    chosen = Selection(languages=("en",))
    two = build_dataset(site.store, data_dir=data_dir, clock=clock, selection=chosen)
    with unit_of_work(site.store) as session:
        add_adapter(session, "tuned-20261121-1", "live", dataset_id=two.id, report=REPORT)
        fitted = {
            "counts": {"judged": [], "versions": []},
            "fitted": {"breakdown": {"tags": {"refund": CELL}}},
        }
        session.add(Fit(desk_id="default", adapter="tuned-20261121-1", judgements=8, value=fitted, at=NOW))
    return [one.id, two.id]


def test_an_expert_reads_a_version_what_changed_and_what_came_of_it(
    site: Site, open_page: Callable[..., Page], end_view: View
) -> None:
    one, two = build_two(site)
    page = open_page(**vars(end_view))
    page.goto(site.sign_in_link("eva", "expert"))
    page.wait_for_url(f"{site.url}/console")
    page.goto(f"{site.url}/console/datasets")
    page.locator("tbody a.mono").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"{site.url}/console/datasets/{two}")
    by_tag = page.locator('[data-part="by-tag"] tbody tr')
    expect(by_tag).to_have_count(3)  # refund, shop, vip
    reuse = page.locator('[data-part="reuse"]')
    expect(reuse.get_by_role("link", name=one[:12])).to_be_visible()
    expect(reuse.get_by_role("row").filter(has_text="refund")).to_contain_text("75")
    assert list_overflowing(page) == []
    page.locator(f'a[href="/console/datasets/{two}/changes"]').click()
    expect(page.locator('[data-part="came"] header strong')).to_have_text("2")
    expect(page.locator('[data-part="left"] header strong')).to_have_text("1")
    page.locator('[data-part="came"] summary').click()
    expect(page.get_by_role("link", name="test/talk41-1")).to_be_visible()
    assert list_overflowing(page) == []


WORDS = {
    "en-GB": {
        "empty": "No dataset yet",
        "build": "Build",
        "refused": "No record falls into this selection.",
        "note": "Note (may be empty)",
        "there": "The version is there:",
        "again": "There is a version of the same content already",
        "sound": "Sound: the files are those of the manifest",
        "check": "Check again",
        "bad": "Do not use this version",
        "leak": "conversations in two splits",
        "without": "Without these tags and those below",
        "by_tag": "By tag and by difficulty",
    },
    "zh-CN": {
        "empty": "还没有数据集",
        "build": "生成",
        "refused": "没有记录符合这些筛选条件",
        "note": "备注（可不填）",
        "there": "版本已生成：",
        "again": "已有内容相同的版本",
        "sound": "没有问题：文件与清单一致",
        "check": "再次检查",
        "bad": "请勿使用此版本",
        "leak": "同时处于两个划分的会话",
        "without": "不带这些标签及其下级标签",
        "by_tag": "按标签和难度",
    },
}


def test_a_version_is_built_by_keys_checked_and_found_to_be_the_same_again(
    site: Site, open_page: Callable[..., Page], end_view: View
) -> None:
    words, data_dir = WORDS[end_view.language], site.settings.data_dir
    page = open_page(**vars(end_view))
    page.goto(site.sign_in_link("eva", "expert"))
    page.wait_for_url(f"{site.url}/console")
    page.goto(f"{site.url}/console/datasets")
    expect(page.get_by_text(words["empty"])).to_be_visible()
    build = page.get_by_role("button", name=words["build"], exact=True)
    build.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text(words["refused"])).to_be_visible()

    path = write(data_dir / "test.jsonl", *map(choice, range(30)), choice(40, tags=["spam"]))
    import_file(site.store, path, asked=Asked("choices"), clock=SystemClock())
    with unit_of_work(site.store) as session:
        adopt_strings(session, by=Editor("default", "eva", SystemClock().now()))
    page.reload()
    page.get_by_role("checkbox", name="test", exact=True).focus()
    page.keyboard.press("Space")
    page.locator("summary", has_text=words["by_tag"]).focus()
    page.keyboard.press("Enter")
    page.get_by_role("group", name=words["without"]).get_by_label("spam").check()
    page.get_by_label(words["note"]).fill("for the winter")
    page.keyboard.press("Enter")
    page.wait_for_url("**/console/dataset-jobs/*")
    expect(page.locator(part("progress"))).to_contain_text(words["there"])
    expect(page.locator(part("progress"))).to_contain_text("for the winter")
    expect(page.locator(part("check"))).to_contain_text(words["sound"])
    assert list_overflowing(page) == []
    with read(site.store) as session:
        (dataset,) = select_datasets(session, desk_id="default")
    assert dataset.counts["choices"]["all"] == 30

    page.goto(f"{site.url}/console/datasets")
    build.click()  # with spam this time
    expect(page.locator(part("progress"))).to_contain_text(words["there"])
    page.goto(f"{site.url}/console/datasets")
    page.locator(f"{part('builds')} tbody a").last.click()
    job = page.url.rsplit("/", 1)[1]
    page.goto(f"{site.url}/console/datasets?again={job}")
    expect(page.get_by_label(words["note"])).to_have_value("for the winter")
    build.click()
    expect(page.locator(part("progress"))).to_contain_text(words["again"])

    page.goto(f"{site.url}/console/datasets/{dataset.id}")
    expect(page.locator(part("check"))).to_contain_text(words["sound"])
    choices = dataset_dir(data_dir, dataset.id) / "choices.jsonl"
    first = json.loads(choices.read_text("utf-8").splitlines()[0])
    moved = first | {"id": "moved", "split": "test" if first["split"] == "train" else "train"}
    with choices.open("a", encoding="utf-8") as file:
        file.write(json.dumps(moved) + "\n")
    page.get_by_role("button", name=words["check"]).click()
    expect(page.locator(part("check"))).to_contain_text(words["bad"])
    expect(page.locator(part("check"))).to_contain_text(words["leak"])
    assert list_overflowing(page) == []


def test_a_build_that_runs_is_cancelled_on_its_page(
    site: Site, open_page: Callable[..., Page], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(site.settings.data_dir / "test.jsonl", *map(choice, range(12)))
    import_file(site.store, path, asked=Asked("choices"), clock=SystemClock())

    def build_until_cancelled(*args: Any, on_record: OnRecord, **wishes: Any) -> None:
        while True:
            on_record("reading", 3, 12)

    monkeypatch.setattr(worker, "build_dataset", build_until_cancelled)
    page = open_page()
    page.goto(site.sign_in_link("ada", "admin"))
    page.wait_for_url(f"{site.url}/console")
    page.goto(f"{site.url}/console/datasets")
    page.get_by_role("button", name="Build", exact=True).click()
    page.wait_for_url("**/console/dataset-jobs/*")
    expect(page.locator(part("progress"))).to_contain_text("3 of 12")
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("It was cancelled. Nothing of it stays.")).to_be_visible()
    page.get_by_role("link", name="Choose again").click()
    expect(page.get_by_role("heading", name="Build a version")).to_be_visible()
