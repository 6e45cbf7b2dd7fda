"""An engineer's path through Data in the browser: four files come in, their sources are graded, their strings
become a tree, a version is built without leaks, what changed in it is read, and what training made of it is
seen by tag. The training is real, and small; the picks of its adapter stand in for days of people's work.

`PICTURES=docs/img` in the environment renews the pictures of docs/data-path.md.
"""

import json
import os
import random
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from feedback.clock import SystemClock
from feedback.datasets.check import check_dataset
from feedback.datasets.layout import dataset_dir
from feedback.experiments.account import keep_counts
from feedback.records.arms import COUNTED_DESIGN
from feedback.store.engine import unit_of_work
from feedback.store.record_counts import AgentMeaning, Meaning
from feedback.store.tables import Fit, Run
from tests.browser.conftest import part
from tests.browser.site import Site
from tests.feedback.formats.files import write
from tests.loop.conftest import QUICK_POLICY, write_quick_recipe
from tests.trainer.nights import ask
from trainer.context import open_context
from trainer.jobs.worker import Worker

pytestmark = pytest.mark.real

Body = dict[str, Any]

THINGS = "kettle lamp bicycle tent phone jacket printer camera sofa drill guitar toaster".split()
SITUATIONS = {
    "billing:refund": ("was charged twice", "went back a week ago", "never came but was paid for"),
    "billing:invoice": ("has the wrong address on its bill", "needs a receipt for my company"),
    "delivery:late": ("should have been here on Monday", "is stuck in Leeds, says the tracking page"),
    "delivery:damaged": ("arrived with a broken box", "has a crack on its left side"),
}
WISHES = ("What now?", "Can you look into it, please?", "I would like an answer today.")
GOOD = "I am sorry about that. I have looked it up and will write to you within the hour."
BAD = "Please be patient."


def ask_about(number: int) -> tuple[str, str]:
    """A customer's question and the string that says what it is about."""
    dice = random.Random(number)
    tag = dice.choice(list(SITUATIONS))
    return f"My {dice.choice(THINGS)} {dice.choice(SITUATIONS[tag])}. {dice.choice(WISHES)}", tag


def make_choice(number: int) -> Body:
    text, tag = ask_about(number)
    return {
        "id": f"ticket{number}-1",
        "prompt": [{"role": "user", "content": text}],
        "candidates": [{"text": GOOD}, {"text": BAD}, {"text": "Which order is it?"}],
        "picked": [0],
        "tags": [tag],
        "language": "en",
    }


def make_preference(number: int) -> Body:
    return {"prompt": ask_about(number)[0], "chosen": GOOD, "rejected": BAD}


def make_rating(number: int) -> Body:
    """Every third has no label, so that it is refused."""
    rating: Body = {"prompt": ask_about(number)[0], "completion": GOOD, "label": number % 2 == 0}
    return rating if number % 3 else rating | {"label": "perhaps"}


def make_messages(number: int) -> Body:
    text, tag = ask_about(number)
    turns = [{"role": "customer", "text": text}, {"role": "agent", "text": GOOD}]
    return {"id": f"chat{number}", "turns": turns, "tags": [tag]}


# Source, what a line of its file is, and its lines.
FILES: list[tuple[str, Callable[[int], Body], range]] = [
    ("helpdesk", make_choice, range(60)),
    ("experts", make_preference, range(100, 140)),
    ("ratings", make_rating, range(200, 260)),
    ("chats", make_messages, range(300, 320)),
]


def bring(page: Page, site: Site, folder: Path, name: str, *lines: Body) -> None:
    """Sends a file of lines, looks at what it is, and imports it."""
    path = write(folder / f"{name}.jsonl", *map(json.dumps, lines))
    page.goto(f"{site.url}/console/imports")
    page.set_input_files('input[type="file"]', str(path))
    page.locator("[name=source]").fill(name)
    page.keyboard.press("Enter")
    page.wait_for_url("**/console/imports/*-*")
    expect(page.get_by_role("button", name="Import", exact=True)).to_be_visible()
    if name == "ratings":
        expect(page.get_by_text("20 refused")).to_be_visible()
        take_picture(page, "data-path-import")
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_text("Undo this import", exact=True)).to_be_visible()


def build(page: Page, site: Site, note: str) -> str:
    """The id of a version of everything, in which the check finds nothing wrong."""
    page.goto(f"{site.url}/console/datasets")
    page.locator("[name=note]").fill(note)
    page.get_by_role("button", name="Build", exact=True).click()
    page.wait_for_url("**/console/dataset-jobs/*")
    expect(page.locator(part("check"))).to_contain_text("nothing leaks")
    link = page.locator(part("progress")).get_by_role("link")
    dataset_id = str(link.get_attribute("href")).rsplit("/", 1)[1]
    assert check_dataset(dataset_dir(site.settings.data_dir, dataset_id)) == []
    return dataset_id


def train(site: Site, folder: Path) -> Run:
    """A real run of the demo base in the trainer's child process, of few steps. No engine takes its
    adapter.
    """
    recipe, policy = write_quick_recipe(folder / "quick.yaml"), folder / "quick.toml"
    policy.write_text(QUICK_POLICY, encoding="utf-8")
    with pytest.MonkeyPatch.context() as asked:
        asked.setenv("REJOINDER_TRAINER__RECIPE", str(recipe))
        asked.setenv("REJOINDER_FEEDBACK__POLICY", str(policy))
        with open_context(site.settings.data_dir, None) as ctx:
            run_id = ask(ctx)
            assert Worker(ctx).step(threading.Event())
            return ctx.read_run(run_id)


def pick(site: Site, adapter: str) -> None:
    """What people's picks and the trainer's fit of them leave in the store."""
    cells = {
        tag: {"rate": rate, "low": low, "high": high, "counted": picks, "tuned": 0, "base": 0, "halves": 0}
        for tag, rate, low, high, picks in (
            ("billing", 0.71, 0.55, 0.84, 42),
            ("billing/refund", 0.79, 0.6, 0.91, 28),
            ("delivery", 0.52, 0.36, 0.68, 33),
        )
    }
    picks = {
        AgentMeaning("wei", Meaning(COUNTED_DESIGN, None, "pick", winner, None)): count
        for winner, count in (("tuned", 47), ("base", 28))
    }
    value = {"counts": keep_counts(picks, {}), "fitted": {"breakdown": {"tags": cells}}}
    with unit_of_work(site.store) as session:
        now = SystemClock().now()
        session.add(Fit(desk_id="default", adapter=adapter, judgements=75, value=value, at=now))


def take_picture(page: Page, name: str) -> None:
    """Keeps a picture of the page for docs/data-path.md, where the environment says in which folder."""
    folder = os.environ.get("PICTURES")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png")


def test_from_four_files_to_the_result_of_a_training_by_tag(
    site: Site, open_page: Callable[..., Page], tmp_path: Path
) -> None:
    page = open_page(width=1200, height=800)
    page.goto(site.sign_in_link("eva", "expert"))
    page.wait_for_url(f"{site.url}/console")
    page.goto(f"{site.url}/console/sources")
    page.get_by_role("link", name="Bring files").click()  # what an empty page leads to
    page.wait_for_url(f"{site.url}/console/imports")
    for name, make, numbers in FILES:
        bring(page, site, tmp_path, name, *map(make, numbers))

    page.goto(f"{site.url}/console/sources")
    rows = page.locator(f"{part('sources')} tbody tr")
    expect(rows.filter(has_text="helpdesk")).to_contain_text("it is at most B")
    take_picture(page, "data-path-sources")

    page.goto(f"{site.url}/console/tags")
    page.locator(f"{part('adoption')} button").click()
    tree = page.locator(".tree tbody tr")
    expect(tree).to_have_count(6)  # billing and delivery, with two below each
    take_picture(page, "data-path-tags")

    first = build(page, site, "what four files brought")
    take_picture(page, "data-path-build")
    bring(page, site, tmp_path, "late", *map(make_choice, range(400, 430)))
    second = build(page, site, "with the late ones")
    page.goto(f"{site.url}/console/datasets/{second}")
    take_picture(page, "data-path-dataset")
    page.locator(f'a[href="/console/datasets/{second}/changes"]').click()
    came = page.locator(part("came"))
    expect(came).to_contain_text("late")
    expect(page.get_by_role("heading", name=f"From {first[:12]} to {second[:12]}")).to_be_visible()
    take_picture(page, "data-path-changes")

    run = train(site, tmp_path)
    assert (run.state, run.decision) == ("done", "passed"), run.error or run.reasons
    assert run.dataset_id == second  # it builds one of its own, of the same content
    assert run.adapter is not None and run.report is not None
    pick(site, run.adapter)
    page.goto(f"{site.url}/console/datasets/{second}")
    reuse = page.locator(part("reuse"))
    learned = reuse.get_by_role("row").filter(has_text="this one")
    expect(learned).to_contain_text(run.adapter)
    expect(learned).to_contain_text(f"{run.report['adapter']['log_loss']:.3f}")
    expect(learned).to_contain_text("63 %")  # 47 of 75
    expect(reuse.get_by_role("row").filter(has_text="billing/refund")).to_contain_text("79 %")
    reuse.scroll_into_view_if_needed()
    take_picture(page, "data-path-result")
    reuse.get_by_role("link", name="billing/refund").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("refund")
