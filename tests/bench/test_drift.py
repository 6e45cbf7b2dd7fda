"""What `bench.drift` and docs/evidence.md tell of drift, in small: a quiet month, and each planted shift."""

import numpy as np
import pytest

from bench.drift import PLANTS, count_until, watch_daily
from bench.made_up_days import MadeUpDesk
from feedback.drift.watched import QUANTITIES

# At 200 conversations a day, where the documents tell medians of 400 to 500.
CLEAR = {"replies": 900, "customers": 900, "language": 900, "tag": 900}


def test_a_quiet_month_raises_no_alarm():
    for seed in (1, 2):
        assert not any(watch_daily(MadeUpDesk(np.random.default_rng(seed), 200), 30))


def test_every_quantity_has_its_plant():
    assert set(PLANTS) == set(QUANTITIES)
    drawn = MadeUpDesk(np.random.default_rng(1), 200).draw_day(0)
    assert {name for name, _member in drawn} == set(QUANTITIES)


@pytest.mark.parametrize("name", PLANTS)
def test_a_planted_shift_is_told_within_so_many_conversations(name):
    needed = count_until(np.random.default_rng(3), 200, PLANTS[name])
    assert needed is not None and needed <= CLEAR.get(name, 28 * 250)
