"""What a thousand open chat pages cost: the agents' waiting times, and CPU time while nothing happens.

    python -m bench.idle [--pages 1000] [--agents 50] [--seconds 60]

The service is the real one; suggestions come from the fake engine. Each agent decides every ten seconds:
reads the queue, claims a turn, reads its suggestions, picks one; each of these calls is timed. This is done
without pages and with them in turn, twice. Then the agents wait for sets of an engine that hangs, while
others read the queue, write as customers and answer by hand.
"""

import http.client
import itertools
import json
import queue
import random
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import httpx

from bench.instance import Service, new_event, open_customer_turn, read_suggestions, running_service
from bench.pages import Pages, open_pages
from bench.report import make_parser, print_report
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
    with tempfile.TemporaryDirectory() as folder, FakeEngine() as fake:
        environment = {
            "REJOINDER_SERVING__REPLICAS": json.dumps([fake.endpoint.url]),
            "REJOINDER_SERVING__API_KEY": fake.endpoint.api_key,
            "REJOINDER_SERVING__BACKEND": "cpu",
            "REJOINDER_FEEDBACK__UNDO_WINDOW_S": str(UNDO_S),
        }
        with running_service(Path(folder) / "var", **environment) as service:
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
) -> dict[str, float | int | None]:
    visits = open_conversations(service, pages)
    per_phase = int(agents * (seconds / DECIDES_EVERY_S + 1))
    turns = itertools.islice(itertools.cycle(visits), ROUNDS * 2 * per_phase)
    alone, beside, shares, delivered = [], [], [], []
    for _ in range(ROUNDS):
        alone.append(work(service, say_again(service, turns, per_phase), agents, seconds).seconds)
        with open_pages(
            service.port, [(each["conversation_id"], each["visitor_token"]) for each in visits]
        ) as open_:
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


class ServiceCaller:
    """One keep-alive connection of the standard library, a cheap client since callers share the cores with
    the service.
    """

    def __init__(self, service: Service) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=120)
        self._headers = {"Authorization": f"Bearer {service.token}", "Content-Type": "application/json"}

    def call(self, method: str, path: str, **body: Any) -> dict[str, Any]:
        said = json.dumps({"event_id": new_event(), **body}) if method == "POST" else None
        for is_last in (False, True):
            try:
                self._connection.request(method, path, said, self._headers)
                answer = self._connection.getresponse()
                text = answer.read()
                break
            except (http.client.RemoteDisconnected, ConnectionError):  # idle for longer than it is kept
                self._connection.close()
                if is_last:
                    raise
        assert answer.status < 300, (answer.status, text)
        return dict(json.loads(text))

    def close(self) -> None:
        self._connection.close()


def open_conversations(service: Service, count: int) -> list[dict[str, Any]]:
    with service.client() as client, ThreadPoolExecutor(8) as pool:
        return list(
            pool.map(lambda number: open_customer_turn(client, f"Where is order {number}?"), range(count))
        )


def await_set(client: httpx.Client, turn_id: str) -> None:
    """Requests this turn's suggestion set and waits until it is ready."""
    while read_suggestions(client, turn_id)["state"] == "preparing":
        pass


def say_again(service: Service, visits: Iterator[dict[str, Any]], count: int) -> IdleWork:
    """Adds new turns to decide on and prepares their sets before the clock starts."""
    turns: list[str] = []
    with service.client() as client:
        for each in itertools.islice(visits, count):
            path = f"/v1/conversations/{each['conversation_id']}/messages"
            body = {"event_id": new_event(), "role": "customer", "text": "Is anybody there?"}
            turns.append(client.post(path, json=body).raise_for_status().json()["turn_id"])
        with ThreadPoolExecutor(SETS_AT_ONCE) as pool:
            list(pool.map(lambda turn_id: await_set(client, turn_id), turns))
    done = IdleWork()
    for turn_id in turns:
        done.turns.put(turn_id)
    return done


def work(service: Service, done: IdleWork, agents: int, seconds: float) -> IdleWork:
    ended = threading.Event()
    threads = [
        threading.Thread(target=decide_on, args=(service, done, ended, f"agent-{number}"))
        for number in range(agents)
    ]
    for thread in threads:
        thread.start()
    ended.wait(seconds)
    ended.set()
    for thread in threads:
        thread.join()
    return done


def decide_on(service: Service, done: IdleWork, ended: threading.Event, agent: str) -> None:
    caller, rng = ServiceCaller(service), random.Random(agent)
    ended.wait(rng.random() * DECIDES_EVERY_S)
    while not ended.is_set():
        began = time.monotonic()
        with suppress(queue.Empty):
            decide_turn(caller, done, done.turns.get_nowait(), agent)
        ended.wait(DECIDES_EVERY_S - (time.monotonic() - began))
    caller.close()


def decide_turn(caller: ServiceCaller, done: IdleWork, turn_id: str, agent: str) -> None:
    timed(done.seconds, lambda: caller.call("GET", "/v1/queue"))
    timed(done.seconds, lambda: caller.call("POST", f"/v1/turns/{turn_id}/claim", agent=agent))
    shown = timed(done.seconds, lambda: caller.call("GET", f"/v1/turns/{turn_id}/suggestions?wait=30"))
    candidate = next(each for each in shown["candidates"] if each["state"] == "ready")
    path = f"/v1/sets/{shown['set_id']}/judgements"
    judged = timed(
        done.seconds,
        lambda: caller.call("POST", path, kind="pick", candidate_id=candidate["candidate_id"], agent=agent),
    )
    done.sent.append(judged["message_id"])


def timed(seconds: list[float], call: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    began = time.perf_counter()
    answer = call()
    seconds.append(time.perf_counter() - began)
    return answer


def await_deliveries(done: IdleWork, pages: Pages) -> list[float]:
    """Seconds from the end of each reply's undo window to its arrival on the page; every reply must
    arrive.
    """
    deadline = time.monotonic() + UNDO_S + 30
    while not pages.seen.keys() >= {*done.sent}:
        assert time.monotonic() < deadline, f"{len({*done.sent} - pages.seen.keys())} replies never came"
        time.sleep(0.1)
    return [pages.seen[id] - UNDO_S for id in done.sent]


def measure_cpu(service: Service, seconds: float) -> float:
    """CPU seconds of the web per second."""
    (web,) = service.find_processes("commands.up.web")
    before = web.cpu_times()
    time.sleep(seconds)
    after = web.cpu_times()
    return float(after.user + after.system - before.user - before.system) / seconds


def measure_hung(
    service: Service, fake: FakeEngine, visits: list[dict[str, Any]], agents: int, seconds: float
) -> tuple[list[float], list[float]]:
    """Seconds of calls that need no engine: while agents wait for sets that never come, and without them."""
    free = busy_others(service, visits, seconds)
    fake.mode = "hang"
    with waiting_agents(service, agents):
        return busy_others(service, visits, seconds), free


@contextmanager
def waiting_agents(service: Service, agents: int) -> Iterator[None]:
    """While the block runs, each agent keeps waiting for the set of a turn of their own."""
    ended = threading.Event()

    def wait_on(number: int) -> None:
        caller = ServiceCaller(service)
        text = [{"role": "customer", "text": f"Is this thing on? {number}"}]
        turn_id = caller.call("POST", "/v1/conversations", messages=text)["turn_id"]
        while not ended.is_set():
            caller.call("GET", f"/v1/turns/{turn_id}/suggestions?wait=10")
        caller.close()

    threads = [threading.Thread(target=wait_on, args=(number,)) for number in range(agents)]
    for thread in threads:
        thread.start()
    try:
        time.sleep(3)
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def busy_others(service: Service, visits: list[dict[str, Any]], seconds: float) -> list[float]:
    spent: list[float] = []
    deadline = time.monotonic() + seconds

    def be_busy(number: int) -> None:
        caller, rng = ServiceCaller(service), random.Random(number)
        while time.monotonic() < deadline:
            path = f"/v1/conversations/{rng.choice(visits)['conversation_id']}/messages"
            timed(spent, lambda: caller.call("GET", "/healthz"))
            timed(spent, lambda: caller.call("GET", "/v1/queue"))
            timed(spent, lambda path=path: caller.call("POST", path, role="customer", text="Hello?"))  # type: ignore[misc]
            timed(spent, lambda path=path: caller.call("POST", path, role="agent", text="Here I am."))  # type: ignore[misc]
            time.sleep(1)
        caller.close()

    with ThreadPoolExecutor(OTHERS) as pool:
        list(pool.map(be_busy, range(OTHERS)))
    return spent


if __name__ == "__main__":
    main()
