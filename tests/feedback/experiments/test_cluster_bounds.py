"""The bound of a share by agent: by hand, and against plain loops."""

import math
import random

import numpy as np
import pytest
from scipy import stats

from feedback.experiments.cluster_bounds import WithoutAgent, leave_one_out, share_bound


def test_two_agents_by_hand():
    """60 and 80 of 100 each: 70 %; without one 80 or 60 %; variance (0.1^2 + 0.1^2) / 2; t_1(0.75) = 1."""
    assert share_bound([60, 80], [100, 100], confidence=0.75) == pytest.approx(0.7 - 0.1)
    assert (
        share_bound([60, 80], [100, 100], confidence=0.99) == 0.0
    )  # t_1(0.99) = 31.8: two agents prove nothing


def jackknife_bound(won, made, confidence):
    pairs = [(k, n) for k, n in zip(won, made, strict=True) if n]
    total_won, total = sum(k for k, _ in pairs), sum(n for _, n in pairs)
    share = total_won / total
    squares = 0.0
    for k, n in pairs:
        squares += ((total_won - k) / (total - n) - share) ** 2
    error = math.sqrt((len(pairs) - 1) / len(pairs) * squares)
    clustered = share - stats.t.ppf(confidence, len(pairs) - 1) * error
    z = stats.norm.ppf(confidence)
    # Wilson's end is where the distance from the share is z standard errors of that end.
    low, high = 0.0, share
    for _ in range(100):
        middle = (low + high) / 2
        far = share - middle > z * math.sqrt(middle * (1 - middle) / total)
        low, high = (middle, high) if far else (low, middle)
    return max(0.0, min(clustered, low))


def test_the_bound_is_that_of_plain_loops():
    draw = random.Random(5)
    for _ in range(50):
        made = [draw.choice((0, 3, 20, 80)) for _ in range(draw.randint(3, 12))] + [40, 60]
        won = [draw.randint(0, n) for n in made]
        confidence = draw.choice((0.9, 0.95, 0.99))
        expected = jackknife_bound(won, made, confidence)
        assert share_bound(won, made, confidence=confidence) == pytest.approx(expected, abs=1e-9)


def test_agents_who_agree_prove_no_more_than_their_picks():
    won, made = [60] * 10, [100] * 10
    assert share_bound(won, made, confidence=0.99) == pytest.approx(0.5634, abs=5e-4)  # Wilson, 600 of 1,000
    assert share_bound([30, 90] * 5, made, confidence=0.99) < 0.5


def test_whole_histories_at_once_give_the_same():
    won, made = (
        np.array([[[3, 9, 5], [30, 90, 50]], [[1, 2, 0], [9, 9, 0]]]),
        np.array([[[10, 10, 10], [100, 100, 100]], [[10, 10, 0], [10, 10, 0]]]),
    )
    bounds = share_bound(won, made, confidence=0.8)
    assert bounds.shape == (2, 2)
    assert [[float(share_bound(k, n, confidence=0.8)) for k, n in zip(*each, strict=True)]
            for each in zip(won, made, strict=True)] == bounds.tolist()  # fmt: skip


@pytest.mark.parametrize(("won", "made"), [([], []), ([0], [0]), ([9], [10]), ([9, 0], [10, 0])])
def test_one_agent_or_no_pick_bounds_nothing(won, made):
    assert share_bound(won, made, confidence=0.99) == 0.0


def test_the_agent_on_whom_the_win_hangs_comes_first():
    found = leave_one_out(["ann", "ben", "cy", "dee"], [90, 10, 5, 0], [100, 20, 10, 0])
    assert found == [
        WithoutAgent("ann", 100, 0.9, 15 / 30),
        WithoutAgent("cy", 10, 0.5, 100 / 120),
        WithoutAgent("ben", 20, 0.5, 95 / 110),
    ]
    assert leave_one_out(["ann"], [9], [10]) == [WithoutAgent("ann", 10, 0.9, None)]
