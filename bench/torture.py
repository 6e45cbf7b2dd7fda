"""Hundreds of hostile clients against the real service: do other users notice them?

    python -m bench.torture [--clients 1000]        (`make torture`)

Half a request line, silence, bodies that arrive byte by byte, and pages that stay open; during each of these
a health probe and an agent's write are timed. Then every process is killed once while the pages are open. The
benchmark ends by itself; the tests in tests/hostile do this with a hundred clients.
"""

import contextlib
import os
import selectors
import signal
import socket
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import psutil

from bench.instance import Service, new_event, open_customer_turn, post_event, running_on_fake
from bench.load import open_visits, working_beside
from bench.pages import Pages, open_pages
from bench.report import FigureValues, make_parser, print_report
from commands.files import raise_file_limit

HALF = b"GET /healthz HT"
SLOW_BODY = (
    b"POST /v1/conversations HTTP/1.1\r\nHost: slow\r\nContent-Type: application/json\r\n"
    b"Content-Length: 200000\r\n\r\n{"
)
DRIP_EVERY_S = 0.5
PROBES = 20
WRITERS, MESSAGES = 4, 25  # before and after each kill
PROBE_WITHIN_S = 30.0


class Attack:
    """Sockets that send `first`, then `drip` every half second; `closed` counts what the server closed."""

    def __init__(self, port: int, clients: int, first: bytes, drip: bytes) -> None:
        self._drip = drip
        self._selector = selectors.DefaultSelector()
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self.clients = clients
        for _ in range(clients):
            client = socket.create_connection(("127.0.0.1", port), timeout=30)
            client.sendall(first)
            client.setblocking(False)
            self._open.add(client)
            self._selector.register(client, selectors.EVENT_READ)

    @property
    def closed(self) -> int:
        return self.clients - len(self._open)

    def keep_on(self, ended: threading.Event) -> None:
        """Sends the drips and notes which sockets the server closes, until `ended` is set."""
        drip_at = time.monotonic()
        while not ended.is_set() and self._open:
            for key, _ in self._selector.select(0.1):
                self._hear(key.fileobj)
            if self._drip and time.monotonic() >= drip_at:
                drip_at += DRIP_EVERY_S
                for client in list(self._open):
                    with contextlib.suppress(OSError):
                        client.send(self._drip)

    def _hear(self, client: Any) -> None:
        try:
            said = client.recv(65_536)
        except OSError:
            said = b""
        if not said:
            self._selector.unregister(client)
            self._open.discard(client)
            client.close()

    def close(self) -> None:
        for client in self._open:
            client.close()
        self._selector.close()


@contextlib.contextmanager
def attacking(port: int, clients: int, first: bytes = b"", drip: bytes = b"") -> Iterator[Attack]:
    attack = Attack(port, clients, first, drip)
    try:
        with working_beside([attack.keep_on]):
            yield attack
    finally:
        attack.close()


def wait_until(is_true: Callable[[], bool], limit_s: float = 90) -> float:
    """Waits for the condition; returns the seconds it took."""
    began = time.monotonic()
    while not is_true():
        assert time.monotonic() - began < limit_s, "never became true"
        time.sleep(0.05)
    return time.monotonic() - began


def probe(service: Service, count: int = PROBES) -> list[float]:
    """Seconds of a health probe and of an agent's write, each on a new connection."""
    spent = []
    for number in range(count):
        began = time.perf_counter()
        assert httpx.get(f"{service.url}/healthz", timeout=PROBE_WITHIN_S).status_code == 200
        spent.append(time.perf_counter() - began)
        with service.client(PROBE_WITHIN_S) as client:
            began = time.perf_counter()
            opened = open_customer_turn(client, f"Is order {number} on its way?")
            path = f"/v1/conversations/{opened['conversation_id']}/messages"
            post_event(client, path, role="agent", text="It is.")
            spent.append(time.perf_counter() - began)
    return spent


def open_as_strangers(service: Service, clients: int, each: int) -> Counter[int]:
    """Opens conversations at /chat/start with this many clients at once; returns how often each status came.
    Raises if a refusal does not say when to try again.
    """

    def open_some(number: int) -> list[int]:
        found = []
        with httpx.Client(base_url=service.url, timeout=PROBE_WITHIN_S, trust_env=False) as client:
            for turn in range(each):
                body = {"event_id": new_event(), "text": f"Spam {number} {turn}"}
                answer = client.post("/chat/start", json=body)
                if answer.status_code == 429:
                    int(answer.headers["Retry-After"])
                found.append(answer.status_code)
        return found

    with ThreadPoolExecutor(clients) as pool:
        return Counter(status for some in pool.map(open_some, range(clients)) for status in some)


def post_until_stored(service: Service, conversation_id: str, text: str) -> str:
    """Posts a message with one event id until it is acknowledged; returns the message's id."""
    body = {"event_id": new_event(), "role": "customer", "text": text}
    deadline = time.monotonic() + 120
    while True:
        with contextlib.suppress(httpx.TransportError), service.client() as client:
            answer = client.post(f"/v1/conversations/{conversation_id}/messages", json=body)
            if answer.status_code == 201:
                return str(answer.json()["message_id"])
        assert time.monotonic() < deadline, "never acknowledged"
        time.sleep(0.2)


def kill_each(service: Service, visits: list[tuple[str, str]], pages: Pages) -> int:
    """Kills web, trainer and `up` in turn while customers write. Returns the number of acknowledged messages,
    after checking that the store and the pages have all of them.
    """
    acknowledged: dict[str, str] = {}

    def keep_writing(writer: int, ended: threading.Event) -> None:
        for number in range(writer, 1_000_000, WRITERS):
            id = visits[number % len(visits)][0]
            acknowledged[post_until_stored(service, id, f"Message {number}")] = id
            if ended.is_set():
                return

    def await_more() -> None:
        wanted = len(acknowledged) + MESSAGES
        wait_until(lambda: len(acknowledged) >= wanted, 300)

    with working_beside(partial(keep_writing, number) for number in range(WRITERS)):
        for word in ("commands.up.web", "trainer", "up"):
            await_more()
            if word == "up":
                kill_all(service)
                service.start()
            else:
                for process in service.find_processes(word):
                    os.kill(process.pid, signal.SIGKILL)
            await_more()
    wait_until(lambda: service.is_ready() and pages.open == len(visits), 300)
    wait_until(lambda: acknowledged.keys() <= pages.seen.keys(), 120)
    with service.client() as client:
        for id in {*acknowledged.values()}:
            kept = client.get(f"/v1/conversations/{id}/messages").json()["messages"]
            listed = [message["message_id"] for message in kept]
            assert {own for own, where in acknowledged.items() if where == id} <= set(listed)
            assert len(listed) == len(set(listed))
    return len(acknowledged)


def kill_all(service: Service) -> None:
    """Kills `up` at once; its child processes then end by themselves."""
    assert service.process is not None
    children = psutil.Process(service.process.pid).children(recursive=True)
    service.process.kill()
    service.process.wait()
    psutil.wait_procs(children, timeout=60)


def main() -> None:
    parser = make_parser(__doc__)
    parser.add_argument("--clients", type=int, default=1000, help="[default: 1000]")
    clients = parser.parse_args().clients
    raise_file_limit()
    figures: FigureValues = {}
    with tempfile.TemporaryDirectory() as folder, running_on_fake(Path(folder) / "var") as (service, _):
        figures["calls_ms"] = 1000 * median(probe(service))
        attacks = {"half_heads": (HALF, b""), "silent": (b"", b""), "slow_bodies": (SLOW_BODY, b"x")}
        for name, (first, drip) in attacks.items():
            with attacking(service.port, clients, first, drip) as attack:
                figures[f"calls_{name}_ms"] = 1000 * median(probe(service))
                wait_until(lambda attack=attack: attack.closed == clients)  # type: ignore[misc]
        with ThreadPoolExecutor(1) as aside:
            spam = aside.submit(open_as_strangers, service, min(clients, 100), 10)
            figures["calls_openings_ms"] = 1000 * median(probe(service))
            figures["openings_taken"] = spam.result()[201]
        visits = open_visits(service, clients)
        with open_pages(service.port, visits) as pages:
            figures["calls_pages_ms"] = 1000 * median(probe(service))
            figures["acknowledged_and_kept"] = kill_each(service, visits, pages)
            figures["pages_open"] = pages.open
    notes = {
        "calls_ms": "median of probes and writes with nobody else there",
        "calls_half_heads_ms": f"beside {clients} sockets with half a request line, all closed",
        "calls_silent_ms": f"beside {clients} that say nothing, all closed",
        "calls_slow_bodies_ms": f"beside {clients} bodies of two bytes a second, all closed",
        "calls_openings_ms": f"beside {10 * min(clients, 100)} openings by one address without a token",
        "openings_taken": "of these; the others were refused",
        "calls_pages_ms": f"beside {clients} open chat pages",
        "acknowledged_and_kept": "messages written while web, trainer and `up` were killed, all shown once",
        "pages_open": "pages that found back",
    }
    print_report("torture", figures, notes=notes)


if __name__ == "__main__":
    main()
