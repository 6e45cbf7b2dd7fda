"""Measures the capture of judgements: acknowledged judgements per second as a ratio to bare commits per
second of the same database, with readers; the web's CPU time per judgement; and the gain of a second web
process on PostgreSQL.

    python -m bench.capture [--judgements 400]

The web is the real one; suggestions come from the fake engine, which costs almost nothing. A bare commit
inserts one row of a judgement's size per transaction through the same store engine (equal durability, equal
number of writers). All are measured in turn, three times; figures are medians, and each ratio is taken within
a round. SQLite and PostgreSQL.
"""

import contextlib
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import psutil
from sqlalchemy import Engine, text

from bench.instance import ROOT, Service, open_customer_turn, read_cpu, read_suggestions, running_on_fake
from bench.load import ServiceCaller, working_beside
from bench.postgres import on_each_database
from bench.report import FigureValues, make_parser, print_report
from commands.instance import find_port
from feedback.store.engine import open_engine, unit_of_work

WRITERS = 8
READERS = 2
ROUNDS = 3
ROW = "x" * 400  # about the size of a judgement and its message
START_LIMIT_S = 60.0
WARM_UP = 4 * WRITERS  # judgements that a new web process takes before it is measured


@dataclass(frozen=True)
class CaptureRound:
    """Results of one round. Rates are per second: judgements with readers, bare commits, judgements by one
    web process and by two (None on SQLite, which has one writer). The CPU time is in milliseconds per
    judgement.
    """

    judged: float
    committed: float
    cpu_ms: float
    by_one: float
    by_two: float | None
    all_cpu_ms: float  # web, database and load together, with two web processes


def main() -> None:
    parser = make_parser(__doc__)
    parser.add_argument("--judgements", type=int, default=400, help="per round and database  [default: 400]")
    asked = parser.parse_args().judgements
    with tempfile.TemporaryDirectory() as folder:

        def measure(database: str, url: str) -> FigureValues:
            return name_figures(database, measure_capture(Path(folder) / database, url, asked))

        figures = on_each_database(Path(folder), measure)
    notes = {
        "cpu_ms_per_judgement": "of the web, without readers; the dearer database",
        "scaling_2_processes": "judgements per second with two web processes on one PostgreSQL over one",
        "scaling_bound": "what it could be at most on these cores, which database and load share",
        "bound_per_s_2_processes": "cores over processor time of web, database and load for one judgement",
        "bound_share_2_processes": "how much of that was reached",
    } | {
        name: "judgements acknowledged per second over bare commits per second"
        for name in figures
        if "ratio" in name
    }
    print_report("capture", {"cpu_ms_per_judgement": find_dearer(figures), **figures}, notes=notes)


def find_dearer(figures: FigureValues) -> float:
    """The web's CPU time for a judgement on the dearer database, without database and load."""
    return max(value for name, value in figures.items() if name.startswith("cpu_ms_per_") and value)


def compare_processes(rounds: list[CaptureRound]) -> FigureValues:
    """What a second web process gains, the most that these cores allow when web, database and load share
    them, and the share of it that was reached. Nothing on SQLite.
    """
    both = [(each, each.by_two) for each in rounds if each.by_two is not None]
    if not both:
        return {}
    cores = psutil.cpu_count() or 1
    bounds = [1000 * cores / each.all_cpu_ms for each, _ in both]
    return {
        "scaling_2_processes": median(by_two / each.by_one for each, by_two in both),
        "cores": cores,
        "cpu_ms_with_database_and_load": median(each.all_cpu_ms for each in rounds),
        "bound_per_s_2_processes": median(bounds),
        "bound_share_2_processes": median(
            by_two / bound for (_, by_two), bound in zip(both, bounds, strict=True)
        ),
        "scaling_bound": median(bound / each.by_one for each, bound in zip(rounds, bounds, strict=True)),
    }


def name_figures(database: str, rounds: list[CaptureRound]) -> FigureValues:
    return {
        f"cpu_ms_per_judgement_{database}": median(each.cpu_ms for each in rounds),
        f"commit_ratio_{database}": median(each.judged / each.committed for each in rounds),
        f"judgements_per_s_{database}": median(each.judged for each in rounds),
        f"commits_per_s_{database}": median(each.committed for each in rounds),
        **compare_processes(rounds),
    }


def measure_capture(data_dir: Path, url: str, judgements: int) -> list[CaptureRound]:
    no_run = {"REJOINDER_TRAINER__TRIGGER_NEW_CHOICES": "1000000000"}  # during the measurement
    with running_on_fake(data_dir, REJOINDER_FEEDBACK__DATABASE_URL=url, **no_run) as (service, _):
        engine = open_engine(url)
        with unit_of_work(engine) as session:
            session.execute(text("CREATE TABLE bench_commit (body TEXT)"))
        rounds = [measure_round(service, engine, judgements) for _ in range(ROUNDS)]
        engine.dispose()
        return rounds


def measure_round(service: Service, engine: Engine, judgements: int) -> CaptureRound:
    with working_beside([partial(poll_queue, service)] * READERS):
        judged = judge_all(service, [service.port], prepare_sets(service, judgements))
    committed = commit_all(engine, judgements)
    sets = prepare_sets(service, judgements)
    before = service.read_web_cpu()
    by_one = judge_all(service, [service.port], sets)
    cpu_ms = 1000 * (service.read_web_cpu() - before) / judgements
    by_two, all_cpu_ms = None, 0.0
    if engine.dialect.name == "postgresql":
        first, sets = prepare_sets(service, WARM_UP), prepare_sets(service, judgements)
        with second_web(service) as (port, pid):
            judge_all(service, [port], first)
            taking_part = [*service.find_processes("commands.up.web"), psutil.Process(pid), psutil.Process()]
            server = find_server(engine)

            def spent_by_all() -> float:
                return sum(map(read_cpu, taking_part)) + spent_by_server(server)

            before = spent_by_all()
            by_two = judge_all(service, [service.port, port], sets)
            all_cpu_ms = 1000 * (spent_by_all() - before) / judgements
    return CaptureRound(judged, committed, cpu_ms, by_one, by_two, all_cpu_ms)


def find_server(engine: Engine) -> psutil.Process:
    """The main process of PostgreSQL."""
    with engine.connect() as connection:
        pid = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
    first = psutil.Process(pid).parent()
    assert first is not None, "a backend has the server above it"
    return first


def spent_by_server(first: psutil.Process) -> float:
    """CPU seconds of the server and its children (one per connection), including children that have ended."""
    spent = first.cpu_times()
    total = spent.user + spent.system + spent.children_user + spent.children_system
    for child in first.children():
        with contextlib.suppress(psutil.NoSuchProcess):
            total += read_cpu(child)
    return float(total)


@contextlib.contextmanager
def second_web(service: Service) -> Iterator[tuple[int, int]]:
    """Starts another web process on the same store and data directory; yields its port and its id."""
    port = find_port("127.0.0.1", 0)
    environment = {"REJOINDER_DATA_DIR": str(service.data_dir), "REJOINDER_FEEDBACK__PORT": str(port)}
    process = subprocess.Popen(
        [sys.executable, "-m", "commands.up.web"],
        cwd=ROOT,
        env={**os.environ, **service.environment, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + START_LIMIT_S
        while True:
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=5).status_code == 200:
                    break
            assert process.poll() is None and time.monotonic() < deadline, "the second web did not start"
            time.sleep(0.2)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait(timeout=60)


def prepare_sets(service: Service, count: int) -> list[dict[str, Any]]:
    with service.client() as client, ThreadPoolExecutor(4) as pool:
        return list(
            pool.map(
                lambda number: read_suggestions(
                    client, open_customer_turn(client, f"Where is order {number}?")["turn_id"]
                ),
                range(count),
            )
        )


def judge_all(service: Service, ports: Sequence[int], sets: list[dict[str, Any]]) -> float:
    """Judgements acknowledged per second by WRITERS connections, distributed over these ports."""
    shares = [(ports[start % len(ports)], sets[start::WRITERS]) for start in range(WRITERS)]
    started = time.perf_counter()
    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(lambda share: judge_share(service, *share), shares))
    return len(sets) / (time.perf_counter() - started)


def judge_share(service: Service, port: int, sets: list[dict[str, Any]]) -> None:
    with ServiceCaller(service, port) as caller:
        for shown in sets:
            caller.pick(shown, "bench")


def poll_queue(service: Service, ended: threading.Event) -> None:
    with service.client() as client:
        while not ended.wait(0.1):
            client.get("/v1/queue").raise_for_status()


def commit_all(engine: Engine, count: int) -> float:
    """Bare commits per second with the number of writers that `judge_all` has."""

    def commit_share(share: int) -> None:
        for _ in range(share):
            with unit_of_work(engine) as session:
                session.execute(text("INSERT INTO bench_commit (body) VALUES (:body)"), {"body": ROW})

    started = time.perf_counter()
    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(commit_share, [count // WRITERS] * WRITERS))
    return count // WRITERS * WRITERS / (time.perf_counter() - started)


if __name__ == "__main__":
    main()
