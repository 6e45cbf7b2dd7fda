"""Acknowledged judgements per second over bare commits per second of the same database, readers present.

    python -m bench.capture [--judgements 400]

The web is the real one; suggestions come from the fake engine, which costs next to nothing.
Bare commits insert one row of a judgement's size per transaction through the same store engine (same
durability, same number of writers). Both run in turn, three times; the figure is the median of the ratios.
SQLite and PostgreSQL.
"""

import argparse
import http.client
import json
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any

from sqlalchemy import Engine, text

from bench.instance import Service, new_event, open_turn, read_suggestions, running_service
from bench.postgres import find_programs, running_postgres
from bench.report import print_report
from feedback.store.engine import open_engine, unit_of_work
from serving.client.fake import FakeEngine

WRITERS = 8
READERS = 2
ROUNDS = 3
ROW = "x" * 400  # about what a judgement and its message weigh


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--judgements", type=int, default=400, help="per round and database  [default: 400]")
    asked = parser.parse_args().judgements
    figures: dict[str, float | int | None] = {}
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'rejoinder.db'}"
        figures |= name_figures("sqlite", measure(Path(folder) / "sqlite", url, asked))
        programs = find_programs()
        if programs is None:
            print("PostgreSQL is not installed: its half is left out")
        else:
            with running_postgres(programs) as url:
                figures |= name_figures("postgresql", measure(Path(folder) / "postgresql", url, asked))
    notes = {
        name: "judgements acknowledged per second over bare commits per second"
        for name in figures
        if "ratio" in name
    }
    print_report("capture", figures, notes=notes)


def name_figures(database: str, rounds: list[tuple[float, float]]) -> dict[str, float | int | None]:
    return {
        f"commit_ratio_{database}": median(acks / commits for acks, commits in rounds),
        f"judgements_per_s_{database}": median(acks for acks, _ in rounds),
        f"commits_per_s_{database}": median(commits for _, commits in rounds),
    }


def measure(data_dir: Path, url: str, judgements: int) -> list[tuple[float, float]]:
    """(acknowledged judgements, bare commits) per second, round by round."""
    with FakeEngine() as fake:
        environment = {
            "REJOINDER_FEEDBACK__DATABASE_URL": url,
            "REJOINDER_SERVING__REPLICAS": json.dumps([fake.endpoint.url]),
            "REJOINDER_SERVING__API_KEY": fake.endpoint.api_key,
            "REJOINDER_SERVING__BACKEND": "cpu",
        }
        with running_service(data_dir, **environment) as service:
            engine = open_engine(url)
            with unit_of_work(engine) as session:
                session.execute(text("CREATE TABLE bench_commit (body TEXT)"))
            rounds = []
            for _ in range(ROUNDS):
                sets = prepare_sets(service, judgements)
                rounds.append((judge_all(service, sets), commit_all(engine, judgements)))
            engine.dispose()
            return rounds


def prepare_sets(service: Service, count: int) -> list[dict[str, Any]]:
    with service.client() as client, ThreadPoolExecutor(4) as pool:
        return list(
            pool.map(
                lambda number: read_suggestions(
                    client, open_turn(client, f"Where is order {number}?")["turn_id"]
                ),
                range(count),
            )
        )


def judge_all(service: Service, sets: list[dict[str, Any]]) -> float:
    """Judgements acknowledged per second by WRITERS connections, while READERS poll the queue."""
    ended = threading.Event()
    readers = [threading.Thread(target=poll_queue, args=(service, ended)) for _ in range(READERS)]
    for reader in readers:
        reader.start()
    shares = [sets[start::WRITERS] for start in range(WRITERS)]
    started = time.perf_counter()
    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(lambda share: judge_share(service, share), shares))
    spent = time.perf_counter() - started
    ended.set()
    for reader in readers:
        reader.join()
    return len(sets) / spent


def judge_share(service: Service, sets: list[dict[str, Any]]) -> None:
    """One keep-alive connection of the standard library: the client shares the cores with the service."""
    connection = http.client.HTTPConnection("127.0.0.1", service.port)
    headers = {"Authorization": f"Bearer {service.token}", "Content-Type": "application/json"}
    for shown in sets:
        candidate = next(each for each in shown["candidates"] if each["state"] == "ready")
        body = {
            "event_id": new_event(),
            "kind": "pick",
            "candidate_id": candidate["candidate_id"],
            "agent": "bench",
        }
        connection.request("POST", f"/v1/sets/{shown['set_id']}/judgements", json.dumps(body), headers)
        answer = connection.getresponse()
        said = answer.read()
        assert answer.status == 201, said
    connection.close()


def poll_queue(service: Service, ended: threading.Event) -> None:
    with service.client() as client:
        while not ended.wait(0.1):
            client.get("/v1/queue").raise_for_status()


def commit_all(engine: Engine, count: int) -> float:
    """Bare commits per second by as many writers."""

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
