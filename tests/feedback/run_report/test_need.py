"""A forecast beside what was measured; sums and shares by hand."""

import pytest

from feedback.run_report.need import GIB, describe_need, read_need
from feedback.store.runs import Metric
from tests.feedback.run_report.runs import train_run

TOLD = {
    "memory_program": [(0, 0.5 * GIB)],
    "memory_weights": [(0, 1.0 * GIB)],
    "memory_gradients": [(0, 0.0)],
    "memory_optimizer": [(0, 0.125 * GIB)],
    "memory_activations": [(0, 0.375 * GIB)],
    "seconds_forecast": [(0, 300.0)],
}
TAKEN = {"memory_peak": [(9, 1.75 * GIB)], "seconds_taken": [(9, 360.0)]}


def test_what_was_told_and_what_was_taken():
    need = read_need(TOLD | TAKEN)
    assert need["memory"] == {"forecast": 2 * GIB, "measured": 1.75 * GIB, "off": -0.125}
    assert need["parts"]["activations"] == 0.375 * GIB
    assert abs(need["seconds"]["off"] - 0.2) < 1e-12
    assert describe_need(need) == (
        "forecast 2.00 GiB, measured 1.75 GiB (12 % below); forecast 5 min, measured 6 min (20 % above)"
    )


def test_a_run_that_was_killed_has_what_it_was_told():
    need = read_need(TOLD)
    assert need["memory"] == {"forecast": 2 * GIB, "measured": None, "off": None}
    assert describe_need(need) == "forecast 2.00 GiB; forecast 5 min"


def test_a_run_without_a_forecast_has_none():
    assert read_need({"loss": [(1, 0.5)]}) is None
    assert read_need(TAKEN) is None


@pytest.mark.parametrize(
    ("language", "memory", "time"),
    [
        (
            "en",
            "Memory: forecast 2.00 GiB, measured 1.75 GiB (12",
            "Time: forecast 5.0 min, measured 6.0 min (20",
        ),
        ("zh", "内存：预计 2.00 GiB，实测 1.75 GiB（低 12", "时间：预计 5.0 分钟，实测 6.0 分钟（高 20"),
    ],
    ids=["en", "zh"],
)
def test_both_pages_of_a_run_put_the_forecast_beside_what_was_measured(sqlite_desk, language, memory, time):
    numbers = [Metric(name, *points[0]) for name, points in (TOLD | TAKEN).items()]
    run_id = train_run(sqlite_desk.engine, seconds={"collect": 1.0, "train": 9.0}, numbers=numbers)
    client = sqlite_desk.app.test_client()
    headers = {"Authorization": f"Bearer {sqlite_desk.tokens['expert']}", "Accept-Language": language}
    for path in (f"/console/runs/{run_id}", f"/console/runs/{run_id}/report"):
        page = client.get(path, headers=headers).text
        assert memory in page and time in page, path
