"""The time that the service adds to a suggestion set: a set through HTTP compared to the same two requests
sent directly to vLLM.

    python -m bench.suggest [--sets 60]

Each set is generated through the service (from posting the conversation to reading the candidates). Then the
two requests recorded in the store, with their seeds, go directly to vLLM in parallel, and one of their
replies alone. The same seeds give the same texts, so each ratio compares equal work. Sets with a resample are
counted and left out of the ratios.
"""

import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import httpx
from sqlmodel import Session

from bench.adapters import make_adapter
from bench.instance import Service, open_customer_turn, post_event, read_suggestions, running_service
from bench.report import make_parser, print_report
from demo.prompts import fresh_prompts
from feedback.store.engine import open_engine
from feedback.store.tables import SuggestionSet
from serving.client.client import Completions, Sampling
from serving.client.endpoint import read_endpoints
from serving.client.fleet import Fleet
from serving.settings import ServingSettings

WARM_UP = 5


@dataclass(frozen=True)
class SuggestRound:
    """Timings of one round, in seconds."""

    service: float
    raw_set: float
    raw_one: float
    resampled: bool


def main() -> None:
    parser = make_parser(__doc__)
    parser.add_argument("--sets", type=int, default=60, help="sets measured  [default: 60]")
    sets = parser.parse_args().sets
    with tempfile.TemporaryDirectory() as folder, running_service(Path(folder) / "var") as service:
        rounds = measure_sets(service, sets)
    clean = [each for each in rounds if not each.resampled]
    over_one = median(each.service / each.raw_one for each in clean)
    raw_over_one = median(each.raw_set / each.raw_one for each in clean)
    print_report(
        "suggest",
        {
            "overhead_ratio": median(each.service for each in clean) / median(each.raw_set for each in clean),
            "four_over_one_ratio": over_one / raw_over_one,
            "redraw_share": 1 - len(clean) / len(rounds),
            "service_ms": 1000 * median(each.service for each in clean),
            "raw_set_ms": 1000 * median(each.raw_set for each in clean),
            "raw_one_ms": 1000 * median(each.raw_one for each in clean),
        },
        notes={
            "overhead_ratio": "median set through the service / median of its two requests straight to vLLM",
            "four_over_one_ratio": "set over one reply, by raw vLLM's own such ratio",
            "redraw_share": "sets in which equal texts were generated again",
        },
    )


def measure_sets(service: Service, sets: int) -> list[SuggestRound]:
    database = f"sqlite:///{service.data_dir / 'rejoinder.db'}"
    adapter = make_adapter(service.data_dir, database, seed=1)
    settings = ServingSettings(data_dir=service.data_dir)
    fleet = Fleet.from_endpoints(read_endpoints(settings, service.data_dir), settings)
    rounds: list[SuggestRound] = []
    with service.client() as client, ThreadPoolExecutor(2) as pool:
        post_event(client, f"/v1/adapters/{adapter}/promote", reason="bench")
        for messages in fresh_prompts(sets + WARM_UP, seed=11):
            text = next(m["content"] for m in reversed(messages) if m["role"] == "user")
            started = time.perf_counter()
            set_id = generate_through_service(client, text)
            through = time.perf_counter() - started
            with Session(open_engine(database)) as session:
                row = session.get_one(SuggestionSet, set_id)
            first = [request for request in row.requests if not request["replaces"]]
            started = time.perf_counter()
            list(pool.map(lambda request, row=row: generate_raw(fleet, row, request), first))
            raw_set = time.perf_counter() - started
            started = time.perf_counter()
            generate_raw(fleet, row, {**first[0], "n": 1})
            raw_one = time.perf_counter() - started
            rounds.append(SuggestRound(through, raw_set, raw_one, resampled=len(row.requests) > len(first)))
    return rounds[WARM_UP:]


def generate_through_service(client: httpx.Client, text: str) -> str:
    shown = read_suggestions(client, open_customer_turn(client, text)["turn_id"])
    assert shown["state"] == "ready", shown
    return str(shown["set_id"])


def generate_raw(fleet: Fleet, row: SuggestionSet, request: dict[str, object]) -> Completions:
    return fleet.generate(
        model=str(row.adapter if request["arm"] == "tuned" else fleet.base_name),
        messages=row.messages,
        sampling=Sampling(**row.sampling),
        seed=int(str(request["seed"])),
        n=int(str(request["n"])),
        chat_template_kwargs=row.chat_template_kwargs,
    )


if __name__ == "__main__":
    main()
