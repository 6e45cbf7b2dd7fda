"""The simulation behind bench.gate: its arrays say the same as the parts they stand for."""

import numpy as np
import pytest

from bench.bounds import bound_all, draw_counts
from bench.gate import exact_stop
from bench.histories import Team, count_by_agent, draw_histories
from bench.verdicts import (
    NEVER,
    e_values,
    find_harm,
    find_pooled_harm,
    first_true,
    judge_histories,
    median_of,
    share_of,
)
from feedback.experiments.adjusted_share import fit_sheet
from feedback.experiments.harm_test import weigh_harm
from feedback.experiments.rollout_rule import RolloutPolicy
from feedback.experiments.sequential_tests import ENOUGH, e_better, e_harm, e_value


def draw(team, histories=4, picks=400, seed=3):
    return draw_histories(np.random.default_rng(seed), team, histories, picks)


def test_e_values_over_arrays():
    won, n = np.array([[0, 5], [60, 430]]), np.array([[0, 10], [100, 800]])
    expected = [
        [e_value(int(k), int(m)) for k, m in zip(*row, strict=True)] for row in zip(won, n, strict=True)
    ]
    assert e_values(won, n) == pytest.approx(np.array(expected))


def test_histories_have_two_cards_of_each_arm_and_the_share_asked_for():
    drawn = draw(Team(6, share=0.6, slot_sd=0.0, length_sd=0.0, length_liking=0.0), picks=3000)
    assert (drawn.tuned.sum(axis=-1) == 2).all()
    assert drawn.won.mean() == pytest.approx(0.6, abs=0.02)
    won, made = count_by_agent(drawn, np.array([10, 3000]))
    assert (made[:, 0].sum(axis=-1) == 10).all()
    assert (won[:, 1].sum(axis=-1) == drawn.won.sum(axis=-1)).all()
    assert 3 < made[:, 1, 5].sum() / made[:, 1, 0].sum() < 5  # the busiest over the quietest


def test_the_sheet_of_a_history_fits_what_was_drawn():
    drawn = draw(
        Team(6, share=0.7, length_liking=1.0, length_sd=0.0, first_slot=0.5, slot_sd=0.0), picks=4000
    )
    adjusted = fit_sheet(drawn.lay_out(0, 4000))
    values = {name: coefficient.value for name, coefficient in adjusted.coefficients.items()}
    assert adjusted.share == pytest.approx(0.7, abs=0.03) and adjusted.agents == 6
    assert values["log_length"] == pytest.approx(1.0, abs=0.15)
    assert [values[f"slot_{slot}"] for slot in (1, 2, 3)] == pytest.approx([-0.5] * 3, abs=0.15)


def test_verdicts_come_at_analyses_and_none_after_a_rollback():
    policy = RolloutPolicy()
    good, bad = (judge_histories(draw(Team(6, share=share)), policy, 50) for share in (0.7, 0.3))
    assert (good.went_live <= 200).all() and (good.went_live % 50 == 0).all()
    assert (good.went_live >= np.maximum(good.plain, policy.min_picks)).all()
    assert (good.rolled_back == NEVER).all()
    assert (bad.went_live == NEVER).all() and (bad.rolled_back < 200).all()


def test_harm_is_found_where_the_product_finds_it():
    drawn = draw(Team(5, share=0.36, taste_sd=0.1), histories=6, picks=200)
    counts = [count_by_agent(drawn, np.array([n])) for n in range(1, 201)]

    def first_at(history, weigh):
        looks = ((won[history, 0].tolist(), made[history, 0].tolist()) for won, made in counts)
        return next((n for n, look in enumerate(looks, 1) if weigh(*look) >= ENOUGH), NEVER)

    found = [
        first_at(history, lambda won, made: weigh_harm(zip(won, made, strict=True))) for history in range(6)
    ]
    pooled = [first_at(history, lambda won, made: e_harm(sum(won), sum(made))) for history in range(6)]
    assert find_harm(drawn, ENOUGH).tolist() == found
    assert find_pooled_harm(drawn, ENOUGH).tolist() == pooled
    assert NEVER in found and min(found) < 200


def test_adapters_that_are_no_worse_seldom_leave_where_tastes_differ():
    drawn = draw(Team(8, taste_sd=0.1), histories=300, picks=800, seed=5)
    assert share_of(find_harm(drawn, ENOUGH))[0] <= 0.05
    assert share_of(find_pooled_harm(drawn, ENOUGH))[0] >= 0.1  # as if all picks were of one mind


def test_first_share_and_median():
    hits = np.array([[False, True, True], [False, False, False]])
    assert first_true(hits, np.array([10, 20, 30])).tolist() == [20, NEVER]
    assert share_of(np.array([20, NEVER, 30, NEVER])) == (0.5, 0.25)
    assert median_of(np.arange(1, 102)) == (51.0, 5.0)
    assert median_of(np.array([5, NEVER, NEVER])) == (None, None)


def test_exact_power_is_that_of_all_paths():
    """At a limit of 1.2 crossings come early: nothing is left undecided, and the median is a run of wins."""
    assert exact_stop(0.9, 1.2) == (
        pytest.approx(1.0),
        next(n for n in range(1, 20) if e_better(n, n) >= 1.2),
    )


def test_bounds_of_every_kind_are_ordered_by_caution_and_reproducible():
    team = Team(6, taste_sd=0.1)
    won, made = draw_counts(np.random.default_rng(1), team, 250, 600, 4.0)
    first, again = (bound_all(np.random.default_rng(2), won, made, 0.99) for _ in range(2))
    assert (first["bootstrap"] == again["bootstrap"]).all()
    assert (first["sandwich_z"] > first["cr1_t"]).all()
    assert first["cr1_t"].mean() > first["cr2_t"].mean() > first["chosen"].mean()
    assert (first["wilson"] >= first["chosen"] - 1e-12).all()
