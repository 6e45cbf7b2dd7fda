"""Axes and lines, worked out by hand."""

import pytest

from feedback.console.charts import HEIGHT, LEFT, MARGIN, MAX_POINTS, WIDTH, set_up, thin, widen_range


def test_a_line_runs_from_corner_to_corner_of_its_axes():
    axes = set_up([1, 2], [0.2, 0.8], least_span=0.1)
    assert (axes.low, axes.high) == pytest.approx((0.2, 0.8))
    assert [tick.words for tick in axes.ticks] == ["0.2", "0.4", "0.6", "0.8"]
    line = axes.trace("train", [(1, 0.8), (2, 0.2)])
    assert line.points == f"{LEFT + MARGIN},{MARGIN} {WIDTH - MARGIN},{HEIGHT - MARGIN}"
    assert line.dots == ((WIDTH - MARGIN, HEIGHT - MARGIN),)


def test_noise_makes_no_mountain():
    """A hundred-thousandth on an axis of a tenth is less than a hundredth of a pixel."""
    axes = set_up([1, 2, 3], [1.0, 1.00001, 1.0], least_span=0.1)
    assert axes.high - axes.low >= 0.1 - 1e-9
    assert abs(axes.y(1.0) - axes.y(1.00001)) <= 0.1  # as drawn, rounded to a tenth of a pixel
    assert axes.low < 1.0 < axes.high


@pytest.mark.parametrize(
    ("low", "high", "least", "bounds", "expected"),
    [
        (0.5, 0.5, 0.2, (None, None), (0.4, 0.6)),
        (0.98, 1.0, 0.2, (0.0, 1.0), (0.8, 1.0)),
        (0.0, 0.01, 0.2, (0.0, 1.0), (0.0, 0.2)),
        (0.1, 0.9, 0.2, (0.0, 1.0), (0.1, 0.9)),
        (0.0, 1.0, 2.0, (0.0, 1.0), (0.0, 1.0)),
    ],
)
def test_an_axis_has_its_least_span_within_its_bounds(low, high, least, bounds, expected):
    assert widen_range(low, high, least, bounds) == pytest.approx(expected)


def test_one_value_stands_in_the_middle_of_its_line():
    axes = set_up([7], [0.5], least_span=0.2)
    assert axes.x(7) == (LEFT + WIDTH) / 2 and axes.y(0.5) == HEIGHT / 2


def test_shares_are_said_in_percent():
    assert [tick.words for tick in set_up([0, 1], [0, 1], least_span=0.2, is_share=True).ticks] == [
        "0 %", "50 %", "100 %"
    ]  # fmt: skip


def test_a_long_line_is_thinned_and_keeps_its_last_point():
    kept = thin([(step, float(step)) for step in range(1, 1001)])
    assert len(kept) <= MAX_POINTS and kept[-1] == (1000, 1000.0)
