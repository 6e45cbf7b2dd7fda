"""One whole Rejoinder for all loop tests, in the order of their files: the circle first, then the kills."""

from collections.abc import Iterator

import pytest

from bench.instance import Service, running_service


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running_service(tmp_path_factory.mktemp("loop") / "var") as running:
        yield running
