"""From a tag with few picks to a campaign that collects forty, and to a support rate that is known better."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import Page, expect
from sqlmodel import Session

from feedback.deployment.policy import Policy
from feedback.experiments.fits import renew_fits
from feedback.store.engine import unit_of_work
from feedback.store.tables import DEFAULT_DESK, Candidate
from feedback.store.users import create_token
from serving.client.fake import FakeEngine
from tests.browser.conftest import list_overflowing, part
from tests.browser.site import Site, run_site

pytestmark = pytest.mark.real
ADAPTER = "tuned-20261122-1"
TEXTS = ("Where is my money for order {}?", "I sent back order {}. When am I paid?", "Refund {}, please.")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """What is picked is sent at once, and counts."""
    with FakeEngine() as engine, run_site(tmp_path, engine=engine, undo_window_s=0) as running:
        yield running


@pytest.fixture
def shop(site: Site) -> Iterator[httpx.Client]:
    """The program of a shop, for whose customers and agents it speaks."""
    with unit_of_work(site.store) as session:
        now = site.clock.now()
        token = create_token(session, desk_id=DEFAULT_DESK, name="shop", role="app", now=now)
    with httpx.Client(base_url=site.url, headers={"Authorization": f"Bearer {token}"}, timeout=60) as client:
        yield client


def post(shop: httpx.Client, path: str, **body: Any) -> Any:
    answer = shop.post(path, json={"event_id": str(uuid4()), **body})
    assert answer.is_success, answer.text
    return answer.json()


def open_talk(shop: httpx.Client, tag: str, number: int) -> str:
    """A customer asks; the turn that waits."""
    text = TEXTS[number % len(TEXTS)].format(number)
    said = [{"role": "customer", "text": text}]
    return str(post(shop, "/v1/conversations", messages=said, tags=[tag], language="en")["turn_id"])


def answer_turn(shop: httpx.Client, site: Site, turn_id: str, arm: str, agent: str) -> None:
    """An agent picks a reply. Nobody at the desk sees the arm: it is looked up, so that who wins is known."""
    shown = shop.get(f"/v1/turns/{turn_id}/suggestions", params={"wait": 30}).json()
    ids = [each["candidate_id"] for each in shown["candidates"]]
    with Session(site.store) as session:
        chosen = next(id for id in ids if session.get_one(Candidate, id).arm == arm)
    post(shop, f"/v1/sets/{shown['set_id']}/judgements", kind="pick", candidate_id=chosen, agent=agent)


def play(shop: httpx.Client, site: Site, tag: str, *, tuned: int, base: int) -> None:
    """Customers ask about this, and two agents pick so often for each arm; then the trainer counts."""
    for number, arm in enumerate(["tuned"] * tuned + ["base"] * base):
        answer_turn(shop, site, open_talk(shop, tag, number), arm, f"agent-{number % 2}")
    renew_fits(site.store, policy=Policy().exposure, clock=site.clock)


def read_rate(page: Page, site: Site, tag: str) -> str:
    """The support rate of a tag on Collection, with its interval."""
    page.goto(f"{site.url}/console/collection")
    row = page.locator(f"{part('tags')} tbody tr").filter(has=page.get_by_role("rowheader", name=tag))
    return " ".join(row.locator("td").nth(8).inner_text().split())


def test_a_campaign_collects_what_collection_asks_for(
    site: Site, open_page: Callable[..., Page], shop: httpx.Client
) -> None:
    """Wilson's interval at 95 %: 3 of 4 is 30 to 95 %; 33 of 44, the same share, 61 to 85 %."""
    site.deploy(ADAPTER)
    play(shop, site, "delivery", tuned=3, base=3)
    play(shop, site, "refund", tuned=3, base=1)
    page = open_page()
    page.goto(site.sign_in_link("ada", "admin"))
    assert read_rate(page, site, "refund") == "75 % 30 % – 95 %"
    expect(page.locator(part("next"))).to_contain_text(
        "Collect “refund” next: its 4 picks put the support rate between 30 and 95 %, and 381 more"
    )

    page.get_by_role("link", name="Start a campaign").click()
    form = page.locator(part("new-campaign"))
    expect(form.locator('[name="tags[]"]')).to_have_values(["refund"])
    expect(form.locator("[name=target]")).to_have_value("381")
    form.locator("[name=name]").fill("Refunds")
    form.locator("[name=target]").fill("40")
    form.get_by_role("button", name="Start the campaign").click()
    page.wait_for_url("**/console/campaigns/*-*")
    progress = page.locator(part("progress"))
    expect(progress).to_contain_text("0 of 40")
    assert list_overflowing(page) == []

    waiting = open_talk(shop, "refund", 0)
    agent = open_page(language="zh-CN")
    agent.goto(site.sign_in_link("wei", "agent"))
    expect(agent.locator(f'{part("queue")} button[data-turn="{waiting}"]')).to_contain_text(
        "收集活动：Refunds"
    )
    assert ADAPTER not in agent.content()
    agent.close()
    answer_turn(shop, site, waiting, "base", "agent-0")
    play(shop, site, "refund", tuned=30, base=9)

    page.reload()
    expect(progress).to_contain_text("40 of 40")
    expect(page.locator(part("outlook"))).to_have_text("target reached")
    assert read_rate(page, site, "refund") == "75 % 61 % – 85 %"
