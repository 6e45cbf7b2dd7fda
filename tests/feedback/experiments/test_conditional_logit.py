"""The one fit against a likelihood in plain loops, climbed by Newton steps of differences."""

import math
import random
from itertools import chain

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from feedback.experiments.conditional_logit import ChoiceRows, find_starts, fit_logit


def draw_groups(seed, n=60, columns=3):
    """Groups of two to four rows, one in five with two rows chosen, with weights and a fixed part."""
    draw = random.Random(seed)
    groups = []
    for _ in range(n):
        size = draw.randint(2, 4)
        x = [[draw.gauss(0, 1) for _ in range(columns)] for _ in range(size)]
        chosen = set(draw.sample(range(size), 2 if size > 2 and draw.random() < 0.2 else 1))
        groups.append((x, chosen, draw.choice((0.5, 1.0, 3.0)), [draw.gauss(0, 1) for _ in x]))
    return groups


def lay_out(groups, make=np.array):
    return ChoiceRows(
        x=make([row for x, *_ in groups for row in x]),
        starts=find_starts(len(x) for x, *_ in groups),
        chosen=np.array([place in chosen for x, chosen, *_ in groups for place in range(len(x))]),
        weights=np.array([weight for _, _, weight, _ in groups]),
        fixed=np.array(list(chain.from_iterable(fixed for *_, fixed in groups))),
    )


def loss_of(groups, b, precision):
    loss = precision * sum(value * value for value in b) / 2
    for x, chosen, weight, fixed in groups:
        powers = [
            math.exp(sum(map(float.__mul__, row, b)) + more) for row, more in zip(x, fixed, strict=True)
        ]
        loss -= weight * math.log(sum(powers[place] for place in chosen) / sum(powers))
    return loss


def climb(groups, precision, columns=3, step=1e-4):
    """Newton's method with slopes and curvatures by differences."""
    b = np.zeros(columns)
    unit = step * np.eye(columns)

    def loss(at):
        return loss_of(groups, [float(value) for value in at], precision)

    for _ in range(8):
        slope = np.array([(loss(b + e) - loss(b - e)) / (2 * step) for e in unit])
        curvature = np.array(
            [
                [
                    (loss(b + e + f) - loss(b + e - f) - loss(b - e + f) + loss(b - e - f)) / (4 * step**2)
                    for f in unit
                ]
                for e in unit
            ]
        )
        b = b - np.linalg.solve(curvature, slope)
    return b


@pytest.mark.parametrize(("seed", "precision"), [(1, 0.0), (2, 0.04), (3, 1.0)])
@pytest.mark.parametrize("make", [np.array, csr_matrix])
def test_the_fit_is_the_top_of_the_likelihood_in_plain_loops(seed, precision, make):
    groups = draw_groups(seed)
    assert sum(len(chosen) > 1 for _, chosen, *_ in groups) > 5
    found = fit_logit(lay_out(groups, make), precision=precision)
    assert found == pytest.approx(climb(groups, precision), abs=1e-6)
    assert np.abs(found).max() > 0.05


def test_what_never_loses_stops_at_the_bound_and_what_never_wins_at_the_other():
    rows = ChoiceRows(np.array([[1.0], [0.0]] * 5), find_starts([2] * 5), np.array([True, False] * 5))
    assert fit_logit(rows, bounds=(0.0, 3.0)) == pytest.approx([3.0])
    lost = ChoiceRows(rows.x, rows.starts, ~rows.chosen)
    assert fit_logit(lost, bounds=(0.0, 3.0)) == pytest.approx([0.0])


def test_three_wins_in_four_are_log_odds_of_three_and_weights_are_repetitions():
    # One row of two has x = 1; it is chosen by a weight of 3 of 4.
    rows = ChoiceRows(
        np.array([[1.0], [0.0]] * 2),
        find_starts([2, 2]),
        np.array([True, False, False, True]),
        weights=np.array([3.0, 1.0]),
    )
    assert fit_logit(rows) == pytest.approx([math.log(3)], abs=1e-8)


def test_a_share_is_the_log_of_the_summed_chance_however_far_apart_utilities_lie():
    rows = ChoiceRows(np.zeros((5, 1)), find_starts([2, 3]), np.array([False, True, True, True, False]))
    logs, slopes = rows.log_shares(np.array([0.0, -900.0, *np.log([0.2, 0.3, 0.5])]))
    assert logs == pytest.approx([-900.0, math.log(0.5)])
    assert slopes == pytest.approx([-1.0, 1.0, 0.4 - 0.2, 0.6 - 0.3, -0.5])
