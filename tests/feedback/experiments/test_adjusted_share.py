"""The adjusting fit against the likelihood written out in plain loops and minimised by scipy."""

import math
import random
from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest
from scipy import optimize, stats

from feedback.experiments.adjusted_share import PRIOR_SD, adjust_share
from feedback.experiments.picks import CountedPick
from feedback.records.cards import Card


def make_picks(seed, n=300, agents=5, *, arm=0.6, length=0.8, slot=0.3, merged=0.0, longer=0.0):
    """Picks by a multinomial logit; with `merged` the share of sets in which one text is of both arms."""
    draw = random.Random(seed)
    picks = []
    for number in range(n):
        arms = ["both", "tuned", "base"] if draw.random() < merged else ["tuned", "tuned", "base", "base"]
        draw.shuffle(arms)
        cards = tuple(
            Card(
                slot=place,
                arm=each,
                length=round(math.exp(draw.gauss(4.5 + longer * (each == "tuned"), 0.5))),
                lists=draw.choice((0, 0, 3)),
                markup=0,
            )
            for place, each in enumerate(arms)
        )
        utility = [
            arm * {"tuned": 0.5, "base": -0.5, "both": 0}[card.arm]
            + length * math.log(card.length)
            + slot * (card.slot == 0)
            for card in cards
        ]
        picked = draw.choices(cards, weights=[math.exp(u - max(utility)) for u in utility])[0]
        twin = next((card for card in cards if card.arm == picked.arm and card is not picked), None)
        slots = (picked.slot, twin.slot) if twin and draw.random() < 0.1 else (picked.slot,)
        agent = f"agent-{draw.choice(range(agents))}"
        picks.append(CountedPick(str(number), "x", agent, picked.arm, mark_picked(cards, slots)))
    return picks


def mark_picked(cards, slots):
    return tuple(replace(card, is_picked=card.slot in slots) for card in cards)


def chances_of(pick, b):
    """b: arm, log length, lists, then slots 1, 2, 3."""
    utility = [
        b[0] * {"tuned": 0.5, "base": -0.5, "both": 0.0}[card.arm]
        + b[1] * math.log(card.length)
        + b[2] * math.log(1 + card.lists)
        + (b[2 + card.slot] if card.slot else 0.0)
        for card in pick.cards
    ]
    total = sum(math.exp(u) for u in utility)
    return [math.exp(u) / total for u in utility]


def loss_of(picks, b):
    loss = sum(value * value for value in b) / (2 * PRIOR_SD**2)
    for pick in picks:
        for card, chance in zip(pick.cards, chances_of(pick, b), strict=True):
            if card.slot in pick.slots:
                loss -= math.log(chance) / len(pick.slots)
    return loss


def gradient_of(picks, b, step=1e-5):
    """By differences, of the loss without its prior."""
    found = np.zeros(len(b))
    for column in range(len(b)):
        moved = [np.array(b, dtype=float), np.array(b, dtype=float)]
        moved[0][column] += step
        moved[1][column] -= step
        up, down = (loss_of(picks, each) - each @ each / (2 * PRIOR_SD**2) for each in moved)
        found[column] = (up - down) / (2 * step)
    return found


def curvature_of(picks, b, step=1e-4):
    rows = []
    for column in range(len(b)):
        up, down = np.array(b, dtype=float), np.array(b, dtype=float)
        up[column] += step
        down[column] -= step
        rows.append((gradient_of(picks, up) - gradient_of(picks, down)) / (2 * step))
    return np.array(rows)


@pytest.mark.parametrize(("seed", "merged"), [(1, 0.0), (2, 0.3)])
def test_coefficients_and_share_are_those_of_the_likelihood_written_out(seed, merged):
    picks = make_picks(seed, n=150, merged=merged)
    decided = [pick for pick in picks if pick.won != "both"]
    adjusted = adjust_share(picks)
    expected = optimize.minimize(lambda b: loss_of(decided, b), np.zeros(6), method="BFGS", tol=1e-8).x
    assert list(adjusted.coefficients) == ["arm", "log_length", "lists", "slot_1", "slot_2", "slot_3"]
    assert [c.value for c in adjusted.coefficients.values()] == pytest.approx(expected.tolist(), abs=1e-4)
    assert adjusted.share == pytest.approx(1 / (1 + math.exp(-expected[0])), abs=1e-4)
    assert (adjusted.picks, adjusted.agents) == (len(decided), 5)
    assert (len(decided) < len(picks)) == (merged > 0)


def test_errors_are_those_of_leaving_agents_out_in_plain_loops():
    picks = make_picks(3, n=120, agents=4)
    adjusted = adjust_share(picks)
    b = np.array([c.value for c in adjusted.coefficients.values()])
    whole = curvature_of(picks, b) + np.eye(6) / PRIOR_SD**2
    by_agent = defaultdict(list)
    for pick in picks:
        by_agent[pick.agent].append(pick)
    variance = np.zeros((6, 6))
    for theirs in by_agent.values():
        moved = np.linalg.solve(whole - curvature_of(theirs, b), gradient_of(theirs, b))
        variance += np.outer(moved, moved)
    expected = np.sqrt(np.diag(variance) * (len(by_agent) - 1) / len(by_agent))
    assert len(by_agent) == 4
    assert [c.error for c in adjusted.coefficients.values()] == pytest.approx(expected.tolist(), rel=1e-3)
    arm = adjusted.coefficients["arm"]
    bound = arm.value - stats.t.ppf(0.95, 3) * arm.error
    assert adjusted.bound(0.95) == pytest.approx(1 / (1 + math.exp(-bound)))


def test_where_slots_are_balanced_share_and_error_by_hand():
    """Four agents with 50 picks each, half with tuned in the first slot, who prefer it in 60, 80, 60, 80 %:
    the share is 70 %, and leaving one out moves the log odds by (30 - 35) / (150 * 0.7 * 0.3) either way.
    """
    picks = [
        CountedPick(
            f"{agent} {number} {first}",
            "x",
            f"agent-{agent}",
            "tuned" if number < wins else "base",
            mark_picked(
                (Card(0, first, 50, 0, 0), Card(1, "base" if first == "tuned" else "tuned", 50, 0, 0)),
                (0 if (number < wins) == (first == "tuned") else 1,),
            ),
        )
        for agent, wins in enumerate((15, 20, 15, 20))
        for first in ("tuned", "base")
        for number in range(25)
    ]
    adjusted = adjust_share(picks)
    assert list(adjusted.coefficients) == ["arm", "slot_1"]  # length and lists never differ
    assert adjusted.share == pytest.approx(0.7, abs=2e-4)
    assert adjusted.coefficients["slot_1"].value == pytest.approx(0, abs=1e-9)
    assert adjusted.coefficients["arm"].error == pytest.approx(math.sqrt(3) * 5 / 31.5, rel=2e-3)


def test_a_win_by_length_alone_disappears():
    picks = make_picks(4, n=1200, arm=0.0, length=1.0, longer=0.6)
    raw = sum(pick.won == "tuned" for pick in picks) / len(picks)
    adjusted = adjust_share(picks)
    assert raw > 0.58 and adjusted.share == pytest.approx(0.5, abs=0.05)
    assert adjusted.bound(0.99) < 0.5
    assert adjusted.coefficients["log_length"].value == pytest.approx(1.0, abs=0.2)


def test_a_win_beside_length_stays():
    adjusted = adjust_share(make_picks(5, n=1200, arm=0.85, length=1.0, longer=0.3))
    assert adjusted.share == pytest.approx(0.7, abs=0.05) and adjusted.bound(0.99) > 0.55


@pytest.mark.parametrize("winner", ["tuned", "base"])
def test_one_arm_that_wins_everything_stays_finite(winner):
    cards = tuple(Card(slot, arm, 60, 0, 0) for slot, arm in enumerate(("tuned", "base", "tuned", "base")))
    slot = 0 if winner == "tuned" else 1
    picked = mark_picked(cards, (slot,))
    picks = [CountedPick(str(n), "x", f"agent-{n % 3}", winner, picked) for n in range(90)]
    adjusted = adjust_share(picks)
    assert (0.9 < adjusted.share < 1) if winner == "tuned" else (0 < adjusted.share < 0.1)


def test_nothing_to_fit_is_none_and_one_agent_bounds_nothing():
    picks = make_picks(6, n=40, agents=1)
    assert adjust_share([]) is None
    assert adjust_share([CountedPick("1", "x", "a", "both", picks[0].cards)]) is None
    alone = adjust_share(picks)
    assert alone.coefficients["arm"].error is None and alone.bound(0.99) == 0.0
