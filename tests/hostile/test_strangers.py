"""A thousand conversations opened by one client without a token: an app's are taken meanwhile."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from bench.instance import Service, new_event, running_on_fake
from bench.load import open_visits
from bench.torture import open_as_strangers, probe

pytestmark = pytest.mark.real  # up, web and trainer as processes
CLIENTS, EACH = 100, 10


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running_on_fake(tmp_path_factory.mktemp("strangers") / "var") as (service, _):
        yield service


def test_openings_of_one_stranger_are_refused_and_an_apps_are_all_taken(service: Service) -> None:
    """Without a cookie one address is one visitor: five conversations that wait, whatever the minute."""
    with ThreadPoolExecutor(1) as aside:
        spam = aside.submit(open_as_strangers, service, CLIENTS, EACH)
        open_visits(service, 50)  # asserts that each was taken
        assert len(probe(service, 5)) == 10
        found = spam.result()
    assert found[201] == 5
    assert found.keys() <= {201, 409, 429} and found[429] > CLIENTS * EACH / 2


def test_customers_of_an_app_write_while_strangers_are_refused(service: Service) -> None:
    with ThreadPoolExecutor(1) as aside:
        spam = aside.submit(open_as_strangers, service, CLIENTS, EACH)
        for id, token in open_visits(service, 20):
            answer = httpx.post(
                f"{service.url}/v1/conversations/{id}/messages",
                json={"event_id": new_event(), "role": "customer", "text": "Are you there?"},
                headers={"Authorization": f"Bearer {token}"},
                timeout=30,
            )
            assert answer.status_code == 201, answer.text
        assert spam.result()[429] > 0
