"""Prints which of these pins the index has no wheel of, and for which Python:

    python -m tests.wheels 3.11,3.12 click==8.3.0

The index is asked once for the files of each pin, where and through which proxy pip is told to; nothing is
downloaded. In a process of its own, since pip's parts are not made for another one.
"""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from packaging.utils import canonicalize_name
from pip._internal.commands import create_command
from pip._internal.index.collector import parse_links
from pip._internal.index.package_finder import LinkEvaluator, LinkType
from pip._internal.models.link import Link
from pip._internal.models.target_python import TargetPython


def split_pin(pin: str) -> tuple[str, str]:
    name, version = pin.split("==")
    return canonicalize_name(name.split("[")[0]), version


def list_files(collector: Any, pin: str) -> list[Link]:
    name, version = split_pin(pin)
    places = [Link(f"{url.rstrip('/')}/{name}/") for url in collector.search_scope.index_urls]
    pages = [page for page in map(collector.fetch_response, places) if page is not None]
    return [link for page in pages for link in parse_links(page) if f"-{version}-" in link.filename]


def has_wheel(pin: str, files: list[Link], python: str) -> bool:
    name, _ = split_pin(pin)
    target = TargetPython(py_version_info=tuple(map(int, python.split("."))))
    judge = LinkEvaluator(name, name, frozenset({"binary"}), target, allow_yanked=True)
    return any(judge.evaluate_link(link)[0] == LinkType.candidate for link in files)


def list_missing(pythons: list[str], pins: list[str]) -> Iterator[str]:
    command = create_command("download")
    options, _ = command.parse_args(["--retries", "2"])
    with command.main_context():
        session = command.get_default_session(options)
        collector = command._build_package_finder(options, session)._link_collector
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda pin: list_files(collector, pin), pins))
    for pin, files in zip(pins, found, strict=True):
        yield from (f"{pin} {python}" for python in pythons if not has_wheel(pin, files, python))


if __name__ == "__main__":
    sys.stdout.writelines(f"{line}\n" for line in list_missing(sys.argv[1].split(","), sys.argv[2:]))
