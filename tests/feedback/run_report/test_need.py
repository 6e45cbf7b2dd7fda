"""A forecast beside what was measured; sums and shares by hand."""

from feedback.run_report.need import GIB, describe_need, read_need

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
