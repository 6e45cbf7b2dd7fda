"""Promotes and rolls back an adapter under constant load: failed requests, and seconds until the change takes
effect.

    python -m bench.swap [--rounds 5]

Four clients open conversations and read their suggestions without a pause. Meanwhile an adapter is promoted
and rolled back in turn through HTTP. `seconds_to_first_tuned_reply` runs from the promote call to the first
set with the new adapter; `rollback_seconds` from the rollback call to its answer, after which new sets have
base replies only.
"""

import tempfile
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import httpx
from sqlmodel import Session, col, select

from bench.adapters import make_adapter
from bench.instance import Service, open_customer_turn, post_event, read_suggestions, running_service
from bench.load import working_beside
from bench.report import make_parser, print_report
from feedback.store.engine import open_engine
from feedback.store.tables import SuggestionSet

CLIENTS = 4
LIMIT_S = 60


@dataclass
class Load:
    """What clients got that work until `ended`; a request without the expected answer counts as a failure."""

    service: Service
    done: int = 0
    failures: list[str] = field(default_factory=list)

    def work(self, ended: threading.Event) -> None:
        with self.service.client() as client:
            while not ended.is_set():
                try:
                    opened = open_customer_turn(client, "Hello, where is my order QD-548?", language="en")
                    shown = read_suggestions(client, opened["turn_id"])
                    assert shown["state"] == "ready", shown["state"]
                    assert all(each["text"] or each["state"] != "ready" for each in shown["candidates"])
                    self.done += 1
                except (AssertionError, httpx.HTTPError) as failure:
                    self.failures.append(str(failure)[:200])


def main() -> None:
    parser = make_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="promotions, each rolled back  [default: 5]")
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder, running_service(Path(folder) / "var") as service:
        load = Load(service)
        promoted, rolled = measure_swaps(service, load, rounds)
    for failure in load.failures[:5]:
        print(f"failed: {failure}")
    print_report(
        "swap",
        {
            "failed_requests": len(load.failures),
            "seconds_to_first_tuned_reply": median(promoted),
            "rollback_seconds": median(rolled),
            "slowest_first_tuned_reply": max(promoted),
            "slowest_rollback": max(rolled),
            "requests": load.done,
        },
        notes={
            "failed_requests": f"of {load.done} sets asked for by {CLIENTS} clients meanwhile",
            "seconds_to_first_tuned_reply": "promote called -> first set that names the new adapter, median",
            "rollback_seconds": "rollback called -> answered, median",
        },
    )


def measure_swaps(service: Service, load: Load, rounds: int) -> tuple[list[float], list[float]]:
    database = f"sqlite:///{service.data_dir / 'rejoinder.db'}"
    names = [make_adapter(service.data_dir, database, seed=number) for number in range(rounds)]
    promoted: list[float] = []
    rolled: list[float] = []
    with working_beside([load.work] * CLIENTS), service.client() as client:
        for name in names:
            started, at = time.perf_counter(), datetime.now(UTC)
            post_event(client, f"/v1/adapters/{name}/promote", reason="bench")
            wait_for_set(database, name, at)
            promoted.append(time.perf_counter() - started)
            time.sleep(1)  # let it serve under load for a moment
            started = time.perf_counter()
            post_event(client, "/v1/rollback", reason="bench")
            rolled.append(time.perf_counter() - started)
    return promoted, rolled


def wait_for_set(database: str, name: str, since: datetime) -> None:
    """Waits until a set with the adapter is ready to be read."""
    engine, deadline = open_engine(database), time.monotonic() + LIMIT_S
    ready = (
        select(SuggestionSet.id)
        .where(SuggestionSet.adapter == name, col(SuggestionSet.prepared_at) >= since)
        .limit(1)
    )
    while time.monotonic() < deadline:
        with Session(engine) as session:
            if session.exec(ready).first() is not None:
                return
        time.sleep(0.01)
    raise TimeoutError(f"no set named {name} within {LIMIT_S} s")


if __name__ == "__main__":
    main()
