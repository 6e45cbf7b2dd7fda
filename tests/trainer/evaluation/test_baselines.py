from math import exp, log

import numpy as np
import pytest

from trainer.data.choices import Offer
from trainer.data.slot_bias import fit_slot_offsets
from trainer.data.tokens import UNDATED
from trainer.evaluation.baselines import (
    bootstrap,
    find_hit,
    find_nats,
    fit_scale,
    scale_logits,
    score_rule,
    slot_logits,
    uniform_logits,
)


def offer(
    size: int, *picked: int, conversation: str = "c", number: int = 0, slots: tuple[int, ...] | None = None
) -> Offer:
    texts = tuple(f"reply {place}" for place in range(size))
    return Offer(
        f"{conversation}-{number}",
        "live",
        conversation,
        ({"role": "user", "content": "?"},),
        texts,
        slots or tuple(range(size)),
        frozenset(picked),
        {},
        day=UNDATED,
    )


def test_uniform_costs_the_log_of_the_number_of_replies():
    score = score_rule([offer(4, 0), offer(2, 1)], uniform_logits([offer(4, 0), offer(2, 1)]))
    assert score.log_loss == pytest.approx((log(4) + log(2)) / 2)
    assert score.accuracy == pytest.approx((1 / 4 + 1 / 2) / 2)  # no opinion is right by chance


def test_tie_costs_the_log_of_its_summed_probability():
    logits = np.log(np.array([0.5, 0.2, 0.2, 0.1]))
    assert find_nats([offer(4, 0, 1)], [logits]) == pytest.approx([-log(0.7)])
    assert find_hit(offer(4, 0, 1), logits) == 1.0
    assert find_hit(offer(4, 3), logits) == 0.0


def test_slot_offsets_reproduce_the_shares_of_the_slots():
    # 6 of 10 picks in slot 0, 3 in slot 1, 1 in slot 2
    offers = [offer(3, 0)] * 6 + [offer(3, 1)] * 3 + [offer(3, 2)]
    shares = np.exp(fit_slot_offsets(offers))
    assert shares / shares.sum() == pytest.approx([0.6, 0.3, 0.1], abs=0.005)


def test_slots_never_seen_while_fitting_have_no_offset():
    assert slot_logits([offer(4, 0)], np.array([1.0, -1.0]))[0].tolist() == [1.0, -1.0, 0.0, 0.0]


def test_slot_rule_goes_by_the_place_on_the_screen():
    """The first card was unavailable: its neighbour stays the second."""
    offers = [offer(2, 0, slots=(1, 2))] * 3 + [offer(2, 1, slots=(1, 2))]
    offsets = fit_slot_offsets(offers)
    assert offsets[1] - offsets[2] == pytest.approx(log(3), abs=0.01)
    alike, other = slot_logits([offers[0], offer(2, 0)], offsets)
    assert alike.tolist() == offsets[1:].tolist() and other.tolist() == offsets[:2].tolist()


def test_scale_of_many_picks_is_the_one_that_explains_the_shares():
    # score 1 for the first of two replies, picked 3 times of 4: scale = log(3)
    offers = [offer(2, 0), offer(2, 0), offer(2, 0), offer(2, 1)] * 1000
    assert fit_scale(offers, [np.array([1.0, 0.0])] * 4000) == pytest.approx(log(3), abs=1e-3)


def test_scale_of_a_few_picks_that_are_all_predicted_is_no_certainty():
    """The scores differ by two standard deviations, so c = scale / 2 has the prior; its slope is zero where
    7 x 2 / (1 + exp(2c)) = c / 2.5^2, which c = 1.9031 solves.
    """
    scale = fit_scale([offer(2, 0)] * 7, [np.array([1.0, 0.0])] * 7)
    assert scale == pytest.approx(2 * 1.9031, abs=1e-3)
    (lost,) = find_nats([offer(2, 1)], scale_logits(scale, [np.array([1.0, 0.0])]))
    assert lost == pytest.approx(log(1 + exp(2 * 1.9031)), abs=1e-3)  # 3.83 nats; without the prior 50


def test_rule_that_orders_backwards_gets_scale_zero():
    assert fit_scale([offer(2, 1)] * 3, [np.array([1.0, 0.0])] * 3) == 0.0


def test_interval_draws_whole_conversations():
    values = np.array([0.0, 0.0, 1.0, 1.0])
    assert bootstrap(values, ["a", "a", "b", "b"], seed=0) == (0.0, 1.0)  # two conversations: all a, or all b
    assert bootstrap(np.ones(4), list("abcd"), seed=0) == (1.0, 1.0)
