"""What labellers wait for: the next item and the label before it, and the page from a key to its reaction.

    python -m bench.labelling [--labellers 50] [--seconds 60] [--every 5]

The service is the real one, on SQLite and on PostgreSQL. Each labeller answers once in `--every` seconds on
average: a label, then the next claim, timed together as one wait. In Chromium somebody answers items at
`/label` by keys; the reaction is the first frame that differs from the one before the key. Whatever else runs
on this machine is in the figures; `load_1m` tells of it.
"""

import os
import random
import tempfile
import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from sqlalchemy import Engine

from bench.chromium import MISSING, find_chromium
from bench.instance import Service, running_on_fake
from bench.load import ServiceCaller
from bench.postgres import on_each_database
from bench.report import FigureValues, make_parser, print_report
from feedback.clock import SystemClock
from feedback.store import users
from feedback.store.engine import open_engine, unit_of_work
from feedback.store.tables import DEFAULT_DESK, Item, Task

OVERLAP = 2
PRESSES = 30
NO_RUN = {"REJOINDER_TRAINER__TRIGGER_NEW_CHOICES": "1000000000"}
# The time of each key, and of the first frame after something on the page changed.
WATCH_KEYS = """() => {
  window.reactions = [];
  let pressedAt = null;
  addEventListener("keydown", (event) => { pressedAt = event.timeStamp; }, true);
  new MutationObserver(() => {
    if (pressedAt === null) return;
    const from = pressedAt;
    pressedAt = null;
    requestAnimationFrame(() => setTimeout(() => window.reactions.push(performance.now() - from)));
  }).observe(document.body, { subtree: true, childList: true, attributes: true, characterData: true });
}"""


@dataclass
class Waits:
    """Seconds of each call, and of both together."""

    claims: list[float] = field(default_factory=list)
    labels: list[float] = field(default_factory=list)
    both: list[float] = field(default_factory=list)


def main() -> None:
    parser = make_parser(__doc__)
    parser.add_argument("--labellers", type=int, default=50, help="[default: 50]")
    parser.add_argument("--seconds", type=float, default=60, help="on each database  [default: 60]")
    parser.add_argument("--every", type=float, default=5, help="seconds from answer to answer  [default: 5]")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = on_each_database(
            Path(folder),
            lambda name, url: measure_desk(
                Path(folder) / name, name, url, asked.labellers, asked.seconds, asked.every
            ),
        )
    by_database = [
        value for name, value in figures.items() if name.startswith("claim_label_p95_ms_") and value
    ]
    figures["claim_label_p95_ms"] = max(by_database)
    notes = {
        "claim_label_p95_ms": "a label and the claim of the next item, together; the slower database",
        "reaction_ms": "p95 from a key to the first changed frame at /label; the page of SQLite",
        "load_1m": "of the machine, at the end of the phase on SQLite",
    }
    print_report("labelling", figures, notes=notes)


def measure_desk(
    data_dir: Path, name: str, url: str, labellers: int, seconds: float, every: float
) -> FigureValues:
    """The waits on one database; on SQLite the reaction of the page, too."""
    with running_on_fake(data_dir, REJOINDER_FEEDBACK__DATABASE_URL=url, **NO_RUN) as (service, _):
        engine = open_engine(url)
        task_id = put_bench_items(engine, items=int(labellers * (seconds / every + 2)))
        waits = label_on(service, add_labellers(engine, labellers), task_id, seconds, every)
        figures: FigureValues = {
            f"claim_label_p95_ms_{name}": 1000 * find_p95(waits.both),
            f"claim_label_median_ms_{name}": 1000 * median(waits.both),
            f"claim_p95_ms_{name}": 1000 * find_p95(waits.claims),
            f"label_p95_ms_{name}": 1000 * find_p95(waits.labels),
            f"labels_{name}": len(waits.labels),
        }
        if name == "sqlite":
            figures["load_1m"] = os.getloadavg()[0]
            figures["reaction_ms"] = measure_reaction(service, engine)
        engine.dispose()
        return figures


def find_p95(seconds: list[float]) -> float:
    return sorted(seconds)[int(0.95 * (len(seconds) - 1))]


def put_bench_items(engine: Engine, *, items: int) -> str:
    """An open task of kind rate; its id."""
    now = SystemClock().now()
    task = Task(
        desk_id=DEFAULT_DESK,
        name="bench",
        kind="rate",
        state="open",
        question={"text": ""},
        overlap_min=OVERLAP,
        overlap_max=OVERLAP,
        seed=1,
        created_by="bench",
        created_at=now,
        opened_at=now,
    )
    rows = [
        Item(
            desk_id=DEFAULT_DESK,
            task_id=task.id,
            position=place,
            subject_kind="set",
            subject_id=f"subject {place}",
            conversation=f"conversation {place}",
            shown={
                "messages": [{"role": "user", "content": f"Where is parcel {place}?"}],
                "reply": f"Parcel {place} is on its way and arrives tomorrow.",
            },
            tier=1,
            created_at=now,
        )
        for place in range(1, items + 1)
    ]
    with unit_of_work(engine) as session:
        session.add(task)
        session.flush()
        session.add_all(rows)
    return task.id


def add_labellers(engine: Engine, count: int) -> list[str]:
    """A token each."""
    now = SystemClock().now()
    with unit_of_work(engine) as session:
        people = [
            users.ensure_user(session, desk_id=DEFAULT_DESK, name=f"labeller {n}", role="labeller", now=now)
            for n in range(count)
        ]
        return [
            users.create_token(
                session, desk_id=DEFAULT_DESK, name=person.name, role="labeller", now=now, user_id=person.id
            )
            for person in people
        ]


def label_on(service: Service, tokens: Iterable[str], task_id: str, seconds: float, every: float) -> Waits:
    """All labellers at once, each at a pace of their own."""
    found, lock = Waits(), threading.Lock()
    named = list(tokens)

    def label_on(token: str) -> None:
        own = Waits()
        with ServiceCaller(Service(service.data_dir, service.port, token=token)) as caller:
            label_items(caller, task_id, own, seconds, every)
        with lock:
            found.claims.extend(own.claims)
            found.labels.extend(own.labels)
            found.both.extend(own.both)

    with ThreadPoolExecutor(len(named)) as pool:
        list(pool.map(label_on, named))
    return found


def label_items(caller: ServiceCaller, task_id: str, own: Waits, seconds: float, every: float) -> None:
    """Reads an item, thinks, labels it and takes the next, until the time is over or nothing is left."""
    end = time.perf_counter() + seconds
    time.sleep(random.uniform(0, every))
    item_id = caller.call("POST", f"/v1/tasks/{task_id}/next")["item_id"]
    while item_id and time.perf_counter() < end:
        caller.call("GET", f"/v1/items/{item_id}")
        time.sleep(random.uniform(0, 2 * every))
        said: dict[str, Any] = {"value": {"score": random.randint(1, 5)}, "dwell_ms": 1000}
        began = time.perf_counter()
        caller.call("POST", f"/v1/items/{item_id}/labels", **said)
        labelled = time.perf_counter()
        item_id = caller.call("POST", f"/v1/tasks/{task_id}/next")["item_id"]
        claimed = time.perf_counter()
        own.labels.append(labelled - began)
        own.claims.append(claimed - labelled)
        own.both.append(claimed - began)


def measure_reaction(service: Service, engine: Engine) -> float | None:
    """The p95 from key to reaction in milliseconds; None without Chromium."""
    chromium = find_chromium()
    if chromium is None:
        print(f"{MISSING}; the page's reaction is left out")
        return None
    from playwright.sync_api import sync_playwright

    task_id = put_bench_items(engine, items=PRESSES + 1)
    now = SystemClock().now()
    with unit_of_work(engine) as session:
        person = users.ensure_user(session, desk_id=DEFAULT_DESK, name="at a page", role="labeller", now=now)
        code = users.create_sign_in_link(session, desk_id=DEFAULT_DESK, user_id=person.id, now=now)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(chromium), args=["--no-sandbox"])
        page = browser.new_page(bypass_csp=True)  # which forbids the functions that are waited for
        page.goto(f"{service.url}/sign-in/{code}")
        page.wait_for_url(f"{service.url}/label")
        page.goto(f"{service.url}/label/{task_id}")
        page.evaluate(WATCH_KEYS)
        reactions = [answer_by_key(page, place) for place in range(1, PRESSES + 1)]
        browser.close()
    return find_p95(reactions[1:])  # the first key warms the page up


def answer_by_key(page: Any, place: int) -> float:
    """Answers the item that is shown; the milliseconds until the page reacted."""
    page.get_by_text(f"Where is parcel {place}?").wait_for()
    page.wait_for_function("!document.querySelector('[aria-busy=true]')")
    page.keyboard.press("4")
    page.wait_for_function(f"window.reactions.length >= {place}")
    return float(page.evaluate("window.reactions.at(-1)"))


if __name__ == "__main__":
    main()
