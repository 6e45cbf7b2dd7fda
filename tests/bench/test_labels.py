"""What `bench.labels` and docs/labelling.md tell, in small: made-up people, and real ones where they are."""

import numpy as np
import pytest

from bench.labels import GOLD_ITEMS, make_crowd, measure_labelling, read_stc3
from tests.feedback.labelling.stc3 import FILE, needs_stc3


@pytest.fixture(scope="module")
def made_up():
    rng = np.random.default_rng(2)
    return measure_labelling(make_crowd(rng, 1_000 + GOLD_ITEMS), 1_000, rng, 60)


@pytest.fixture(scope="module")
def real():
    return measure_labelling(read_stc3(FILE), 1_000, np.random.default_rng(2), 60)


def hold_goals(figures):
    assert figures["gain_over_majority"] >= 0.03
    assert figures["labels_per_item"] <= 2.7
    assert figures["labels_to_find_bad"] <= 80
    assert figures["paused_others"] <= 1
    assert figures["spot_check_gain"] >= 1.3
    assert figures["spot_check_coverage"] >= 0.85


def test_made_up_people_come_to_more_right_answers_with_fewer_labels(made_up):
    hold_goals(made_up)


@needs_stc3
def test_real_people_do_too(real):
    hold_goals(real)
