"""What the benchmarks of a running service do to it: cheap callers, and work beside a measurement."""

import contextlib
import http.client
import json
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from bench.instance import Service, new_event, open_customer_turn


class ServiceCaller:
    """One keep-alive connection of the standard library: cheap, since callers and service share the cores."""

    def __init__(self, service: Service, port: int | None = None) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port or service.port, timeout=120)
        self._headers = {"Authorization": f"Bearer {service.token}", "Content-Type": "application/json"}

    def __enter__(self) -> "ServiceCaller":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

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

    def pick(self, shown: dict[str, Any], agent: str) -> dict[str, Any]:
        """Picks the first reply of a suggestion set that can be picked."""
        candidate = next(each for each in shown["candidates"] if each["state"] == "ready")
        said = {"kind": "pick", "candidate_id": candidate["candidate_id"], "agent": agent}
        return self.call("POST", f"/v1/sets/{shown['set_id']}/judgements", **said)


@contextlib.contextmanager
def working_beside(workers: Iterable[Callable[[threading.Event], object]]) -> Iterator[None]:
    """Runs each worker in its own thread during the block; then sets the event that ends them, and waits."""
    ended = threading.Event()
    threads = [threading.Thread(target=worker, args=(ended,)) for worker in workers]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def open_visits(service: Service, count: int) -> list[tuple[str, str]]:
    """Opens conversations that wait for a reply: the id of each, and its visitor's token."""
    with service.client() as client, ThreadPoolExecutor(8) as pool:
        texts = (f"Where is order {number}?" for number in range(count))
        opened = pool.map(partial(open_customer_turn, client), texts)
        return [(each["conversation_id"], each["visitor_token"]) for each in opened]
