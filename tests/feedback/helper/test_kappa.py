"""Kappa and its interval by hand, and from when on they are trust."""

from math import sqrt

import pytest

from feedback.helper.kappa import Z, deserves_trust, loses_trust, measure_kappa, set_bar

# Of forty items, how many each pair of answers has: half of both sides' answers are good, so chance is 0.5.
SEVENTY = [("good", "good")] * 17 + [("bad", "bad")] * 17 + [("good", "bad"), ("bad", "good")] * 3
FORTY = [("good", "good")] * 14 + [("bad", "bad")] * 14 + [("good", "bad"), ("bad", "good")] * 6


def test_a_table_worked_out_by_hand():
    """34 of 40 agree: (0.85 - 0.5) / 0.5 = 0.7. With even margins the spread is p (1 - p) / (1 - chance)^2,
    0.85 x 0.15 / 0.25 = 0.51 for one item.
    """
    told = measure_kappa(SEVENTY * 5)
    assert told.kappa == pytest.approx(0.7) and told.agreed == pytest.approx(0.85) and told.items == 200
    assert told.low == pytest.approx(0.7 - Z * sqrt(0.51 / 200))
    assert measure_kappa(FORTY).kappa == pytest.approx(0.4)


def test_uneven_margins_follow_the_published_formula():
    """Fleiss, Cohen and Everitt on 20 both, 5 helper alone, 10 people alone, 15 neither of 50: agreed 0.7,
    chance 0.5 x 0.6 + 0.5 x 0.4 = 0.5, kappa 0.4.
    """
    pairs = [("y", "y")] * 20 + [("y", "n")] * 5 + [("n", "y")] * 10 + [("n", "n")] * 15
    same = 0.4 * (1 - 1.1 * 0.6) ** 2 + 0.3 * (1 - 0.9 * 0.6) ** 2
    apart = 0.36 * (0.1 * (0.6 + 0.5) ** 2 + 0.2 * (0.4 + 0.5) ** 2)
    spread = same + apart - (0.4 - 0.5 * 0.6) ** 2
    assert measure_kappa(pairs).low == pytest.approx(0.4 - Z * sqrt(spread / 50) / 0.5)


def test_what_cannot_differ_says_nothing():
    assert measure_kappa([("good", "good")] * 300).kappa is None
    assert measure_kappa([]).kappa is None
    assert not deserves_trust(*[measure_kappa([("good", "good")] * 300)] * 2, set_bar(None))
    assert measure_kappa([("good", "good"), ("bad", "bad")] * 50).low == 1


def test_the_bar_is_people_s_own_agreement_less_a_tenth_and_never_below_sixty():
    assert [set_bar(alpha) for alpha in (None, 0.3, 0.9)] == [0.6, 0.6, pytest.approx(0.8)]


def test_trust_begins_at_196_items_of_kappa_70_and_at_100_whatever_their_kappa():
    """0.7 - 1.96 sqrt(0.51 / n) reaches 0.6 at n = 195.9: blocks of forty reach it at 200."""
    by_blocks = [measure_kappa(SEVENTY * blocks) for blocks in range(1, 6)]
    assert [deserves_trust(told, told, 0.6) for told in by_blocks] == [False] * 4 + [True]
    perfect = [("good", "good"), ("bad", "bad")] * 50
    assert [deserves_trust(*[measure_kappa(perfect[:n])] * 2, 0.6) for n in (99, 100)] == [False, True]


def test_trust_is_lost_below_the_bar_less_five_hundredths():
    """Of the last 200, k blocks of kappa 0.4 make 0.7 - 0.06 k: 0.58 stays, 0.52 does not."""
    lasts = [measure_kappa(SEVENTY * (5 - k) + FORTY * k) for k in range(4)]
    assert [told.kappa for told in lasts] == pytest.approx([0.7, 0.64, 0.58, 0.52])
    assert [loses_trust(told, 0.6) for told in lasts] == [False, False, False, True]
