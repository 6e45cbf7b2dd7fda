"""What a thousand open chat pages cost: the agents' waiting times, and CPU time while nothing happens.

    python -m bench.idle [--pages 1000] [--agents 50] [--seconds 60]

The service is the real one; suggestions come from the fake engine. Each agent decides every ten seconds:
reads the queue, claims a turn, reads its suggestions, picks one; each of these calls is timed. This is done
without pages and with them in turn, twice. Then the agents wait for sets of an engine that hangs, while
others read the queue, write as customers and answer by hand.
"""

import itertools
import queue
import random
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import httpx

from bench.instance import Service, post_event, read_suggestions, running_on_fake
from bench.load import ServiceCaller, open_visits, working_beside
from bench.pages import Pages, open_pages
from bench.report import FigureValues, make_parser, print_report
from commands.files import raise_file_limit
from serving.client.fake import FakeEngine

DECIDES_EVERY_S = 10.0
UNDO_S = 5.0
IDLE_S = 20.0
OTHERS = 8
SETS_AT_ONCE = 4  # [feedback] suggest_workers
ROUNDS = 2


@dataclass
class IdleWork:
    """Turns that wait for an agent, the seconds of the calls, and the replies that were sent."""

    turns: "queue.SimpleQueue[str]" = field(default_factory=queue.SimpleQueue)
    seconds: list[float] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)


def main() -> None:
    parser = make_parser(__doc__)
    parser.add_argument("--pages", type=int, default=1000, help="[default: 1000]")
    parser.add_argument("--agents", type=int, default=50, help="[default: 50]")
    parser.add_argument("--seconds", type=float, default=60, help="of each of four phases  [default: 60]")
    asked = parser.parse_args()
    raise_file_limit()
    undo = {"REJOINDER_FEEDBACK__UNDO_WINDOW_S": str(UNDO_S)}
    with (
        tempfile.TemporaryDirectory() as folder,
        running_on_fake(Path(folder) / "var", **undo) as (service, fake),
    ):
        figures = measure_service(service, fake, asked.pages, asked.agents, asked.seconds)
    notes = {
        "p95_ratio_1000": f"agents' p95 with {asked.pages} open chat pages over none",
        "idle_cpu_share": "of one core, by the web with all pages open and nobody at work",
        "delivery_p95_ms": "from the end of the undo window to the customer's page",
        "p95_ratio_hung": f"others' p95 while {asked.agents} agents wait on a hung engine over none waiting",
    }
    print_report("idle", figures, notes=notes)


def measure_service(
    service: Service, fake: FakeEngine, pages: int, agents: int, seconds: float
) -> FigureValues:
    visits = open_visits(service, pages)
    per_phase = int(agents * (seconds / DECIDES_EVERY_S + 1))
    turns = itertools.islice(itertools.cycle(visits), ROUNDS * 2 * per_phase)
    alone, beside, shares, delivered = [], [], [], []
    for _ in range(ROUNDS):
        alone.append(work(service, say_again(service, turns, per_phase), agents, seconds).seconds)
        with open_pages(service.port, visits) as open_:
            shares.append(measure_cpu(service, IDLE_S))
            done = work(service, say_again(service, turns, per_phase), agents, seconds)
            beside.append(done.seconds)
            delivered += await_deliveries(done, open_)
    hung, free = measure_hung(service, fake, visits, agents, seconds / 2)
    return {
        "p95_ratio_1000": median(p95(b) / p95(a) for a, b in zip(alone, beside, strict=True)),
        "idle_cpu_share": max(shares),
        "delivery_p95_ms": 1000 * p95(delivered),
        "p95_ratio_hung": p95(hung) / p95(free),
        "p95_alone_ms": 1000 * median(map(p95, alone)),
        "p95_pages_ms": 1000 * median(map(p95, beside)),
        "median_alone_ms": 1000 * median(map(median, alone)),
        "median_pages_ms": 1000 * median(map(median, beside)),
        "p95_hung_ms": 1000 * p95(hung),
        "calls": sum(map(len, alone + beside)),
        "deliveries": len(delivered),
    }


def p95(seconds: list[float]) -> float:
    return sorted(seconds)[int(0.95 * (len(seconds) - 1))]


def await_set(client: httpx.Client, turn_id: str) -> None:
    """Requests this turn's suggestion set and waits until it is ready."""
    while read_suggestions(client, turn_id)["state"] == "preparing":
        pass


def say_again(service: Service, visits: Iterator[tuple[str, str]], count: int) -> IdleWork:
    """Adds new turns to decide on and prepares their sets before the clock starts."""
    turns: list[str] = []
    with service.client() as client:
        for id, _ in itertools.islice(visits, count):
            path = f"/v1/conversations/{id}/messages"
            said = post_event(client, path, role="customer", text="Is anybody there?")
            turns.append(said["turn_id"])
        with ThreadPoolExecutor(SETS_AT_ONCE) as pool:
            list(pool.map(lambda turn_id: await_set(client, turn_id), turns))
    done = IdleWork()
    for turn_id in turns:
        done.turns.put(turn_id)
    return done


def work(service: Service, done: IdleWork, agents: int, seconds: float) -> IdleWork:
    agents_at_work = [partial(decide_on, service, done, f"agent-{number}") for number in range(agents)]
    with working_beside(agents_at_work):
        time.sleep(seconds)
    return done


def decide_on(service: Service, done: IdleWork, agent: str, ended: threading.Event) -> None:
    rng = random.Random(agent)
    ended.wait(rng.random() * DECIDES_EVERY_S)
    with ServiceCaller(service) as caller:
        while not ended.is_set():
            began = time.monotonic()
            with suppress(queue.Empty):
                decide_turn(caller, done, done.turns.get_nowait(), agent)
            ended.wait(DECIDES_EVERY_S - (time.monotonic() - began))


def decide_turn(caller: ServiceCaller, done: IdleWork, turn_id: str, agent: str) -> None:
    timed(done.seconds, lambda: caller.call("GET", "/v1/queue"))
    timed(done.seconds, lambda: caller.call("POST", f"/v1/turns/{turn_id}/claim", agent=agent))
    shown = timed(done.seconds, lambda: caller.call("GET", f"/v1/turns/{turn_id}/suggestions?wait=30"))
    judged = timed(done.seconds, lambda: caller.pick(shown, agent))
    done.sent.append(judged["message_id"])


def timed(seconds: list[float], call: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    began = time.perf_counter()
    answer = call()
    seconds.append(time.perf_counter() - began)
    return answer


def await_deliveries(done: IdleWork, pages: Pages) -> list[float]:
    """Seconds from the end of each reply's undo window to its arrival on the page; all must arrive."""
    deadline = time.monotonic() + UNDO_S + 30
    while not pages.seen.keys() >= {*done.sent}:
        assert time.monotonic() < deadline, f"{len({*done.sent} - pages.seen.keys())} replies never came"
        time.sleep(0.1)
    return [pages.seen[id] - UNDO_S for id in done.sent]


def measure_cpu(service: Service, seconds: float) -> float:
    """CPU seconds of the web per second."""
    before = service.read_web_cpu()
    time.sleep(seconds)
    return (service.read_web_cpu() - before) / seconds


def measure_hung(
    service: Service, fake: FakeEngine, visits: list[tuple[str, str]], agents: int, seconds: float
) -> tuple[list[float], list[float]]:
    """Seconds of calls that need no engine: while agents wait for sets that never come, and without them."""
    free = busy_others(service, visits, seconds)
    fake.mode = "hang"
    with working_beside(partial(wait_on_set, service, number) for number in range(agents)):
        time.sleep(3)
        return busy_others(service, visits, seconds), free


def wait_on_set(service: Service, number: int, ended: threading.Event) -> None:
    """An agent who keeps waiting for the set of a turn of their own."""
    with ServiceCaller(service) as caller:
        text = [{"role": "customer", "text": f"Is this thing on? {number}"}]
        turn_id = caller.call("POST", "/v1/conversations", messages=text)["turn_id"]
        while not ended.is_set():
            caller.call("GET", f"/v1/turns/{turn_id}/suggestions?wait=10")


def busy_others(service: Service, visits: list[tuple[str, str]], seconds: float) -> list[float]:
    spent: list[float] = []
    deadline = time.monotonic() + seconds

    def be_busy(number: int) -> None:
        rng = random.Random(number)
        with ServiceCaller(service) as caller:
            while time.monotonic() < deadline:
                path = f"/v1/conversations/{rng.choice(visits)[0]}/messages"
                timed(spent, lambda: caller.call("GET", "/healthz"))
                timed(spent, lambda: caller.call("GET", "/v1/queue"))
                for role, words in (("customer", "Hello?"), ("agent", "Here I am.")):
                    timed(spent, partial(caller.call, "POST", path, role=role, text=words))
                time.sleep(1)

    with ThreadPoolExecutor(OTHERS) as pool:
        list(pool.map(be_busy, range(OTHERS)))
    return spent


if __name__ == "__main__":
    main()
