"""The console in a real browser: what an admin sees, does and ends."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from feedback.clock import SystemClock
from feedback.store import runs
from feedback.store.engine import unit_of_work
from feedback.store.runs import Metric
from feedback.store.tables import DEFAULT_DESK
from tests.browser.conftest import ask, await_cards
from tests.browser.site import LONG_S, Site

pytestmark = pytest.mark.real


@pytest.fixture
def admin(site: Site, open_page: Callable[..., Page]) -> Page:
    page = open_page()
    page.goto(site.sign_in_link("ada", "admin"))
    page.wait_for_url(f"{site.url}/console")
    return page


@pytest.mark.parametrize("undo_window_s", [LONG_S])
def test_what_agents_did_is_counted_with_its_reasons(
    site: Site, admin: Page, agent: Page, customer: Page
) -> None:
    ask(customer, "Where is my order 48213?")
    await_cards(agent)
    agent.keyboard.press("s")
    expect(agent.locator('[data-part="undo"]')).to_contain_text("Skipped")
    with agent.expect_response("**/judgements"):
        agent.keyboard.press("Shift+Digit1")
    site.clock.skip(LONG_S)
    expect(customer.locator(".reply")).to_have_count(1)
    admin.goto(f"{site.url}/console/funnel")
    stages = admin.locator(".funnel").first
    expect(stages.locator("li > span:first-child")).to_have_text(
        ["judgements", "not taken back", "choices", "choices that give pairs"]
    )
    expect(stages.locator(".number")).to_have_text(["2", "2", "1", "1"])
    expect(stages.locator("li > .muted")).to_have_text(
        ["", "100 % of those before", "50 % of those before", "100 % of those before"]
    )
    expect(admin.get_by_text("3 pairs come of them.")).to_be_visible()
    expect(admin.get_by_role("row", name="the agent gave the turn back to the queue")).to_be_visible()


def test_a_run_is_asked_for_followed_live_and_cancelled(site: Site, admin: Page) -> None:
    admin.get_by_role("link", name="Runs", exact=True).first.click()
    expect(admin.get_by_text("No run here")).to_be_visible()
    admin.get_by_role("button", name="Start a run now").click()
    expect(admin.get_by_text("Waiting for the worker to take it.")).to_be_visible()
    work_on(site)
    expect(admin.get_by_role("progressbar")).to_have_attribute("value", "0.25")
    expect(admin.get_by_role("img", name="Loss: 0.41")).to_be_visible()
    admin.get_by_role("button", name="Cancel this run").click()
    expect(admin.get_by_text("cancelled", exact=True)).to_be_visible()
    expect(admin.get_by_role("button", name="Cancel this run")).to_have_count(0)


def work_on(site: Site) -> None:
    """What a worker writes: the run is claimed, trains, has two numbers and a quarter done."""
    now = SystemClock().now()
    with unit_of_work(site.store) as session:
        run = runs.claim_run(session, desk_id=DEFAULT_DESK, owner="test", now=now, lease_s=60)
        assert run is not None
        numbers = [Metric("loss", 1, 0.69), Metric("loss", 2, 0.41)]
        runs.advance(session, run_id=run.id, token=run.fencing_token, step="train")
        runs.advance(session, run_id=run.id, token=run.fencing_token, progress=0.25)
        runs.add_metrics(session, run_id=run.id, token=run.fencing_token, metrics=numbers, now=now)


def test_an_ended_session_is_out_at_the_next_click(site: Site, admin: Page, agent: Page) -> None:
    admin.goto(f"{site.url}/console/people")
    row = admin.get_by_role("row", name="wei").filter(has=admin.get_by_role("button", name="End"))
    row.get_by_role("button", name="End").click()
    expect(row).to_have_count(0)
    agent.reload()
    expect(agent.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_new_person_comes_in_by_the_link_once(
    site: Site, admin: Page, open_page: Callable[..., Page]
) -> None:
    admin.goto(f"{site.url}/console/people")
    admin.get_by_label("Name").fill("Lin <b>")
    admin.get_by_role("button", name="Add and make a sign-in link").click()
    link = admin.locator(".note .mono").inner_text()
    guest = open_page()
    guest.goto(link)
    expect(guest.get_by_text("Lin <b>")).to_be_visible()
    guest.get_by_role("button", name="Sign out").click()
    guest.goto(link)
    expect(guest.get_by_role("alert")).to_contain_text("This link was used or has expired.")


def test_an_expert_reads_and_has_no_buttons_to_act(site: Site, open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.goto(site.sign_in_link("kim", "expert"))
    page.goto(f"{site.url}/console/runs")
    expect(page.get_by_role("heading", name="Runs")).to_be_visible()
    assert page.get_by_role("button", name="Start a run now").count() == 0
    assert page.goto(f"{site.url}/console/people").status == 403


def test_an_agent_sees_no_console(site: Site, agent: Page) -> None:
    pages = (
        "/conversations",
        "/funnel",
        "/trends",
        "/comments",
        "/datasets",
        "/duplicates",
        "/runs",
        "/adapters",
        "/lineage",
        "/people",
    )
    for path in ("", *pages):
        answer = agent.goto(f"{site.url}/console{path}")
        assert answer is not None and answer.status == 403, path
