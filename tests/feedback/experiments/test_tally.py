"""The figures of one count, worked out apart from it."""

import numpy as np
import pytest
from scipy.stats import binomtest, norm

from feedback.experiments.sequential_tests import e_better, e_harm, wilson_end
from feedback.experiments.tally import Tally


def test_ties_are_half_in_the_rate_and_nothing_in_the_evidence():
    tally = Tally(30, 6, 4)
    assert (tally.counted, tally.decided, tally.rate, tally.grade) == (40, 36, 32 / 40, "success")
    low, high = binomtest(32, 40).proportion_ci(0.95, method="wilson")
    assert tally.interval == pytest.approx((low, high), abs=1e-6)
    assert (tally.e_better, tally.e_harm) == (e_better(30, 36), 0.0)
    assert Tally(6, 30, 4).e_harm == e_harm(6, 36) == tally.e_better


def test_nothing_counted_has_no_rate():
    assert Tally().to_json() == {
        "rate": None,
        "low": 0.0,
        "high": 1.0,
        "band": None,
        "counted": 0,
        "won": 0,
        "lost": 0,
        "tied": 0,
    }


def test_its_counts_have_the_names_that_a_page_gives_them():
    told = Tally(2, 1, 1).to_json(won="tuned", lost="base", tied="halves")
    assert list(told) == ["rate", "low", "high", "band", "counted", "tuned", "base", "halves"]
    assert [told[name] for name in ("rate", "counted", "tuned", "base", "halves")] == [0.625, 4, 2, 1, 1]


def test_one_formula_of_wilson_holds_for_numbers_and_arrays():
    z = norm.ppf(0.99)
    share, n = np.array([0.5, 0.8]), np.array([10.0, 40.0])
    ends = wilson_end(share, n, z=-z, sqrt=np.sqrt)
    assert ends == pytest.approx([wilson_end(0.5, 10, z=-z), wilson_end(0.8, 40, z=-z)])
    expected = [binomtest(k, m).proportion_ci(0.98, method="wilson").low for k, m in ((5, 10), (32, 40))]
    assert ends == pytest.approx(expected)
