"""axe-core on every page with data, in a wide and a narrow window: nothing serious, nothing critical."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from flask import Flask
from playwright.sync_api import Page, expect
from sqlmodel import select

from feedback.clock import SystemClock
from feedback.labelling.kinds import KINDS
from feedback.store.dataset_jobs import add_build, ask_check, settle_job
from feedback.store.engine import unit_of_work
from feedback.store.tables import Conversation
from tests.browser.conftest import KEEP_REASONS, ask, await_cards, part
from tests.browser.label_desk import change_task, go_to, open_task
from tests.browser.site import Site
from tests.feedback.campaigns.campaigns import start
from tests.feedback.chain import ADAPTER, DATASET, Chain
from tests.feedback.desk import make_desk
from tests.feedback.duels.duel_desk import put_duel
from tests.feedback.formats.files import bring_in, choice, write
from tests.feedback.imports.sending import send_file
from tests.feedback.labelling.label_rows import add_item, add_label, add_labelled, add_task
from tests.feedback.run_report.runs import add_ended_run

pytestmark = pytest.mark.real

WIDTHS = (1400, 390)
SCHEMES = {"en-GB": "light", "zh-CN": "dark"}  # each colour once
RUN = """async () => {
  const frame = () => new Promise(requestAnimationFrame);
  await frame().then(frame); // the page hears of its size
  const { violations } = await axe.run(document, { resultTypes: ["violations"] });
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, nodes }) => nodes.map((node) => [id, node.target, node.failureSummary].join(" | ")));
}"""


class Walk:
    """One page that goes from place to place and keeps what axe says."""

    def __init__(self, open_page: Callable[..., Page], url: str, language: str) -> None:
        self.page, self.url = open_page(language=language), url
        self.page.emulate_media(color_scheme=SCHEMES[language])  # type: ignore[arg-type]
        self.found: list[str] = []

    def look(self, name: str) -> None:
        """At what is shown now, in both widths."""
        self.page.evaluate(AXE_SCRIPT)
        for width in WIDTHS:
            self.page.set_viewport_size({"width": width, "height": 900})
            self.found += [f"{name} at {width}: {fault}" for fault in self.page.evaluate(RUN)]

    def visit(self, path: str) -> None:
        answer = self.page.goto(f"{self.url}{path}")
        assert answer is not None and answer.status < 500, path
        self.look(path)

    def check(self) -> None:
        assert self.found == [], "\n".join(self.found)


@dataclass(frozen=True)
class Desk:
    """A desk whose pages all have something to show: each page's rule, and an address of it."""

    app: Flask
    console: dict[str, str]


def fill(site: Site) -> Desk:
    data_dir = site.settings.data_dir
    chain = Chain(make_desk(site.store, data_dir), data_dir)
    (data_dir / "adapters" / ADAPTER).mkdir(parents=True)
    opened, _ = put_duel(site.store, data_dir)
    closed, _ = put_duel(site.store, data_dir)
    assert chain.desk.post(f"/v1/duels/{closed}/close", "expert").status_code == 200
    run = add_ended_run(site.store, "failed")
    lines = [*(choice(number) for number in range(40)), *({"id": f"x{number}"} for number in range(40))]
    bring_in(site.store, write(data_dir / "star.jsonl", *lines), source="star")
    for what, said in (("state", {"state": "withdrawn"}), ("grade", {"grade": "D"})):
        path = f"/v1/sources/star/{what}"
        assert chain.desk.post(path, "admin", reason="the licence ended", **said).status_code == 200
    sent = [json.dumps(choice(1)).encode(), json.dumps(choice(2, picked=[9])).encode()]
    looked_at, odd = (send_file(chain.desk, data) for data in (b"\n".join(sent), b'{"colour": "red"}'))
    tag = chain.desk.post("/v1/tags", "expert", tag="billing/refund").json["tag_id"]
    built, failed = put_builds(site)
    campaign = start(chain.desk)
    with unit_of_work(site.store) as session:
        task = add_task(session)
        add_labelled(session, task, "aa", "ab")
        add_label(session, add_item(session, task, 3, state="disputed", tier=2), "ann", "a")
    return Desk(
        chain.desk.app,
        {
            "/console": "/console",
            "/console/conversations": "/console/conversations",
            "(rows behind a count)": "/console/conversations?verdict=pick&until=2030-01-01T00:00:00Z",
            "(a filter that is not understood)": "/console/conversations?verdict=best",
            "/console/conversations/<conversation_id>": "/console/conversations/"
            + chain.opened["conversation_id"],
            "/console/funnel": "/console/funnel",
            "/console/tags": "/console/tags",
            "/console/tags/<tag_id>": f"/console/tags/{tag}",
            "/console/tags/proposals": "/console/tags/proposals",
            "/console/tasks": "/console/tasks",
            "/console/tasks/<task_id>": f"/console/tasks/{task.id}",
            "/console/tasks/<task_id>/disputes": f"/console/tasks/{task.id}/disputes",
            "/console/campaigns": "/console/campaigns",
            "/console/campaigns/<campaign_id>": f"/console/campaigns/{campaign}",
            "/console/labellers": "/console/labellers",
            "/console/helper": "/console/helper",
            "/console/trends": "/console/trends",
            "/console/comments": "/console/comments",
            "/console/datasets": "/console/datasets",
            "/console/duplicates": "/console/duplicates",
            "/console/collection": "/console/collection",
            "/console/datasets/<dataset_id>": f"/console/datasets/{DATASET}",
            "/console/dataset-jobs/<job_id>": f"/console/dataset-jobs/{built}",
            "(a build that nothing was left of)": f"/console/dataset-jobs/{failed}",
            "/console/datasets/<dataset_id>/changes": f"/console/datasets/{DATASET}/changes",
            "/console/sources": "/console/sources",
            "/console/sources/<path:source>": "/console/sources/star",
            "/console/imports": "/console/imports",
            "/console/imports/<import_id>": f"/console/imports/{looked_at}",
            "(a file that nobody understands)": f"/console/imports/{odd}",
            "/console/runs": "/console/runs",
            "/console/runs/<run_id>": f"/console/runs/{chain.run}",
            "/console/runs/<run_id>/report": f"/console/runs/{run}/report",
            "/console/adapters": "/console/adapters",
            "/console/adapters/<name>": f"/console/adapters/{ADAPTER}",
            "/console/duels": "/console/duels",
            "/console/duels/<duel_id>": f"/console/duels/{opened}",
            "(a closed duel)": f"/console/duels/{closed}",
            "/console/lineage": "/console/lineage",
            "/console/lineage/<path:id>": f"/console/lineage/{chain.judgement}",
            "/console/people": "/console/people",
            "(no such page)": "/console/nowhere",
        },
    )


def put_builds(site: Site) -> tuple[str, str]:
    """A build whose check found a leak, and one that nothing was left of."""
    told: dict[str, Any] = {"desk_id": "default", "actor": "eva", "now": SystemClock().now()}
    leak = [{"name": "choices star/1", "split": "train"}, {"name": "star/2", "split": "test"}]
    fault = {"code": "leak", "words": "", "count": 1, "examples": [leak]}
    with unit_of_work(site.store) as session:
        built, failed = (add_build(session, selection={}, note="winter", **told).id for _ in range(2))
        check = ask_check(session, dataset_id=DATASET, **told).id
        done: dict[str, Any] = {"state": "done", "now": told["now"]}
        settle_job(session, job_id=built, dataset_id=DATASET, is_new=True, **done)
        settle_job(session, job_id=check, faults=[fault], **done)
        why = {"error": "selection_empty", "refusals": {"too_close": 3}}
        settle_job(session, job_id=failed, state="failed", now=told["now"], **why)
    return built, failed


ELSEWHERE = {
    "/sign-in",
    "/sign-in/<code>",
    "/chat",
    "/chat/<conversation_id>",
    "/workbench",
    "/label",
    "/label/<task_id>",
}


def list_pages(app: Flask) -> set[str]:
    """Those that a person opens; parts that a page loads again end in /live, files in what they are."""
    rules = [rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())]
    shown = [rule.rule for rule in rules if not rule.rule.endswith(("/live", ".csv", ".jsonl"))]
    people = ("/console", "/workbench", "/label", "/chat", "/sign-in")
    return {rule for rule in shown if rule.startswith(people)}


@pytest.mark.parametrize("language", SCHEMES)
def test_axe_finds_nothing_serious_on_any_page_of_the_console(
    site: Site, open_page: Callable[..., Page], language: str
) -> None:
    desk = fill(site)
    pages = {rule for rule in desk.console if rule.startswith("/")}
    assert pages | ELSEWHERE == list_pages(desk.app)
    walk = Walk(open_page, site.url, language)
    walk.page.goto(site.sign_in_link("ada", "admin"))
    for path in desk.console.values():
        walk.visit(path)
    walk.check()


@pytest.mark.parametrize("language", SCHEMES)
def test_axe_finds_nothing_serious_where_agents_and_customers_are(
    site: Site, open_page: Callable[..., Page], language: str
) -> None:
    fields = [{"name": "Order", "value": "48213", "link": "https://shop.example/orders/48213"}]
    agent, customer = (Walk(open_page, site.url, language) for _ in range(2))
    customer.visit("/sign-in")
    link = site.sign_in_link("wei", "agent")
    agent.page.add_init_script(KEEP_REASONS)
    agent.page.goto(link)
    expect(agent.page.locator(part("nothing"))).to_be_visible()
    agent.look("empty workbench")
    customer.visit(link.removeprefix(site.url))  # used
    customer.visit("/chat")
    ask(customer.page, "Where is my order? https://shop.example/orders/48213")
    with unit_of_work(site.store) as session:
        session.exec(select(Conversation)).one().fields = fields
    agent.page.reload()
    await_cards(agent.page)
    agent.look("workbench with a set")
    agent.page.locator("[data-help]").first.click()
    agent.look("help dialog")
    agent.page.keyboard.press("Escape")
    agent.page.keyboard.press("1")
    agent.page.keyboard.type(" And more.")
    agent.look("workbench with an edit")
    agent.page.keyboard.press("Control+Enter")
    expect(agent.page.locator(part("reasons"))).to_be_visible()
    agent.look("workbench after sending")
    customer.page.locator(".thumbs button").nth(1).click()
    customer.look("chat with a reply")
    agent.check()
    customer.check()


@pytest.mark.parametrize("language", SCHEMES)
def test_axe_finds_nothing_serious_where_people_label(
    site: Site, open_page: Callable[..., Page], language: str
) -> None:
    walk = Walk(open_page, site.url, language)
    walk.page.goto(site.sign_in_link("lee", "labeller"))
    expect(walk.page.locator(part("nothing"))).to_be_visible()
    walk.look("no tasks")
    tree = [f"billing/{number}" for number in range(12)]
    questions = {"tag": {"tags": [], "options": tree}}
    asked = {kind: questions.get(kind, {"text": ""}) for kind in KINDS}
    tasks = {kind: open_task(site, kind, items=1, question=asked[kind]) for kind in KINDS}
    walk.visit("/label")
    for kind, task in tasks.items():
        go_to(walk.page, site, task)
        walk.look(kind)
    walk.page.keyboard.press("?")
    walk.look("help dialog")
    walk.page.keyboard.press("Escape")
    go_to(walk.page, site, tasks["rewrite"])
    walk.page.keyboard.press("e")
    walk.page.keyboard.type(" And more.")
    change_task(site, tasks["rewrite"], state="closed")
    walk.page.keyboard.press("Enter")
    walk.page.locator(f"{part('unsent')} summary").click()
    walk.look("a label that was refused")
    go_to(walk.page, site, tasks["rate"])
    walk.page.keyboard.press("4")
    expect(walk.page.locator(part("nothing"))).to_be_visible()
    walk.look("all done")
    walk.check()
