"""Fixtures shared by all tests; each part brings its own module."""

import pytest

pytest_plugins = ["tests.compiled", "tests.databases", "tests.engines"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files begin, so that where some run side by side none is left over at the end."""
    items.sort(key=lambda item: not item.nodeid.startswith(("tests/trainer/", "tests/test_")))
