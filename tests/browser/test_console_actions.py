"""Acts on the console in a real browser: each with its reason, none twice, and none that is over."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page, expect

from feedback.clock import SystemClock
from feedback.deployment.policy import load_policy
from feedback.deployment.policy_changes import note_policy_change
from feedback.store import approvals, runs
from feedback.store.adapters import list_events
from feedback.store.engine import read, unit_of_work
from feedback.store.tables import DEFAULT_DESK
from serving.client.fake import FakeEngine
from tests.browser.conftest import View, hold_back
from tests.browser.site import Site, run_site
from tests.browser.test_axe import RUN
from tests.browser.test_console import work_on
from tests.feedback.builders import add_adapter
from tests.feedback.plant import ONE, stage

pytestmark = pytest.mark.real

WORDS = {
    "en-GB": {
        "tonight": "Policy careful: an adapter that passes tonight is shown in 20 % of conversations",
        "changed": "The policy changed from default to careful, and nobody has said why.",
        "keep": "Keep the reason",
        "reason": "Reason",
        "promote": "Promote",
        "roll back": "Roll back",
        "expert": "As an expert, you may read the console",
        "runs": "See all runs",
        "other": "Sign in as somebody else",
    },
    "zh-CN": {
        "tonight": "策略 careful：今晚通过准入检查的适配器先在 20 % 的会话中展示",
        "changed": "策略已由 default 改为 careful，尚无人说明原因。",
        "keep": "保存原因",
        "reason": "原因",
        "promote": "转为线上",
        "roll back": "回滚",
        "expert": "您的角色是专家",
        "runs": "查看全部训练任务",
        "other": "换个身份登录",
    },
}


@pytest.fixture
def acting(tmp_path: Path) -> Iterator[Site]:
    """A desk under the careful policy, which was another one before, and one adapter that eva approved."""
    careful, now = load_policy("careful"), SystemClock().now()
    with FakeEngine() as engine, run_site(tmp_path, engine=engine, policy=careful) as site:
        for policy in (load_policy("default"), careful):
            note_policy_change(site.store, policy, now=now)
        stage(tmp_path, ONE)
        with unit_of_work(site.store) as session:
            add_adapter(session, ONE)
            said = {"actor": "eva", "kind": approvals.APPROVE, "reason": "read 40 replies", "now": now}
            approvals.add_word(session, desk_id=DEFAULT_DESK, adapter=ONE, **said)
        yield site


def enter(site: Site, page: Page, name: str, role: str) -> Page:
    page.goto(site.sign_in_link(name, role))
    page.wait_for_url(f"{site.url}/console")
    return page


def check(page: Page) -> None:
    """Nothing hangs over, nothing is hard to reach."""
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), page.url
    page.evaluate(AXE_SCRIPT)
    assert page.evaluate(RUN) == [], page.url


def read_history(site: Site) -> list[tuple[str, str, str]]:
    with read(site.store) as session:
        return [(row.to_state, row.reason, row.actor) for row in list_events(session, name=ONE)]


def test_actions_are_done_with_a_reason_by_keyboard(
    acting: Site, open_page: Callable[..., Page], view: View
) -> None:
    words = WORDS[view.language]
    page = enter(acting, open_page(**vars(view)), "ada", "admin")
    expect(page.locator("#policy")).to_contain_text(words["tonight"])
    expect(page.locator("#policy")).to_contain_text(words["changed"])
    page.locator("#policy summary").click()
    expect(page.locator("#policy details")).to_contain_text("canary.share")
    check(page)
    page.locator("#policy").get_by_label(words["reason"]).fill("agents asked for it")
    page.keyboard.press("Enter")
    expect(page.locator("#policy")).not_to_contain_text(words["changed"])

    page.goto(f"{acting.url}/console/adapters/{ONE}")
    ask = page.locator("details.ask")
    ask.locator("summary").focus()
    page.keyboard.press("Enter")
    ask.get_by_role("button", name=words["promote"], exact=True).click()  # without a reason: nothing is sent
    assert ask.locator("input[name=reason]").evaluate("field => field.validity.valueMissing")
    check(page)
    page.keyboard.type("70 % of 200 picks")
    page.keyboard.press("Enter")
    ask = page.locator("details.ask").filter(has=page.locator("summary", has_text=words["roll back"]))
    ask.locator("summary").click()
    ask.get_by_label(words["reason"]).fill("rude to customers")
    page.keyboard.press("Enter")
    expect(page.locator("ol.checks")).to_contain_text("rude to customers")
    assert [row for row in read_history(acting) if row[2] == "ada" and not row[1].startswith("bringing")] == [
        ("live", "70 % of 200 picks", "ada"),
        ("rolled_back", "rude to customers", "ada"),
    ]
    page.goto(f"{acting.url}/console/adapters")
    expect(page.get_by_role("row").filter(has_text="agents asked for it")).to_be_visible()
    check(page)

    page.goto(f"{acting.url}/console/runs/no-such-run")
    expect(page.get_by_role("link", name=words["runs"])).to_have_attribute("href", "/console/runs")
    check(page)
    guest = enter(acting, open_page(**vars(view)), "eva", "expert")
    guest.goto(f"{acting.url}/console/people?x=1")
    expect(guest.get_by_role("main")).to_contain_text(words["expert"])
    check(guest)
    guest.get_by_role("link", name=words["other"]).click()
    guest.wait_for_url(re.compile(r"/sign-in\?next=.*people"))


@pytest.mark.parametrize(
    ("language", "late"), [("en-GB", "**/console.js*"), ("zh-CN", "**/words.zh_Hans_CN.json*")]
)
def test_a_form_sent_before_the_script_of_its_page_has_run_waits_for_it(
    acting: Site, open_page: Callable[..., Page], language: str, late: str
) -> None:
    page = enter(acting, open_page(language=language), "ada", "admin")
    let_go = hold_back(page, late)
    address = f"{acting.url}/console/adapters/{ONE}"
    page.goto(address, wait_until="commit")
    page.locator("details.ask summary").click()
    page.locator("details.ask").get_by_label(WORDS[language]["reason"]).fill("70 % of 200 picks")
    page.keyboard.press("Enter")
    expect(page.locator("ol.checks")).not_to_contain_text("70 % of 200 picks")
    let_go()
    expect(page.locator("ol.checks")).to_contain_text("70 % of 200 picks")
    expect(page).to_have_url(address)


def test_cancel_leaves_the_page_when_its_run_has_ended(site: Site, open_page: Callable[..., Page]) -> None:
    page = enter(site, open_page(), "ada", "admin")
    page.goto(f"{site.url}/console/runs")
    page.get_by_role("button", name="Start a run now").click()
    cancel = page.get_by_role("button", name="Cancel this run")
    expect(cancel).to_be_visible()
    expect(page.get_by_role("link", name="Run report")).to_be_hidden()
    cancel.focus()
    work_on(site)
    with unit_of_work(site.store) as session:
        run = runs.latest_run(session, desk_id=DEFAULT_DESK)
        assert run is not None
        runs.finish_run(
            session, run_id=run.id, token=run.fencing_token, state="done", now=SystemClock().now()
        )
    expect(page.get_by_role("link", name="Run report")).to_be_visible()
    expect(cancel).to_have_count(0)
    expect(page.locator("#main")).to_be_focused()


def test_a_double_click_adds_one_person_and_shows_their_link(
    site: Site, open_page: Callable[..., Page]
) -> None:
    page = enter(site, open_page(), "ada", "admin")
    page.goto(f"{site.url}/console/people")
    page.get_by_label("Name").fill("Olga")
    page.get_by_role("button", name="Add and make a sign-in link").dblclick()
    expect(page.locator(".note .mono")).to_contain_text("/sign-in/")
    assert len([path for path, _ in site.said if path == "/console/people"]) == 2  # the page, and one form
    page.get_by_role("row", name="Olga").get_by_role("button", name="Sign-in link").click()
    expect(page.get_by_role("status")).to_contain_text("Sign-in link for Olga")
    expect(page).to_have_url(f"{site.url}/console/people")  # its script has run
    page.reload()  # sends nothing again
    expect(page.get_by_role("row", name="Olga")).to_be_visible()
    expect(page.get_by_role("status")).to_have_count(0)
    assert [path.rpartition("/")[2] for path, _ in site.said if path.startswith("/console/people")] == [
        *("people", "people", "link", "people")
    ]
    page.get_by_label("Name").fill("Olga")
    page.get_by_role("button", name="Add and make a sign-in link").click()
    expect(page.get_by_role("status")).to_contain_text("Olga is here already.")
