"""Figures by tag, worked out by hand."""

from dataclasses import replace
from math import log

import numpy as np
import pytest

from tests.trainer.evaluation.test_baselines import offer
from trainer.evaluation.by_tag import measure_by_tag
from trainer.recipes.tag_weights import TagWeight


def test_each_tag_has_its_own_choices_and_one_without_any_has_none():
    offers = [
        replace(offer(4, 0, conversation="c1"), tags=("a/x",)),
        replace(offer(2, 1, conversation="c2"), tags=("a", "b")),
        offer(2, 0, conversation="c3"),
    ]
    logits = [np.log([0.5, 0.2, 0.2, 0.1]), np.log([0.75, 0.25]), np.log([0.5, 0.5])]
    weights = {
        "a": TagWeight(weight=2, strings=("a", "a/x")),
        "b": TagWeight(weight=0.5),
        "c": TagWeight(weight=1),
    }
    found = measure_by_tag(offers, logits, weights, seed=0)
    assert [(one.weight, one.n, one.conversations) for one in found.values()] == [
        (2, 2, 2),
        (0.5, 1, 1),
        (1, 0, 0),
    ]
    # ln 4 - ln 2 gained on the first, ln 2 - ln 4 lost on the second: nothing between them.
    assert found["a"].gain == pytest.approx(0.0)
    assert found["a"].gain_ci95 == pytest.approx((-log(2), log(2)))
    assert (found["b"].uniform, found["b"].adapter) == pytest.approx((log(2), log(4)))
    assert found["b"].gain == pytest.approx(-log(2)) and found["b"].gain_ci95 is None
    assert found["c"].gain is None
