"""Each lock can be had for each Python that it is said to serve: the index is asked for each of its
wheels, as pip asks. Nothing is downloaded.

Without torch: its CPU builds lie in an index of their own, where `requirements/setup.sh` looks for them.
"""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name
from pip._internal.commands import create_command
from pip._internal.index.collector import parse_links
from pip._internal.index.package_finder import LinkEvaluator, LinkType
from pip._internal.models.link import Link
from pip._internal.models.target_python import TargetPython

pytestmark = pytest.mark.real

REQUIREMENTS = Path(__file__).resolve().parent.parent / "requirements"
PYTHONS = ((3, 11), (3, 12), (3, 13))

List = Callable[[str], list[Link]]


def read_pins(name: str) -> set[str]:
    lines = (REQUIREMENTS / name).read_text(encoding="utf-8").splitlines()
    return {line for line in lines if re.match(r"[A-Za-z0-9]", line) and not line.startswith("torch==")}


def split_pin(pin: str) -> tuple[str, str]:
    name, version = pin.split("==")
    return canonicalize_name(name.split("[")[0]), version


@contextmanager
def open_index() -> Iterator[List]:
    """What lists the files that the index has of a pin, where and through which proxy pip is told to ask."""
    command = create_command("download")
    options, _ = command.parse_args(["--retries", "2"])
    with command.main_context():
        collector = command._build_package_finder(
            options, command.get_default_session(options)
        )._link_collector

        def list_files(pin: str) -> list[Link]:
            name, version = split_pin(pin)
            places = [Link(f"{url.rstrip('/')}/{name}/") for url in collector.search_scope.index_urls]
            pages = [page for page in map(collector.fetch_response, places) if page is not None]
            return [link for page in pages for link in parse_links(page) if f"-{version}-" in link.filename]

        yield list_files


def has_wheel(pin: str, files: list[Link], python: tuple[int, int]) -> bool:
    name, _ = split_pin(pin)
    target = TargetPython(py_version_info=python)
    judge = LinkEvaluator(name, name, frozenset({"binary"}), target, allow_yanked=True)
    return any(judge.evaluate_link(link)[0] == LinkType.candidate for link in files)


def test_every_lock_resolves_for_every_python() -> None:
    pins = sorted(read_pins("cpu.txt") | read_pins("dev.txt") | read_pins("cuda.txt"))
    with open_index() as list_files:
        if not list_files(next(pin for pin in pins if pin.startswith("click=="))):
            pytest.skip("no package index can be reached")
        with ThreadPoolExecutor(8) as pool:
            files = dict(zip(pins, pool.map(list_files, pins), strict=True))
    missing = [(pin, python) for pin in pins for python in PYTHONS if not has_wheel(pin, files[pin], python)]
    assert missing == []
