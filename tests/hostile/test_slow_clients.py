"""A hundred clients that mean no good, against the service as `up` starts it: everybody else is served."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.instance import Service, running_on_fake
from bench.load import open_visits
from bench.pages import open_pages
from bench.torture import (
    HALF,
    MESSAGES,
    SLOW_BODY,
    attacking,
    kill_each,
    post_until_stored,
    probe,
    wait_until,
)

pytestmark = pytest.mark.real  # up, web and trainer as processes
CLIENTS = 100


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running_on_fake(tmp_path_factory.mktemp("hostile") / "var") as (service, _):
        yield service


@pytest.mark.parametrize(
    ("first", "drip"),
    [(HALF, b""), (b"", b""), (SLOW_BODY, b"x"), (b"GET / HTTP/1.1\r\nX-Slow: ", b"x")],
    ids=["half a request line", "silence", "a dripping body", "a dripping head"],
)
def test_slow_clients_are_shown_out_and_nobody_waits(service: Service, first: bytes, drip: bytes) -> None:
    with attacking(service.port, CLIENTS, first, drip) as attack:
        assert len(probe(service, 5)) == 10
        wait_until(lambda: attack.closed == CLIENTS)


def test_idle_pages_cost_nobody_an_answer_and_hear_what_is_new(service: Service) -> None:
    visits = open_visits(service, CLIENTS)
    with open_pages(service.port, visits) as pages:
        assert len(probe(service, 5)) == 10
        said = [post_until_stored(service, id, "Hello?") for id, _ in visits[:10]]
        wait_until(lambda: pages.seen.keys() >= {*said})
        assert pages.open == CLIENTS


def test_killing_any_process_loses_nothing_that_was_acknowledged(service: Service) -> None:
    kill_beside_pages(service)


def test_nor_does_it_on_postgresql(tmp_path: Path, postgres_database: str) -> None:
    named = {"REJOINDER_FEEDBACK__DATABASE_URL": postgres_database}
    with running_on_fake(tmp_path / "var", **named) as (service, _):
        kill_beside_pages(service)


def kill_beside_pages(service: Service) -> None:
    visits = open_visits(service, CLIENTS)
    with open_pages(service.port, visits) as pages:
        assert kill_each(service, visits, pages) >= 6 * MESSAGES
