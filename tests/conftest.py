"""Fixtures shared by all tests; each part brings its own module."""

import pytest
from hypothesis import HealthCheck, settings

# A machine that is busy makes examples slow, and says nothing of the code.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")

pytest_plugins = ["tests.compiled", "tests.databases", "tests.engines"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files begin, so that where some run side by side none is left over at the end."""
    items.sort(key=lambda item: not item.nodeid.startswith(("tests/trainer/", "tests/test_")))
    for item in items:
        if item.get_closest_marker("alone"):
            item.add_marker(pytest.mark.timeout(3600))  # minutes each, and many more beside the other tests


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says last of all where a test stood when its time was up: a build server may show no more than that."""
    reports = [*terminalreporter.getreports("failed"), *terminalreporter.getreports("error")]
    for report in reports:
        if "pytest-timeout" in report.longreprtext:
            terminalreporter.section(f"where the time of {report.nodeid} was up")
            terminalreporter.line("\n".join(report.longreprtext.splitlines()[-60:]))
