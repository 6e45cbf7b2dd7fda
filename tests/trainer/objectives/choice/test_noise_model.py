"""The noise model of simulated agents whose noise rates, taste and slot bias are known."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from tests.trainer.tiny import make_choice, write_lines
from trainer.data.choices import settle_line
from trainer.objectives.choice.noise_model import (
    MAX_NOISE_RATE,
    MIN_PICKS,
    PRIOR_NOISE_RATE,
    PRIOR_PICKS,
    NoiseModel,
    Pick,
    fit_noise_model,
    fit_noise_rates,
    lay_out_picks,
    make_counted_pick,
    read_counted_picks,
    read_noise_model,
)
from trainer.objectives.choice.text_model import hash_words

SLOTS = np.array([0.8, 0.2, 0.0, -0.2])
TASTE = np.array([2.5, 1.0])  # per log character, for the tuned arm
NOISE_RATES = {"none": 0.0, "few": 0.1, "some": 0.3, "many": 0.45}


def draw_features(rng, count):
    """Log lengths that differ by a factor of 1.5 or so, two replies of each arm in random slots."""
    lengths = rng.normal(4.0, 0.5, size=(count, 4))
    arms = rng.permuted(np.tile([0.0, 0.0, 1.0, 1.0], (count, 1)), axis=1)
    return np.stack([lengths, arms], axis=2)


def attentive(features, taste=TASTE, slots=SLOTS):
    logits = features @ taste + slots
    chances = np.exp(logits - logits.max(axis=1, keepdims=True))
    return chances / chances.sum(axis=1, keepdims=True)


def simulate(agent, noise_rate, count, rng, taste=TASTE, slots=SLOTS):
    features = draw_features(rng, count)
    chances = (1 - noise_rate) * attentive(features, taste, slots) + noise_rate / 4
    picked = (chances.cumsum(axis=1) > rng.random((count, 1))).argmax(axis=1)
    return [
        make_bare(agent, (0, 1, 2, 3), [int(one)], tuple(map(tuple, rows)))
        for one, rows in zip(picked, features, strict=True)
    ]


def make_bare(agent, slots, picked, rows):
    """A pick of replies that say nothing."""
    return Pick(agent, "talk", slots, frozenset(picked), rows, (hash_words(""),) * len(slots))


def deviation(noise_rate, count, rng):
    """Standard deviation of a maximum-likelihood estimate of `noise_rate` from so many picks: Fisher
    information, its expectation over picks taken exactly and over features by simulation. The prior's picks
    are left out, which makes it wider.
    """
    chances = attentive(draw_features(rng, 4000))
    mixed = (1 - noise_rate) * chances + noise_rate / 4
    information = ((1 / 4 - chances) ** 2 / mixed).sum(axis=1).mean()
    return 1 / np.sqrt(count * information)


def test_noise_rates_come_back_within_their_sampling_error():
    rng = np.random.default_rng(5)
    count = 3000
    picks = [
        pick for agent, noise_rate in NOISE_RATES.items() for pick in simulate(agent, noise_rate, count, rng)
    ]
    found = fit_noise_model(picks)
    for agent, noise_rate in NOISE_RATES.items():
        spread = deviation(noise_rate, count, rng)
        assert 0.005 < spread < 0.03  # the test would see a difference of 0.1
        # To first order the prior moves an estimate by variance x slope of its logarithm; at 0, where that
        # slope is infinite, e / variance = 2 / e puts it at 1.4 deviations. Three more for chance.
        slope = PRIOR_PICKS * abs(PRIOR_NOISE_RATE - noise_rate) / max(noise_rate * (1 - noise_rate), 1e-9)
        pull = min(spread**2 * slope, 1.42 * spread)
        assert found.noise_rates[agent] == pytest.approx(noise_rate, abs=3 * spread + pull)
    assert found.gain > 0.1


def simulate_words(agent, noise_rate, count, rng):
    """Four replies of as many letters, of the same arm, worth 3, 1, 0 and -2 by one word among six, each of
    three turns in a way of its own.
    """
    worth = {"warm": 3.0, "mild": 1.0, "cool": 0.0, "cold": -2.0}
    chances = np.exp(list(worth.values()))
    chances = (1 - noise_rate) * chances / chances.sum() + noise_rate / 4
    picks = []
    for number in range(count):
        order = rng.permutation(4)
        texts = [
            f"{list(worth)[place]} {' '.join(rng.choice(['item', 'ship', 'send', 'call'], 5))}"
            for place in order
        ]
        picks.append(
            Pick(
                agent,
                f"{agent}-{number}",
                (0, 1, 2, 3),
                frozenset([int(rng.choice(4, p=chances[order]))]),
                tuple((np.log(1 + len(text)), 0.0) for text in texts),
                tuple(map(hash_words, texts)),
            )
        )
    return picks


def test_a_taste_for_words_tells_who_does_not_look():
    rng = np.random.default_rng(12)
    true = {"looks": 0.0, "looks too": 0.0, "seldom": 0.4}
    picks = [
        pick for agent, noise_rate in true.items() for pick in simulate_words(agent, noise_rate, 800, rng)
    ]
    found = fit_noise_model(picks)
    # Fisher information of a pick at 0.4, sum of (1/4 - p)^2 / (0.6 p + 0.1) over p = 0.839, 0.114, 0.042 and
    # 0.006, is 1.6: 800 picks show the rate to 0.028, 2.5 of which are 0.07.
    assert found.noise_rates["looks"] < 0.06 and found.noise_rates["looks too"] < 0.06
    assert found.noise_rates["seldom"] == pytest.approx(0.4, abs=0.07)
    # Lengths and arms, all that differs without words, say nothing of this taste.
    blank = [replace(pick, words=(hash_words(""),) * 4) for pick in picks]
    assert fit_noise_model(blank).noise_rates == pytest.approx(
        dict.fromkeys(true, PRIOR_NOISE_RATE), abs=0.02
    )


def test_slot_offsets_are_those_of_the_shares_of_the_slots():
    rng = np.random.default_rng(6)
    picks = simulate("ann", 0.1, 5000, rng)
    weights = np.exp(fit_noise_model(picks).offsets)
    expected = (0.9 * attentive(draw_features(rng, 20_000)) + 0.1 / 4).mean(axis=0)
    error = 3.5 * np.sqrt(expected * (1 - expected) * (1 / 5000 + 1 / 20_000))
    assert np.all(np.abs(weights / weights.sum() - expected) < error)
    assert np.all(error < 0.03) and weights[0] / weights[3] > 1.8


def test_without_a_common_taste_everybody_keeps_the_prior():
    rng = np.random.default_rng(7)
    none = np.zeros(2)
    picks = [pick for agent in "ab" for pick in simulate(agent, 0.4, 2000, rng, taste=none)]
    found = fit_noise_model(picks)
    # 4,000 picks leave chance tastes of about 0.04 a deviation, so tiny likelihood ratios: nearly the prior.
    assert found.noise_rates == pytest.approx({"a": PRIOR_NOISE_RATE, "b": PRIOR_NOISE_RATE}, abs=0.02)
    assert abs(found.gain) < 0.002


def test_an_agent_without_a_favourite_slot_is_not_taken_for_blind():
    rng = np.random.default_rng(8)
    weak = 0.2 * TASTE
    crowd = [
        pick for agent in "abcd" for pick in simulate(agent, 0.1, 1000, rng, taste=weak, slots=2 * SLOTS)
    ]
    even = simulate("even", 0.1, 1000, rng, taste=weak, slots=0 * SLOTS)
    found = fit_noise_model(crowd + even)
    assert found.noise_rates["even"] < 0.25


def test_a_steady_taste_against_the_crowd_costs_at_most_half():
    rng = np.random.default_rng(9)
    crowd = [pick for agent in "abcd" for pick in simulate(agent, 0.05, 500, rng)]
    contrary = simulate("contrary", 0.05, 500, rng, taste=-TASTE)
    assert fit_noise_model(crowd + contrary).noise_rates["contrary"] == MAX_NOISE_RATE


def test_few_picks_and_no_name_get_the_prior():
    rng = np.random.default_rng(10)
    picks = simulate("enough", 0.4, MIN_PICKS, rng) + simulate("few", 0.4, MIN_PICKS - 1, rng)
    picks += simulate(None, 0.9, 500, rng)
    found = fit_noise_model(picks)
    assert set(found.noise_rates) == {"enough"}
    assert (
        found.noise_rate("few") == found.noise_rate("stranger") == found.noise_rate(None) == PRIOR_NOISE_RATE
    )


def test_nothing_picked_is_no_noise():
    assert fit_noise_model([]) == NoiseModel()
    assert NoiseModel().offset(3) == 0.0


def test_the_slope_of_the_taste_is_that_of_its_value():
    rng = np.random.default_rng(11)
    picks = simulate("ann", 0.2, 40, rng)
    short = [make_bare("ann", (0, 2), [1], ((3.0, 1.0), (4.0, 0.0)))] * 3
    tied = [make_bare("bob", (0, 1, 3), [0, 2], ((3.0, 1.0), (4.0, 0.0), (2.0, 0.5)))] * 3
    laid_out = lay_out_picks(picks + short + tied)
    taste = np.array([0.7, -0.4, 0.2])
    total = approx_fprime(taste, lambda at: np.log(laid_out.ratios(at)[0]).sum(), 1e-7)
    assert laid_out.rows.x.T @ laid_out.ratios(taste)[1] == pytest.approx(total, abs=1e-3)


def test_taste_of_two_replies_is_the_log_odds():
    # The longer by 1 in the log was picked 3 times of 4. A tenth of all picks is blind: 0.9 p + 0.05 = 0.75
    # makes p = 7/9, so the weight is log(7/2), less a hair for the pull.
    rows = ((1.0, 0.0), (0.0, 0.0))
    picks = [make_bare(None, (0, 1), [place], rows) for place in (0, 0, 0, 1) * 100]
    taste, noise_rates = fit_noise_rates(lay_out_picks(picks), np.zeros(400, dtype=int), 0)
    assert taste == pytest.approx([np.log(3.5), 0.0, 0.0], abs=0.03)
    assert noise_rates == pytest.approx([PRIOR_NOISE_RATE])


def test_a_pick_knows_slots_agent_lengths_arms_and_hashed_words_and_no_text():
    body = make_choice(1, "train") | {
        "annotator": "ann",
        "candidates": [
            {"text": "Yes .", "arm": "base"},
            {"text": "yes  .", "arm": "tuned", "adapter": "tuned-20261121-1"},
            {"text": "It is on its way .", "arm": "tuned"},
        ],
        "picked": [2],
    }
    pick = make_counted_pick(settle_line(body), "talk")
    assert (pick.agent, pick.slots, pick.picked) == ("ann", (0, 2), {1})
    assert np.exp(pick.features) == pytest.approx(np.array([[6.0, np.exp(0.5)], [19.0, np.exp(1.0)]]))
    assert [list(words) for words in pick.words] == [
        list(hash_words(text)) for text in ("Yes .", "It is on its way .")
    ]


def test_the_noise_model_is_fitted_to_the_train_split_alone(tmp_path):
    lines = [make_choice(number, "train", slot=0) | {"annotator": "ann"} for number in range(40)]
    lines += [make_choice(number, "test", slot=3) | {"annotator": "bob"} for number in range(40)]
    write_lines(tmp_path / "choices.jsonl", lines)
    found = read_noise_model(tmp_path)
    assert set(found.noise_rates) == {"ann"} and np.argmax(found.offsets) == 0
    assert "ann" not in str(found.to_json()) and found.to_json()["agents"] == 1


def test_a_pick_is_of_the_conversation_that_the_split_goes_by(tmp_path):
    lines = [make_choice(number, "train") | {"id": f"{name}-1"} for number, name in enumerate("ab")]
    lines = [{key: value for key, value in line.items() if key != "conversation"} for line in lines]
    lines.append(make_choice(3, "train") | {"conversation": "stated"})
    write_lines(tmp_path / "choices.jsonl", lines)
    assert [pick.conversation for pick in read_counted_picks(tmp_path)] == ["a", "b", "stated"]


def test_a_slot_beyond_all_screens_makes_no_large_table(tmp_path):
    line = make_choice(1, "train", slot=0)
    line["candidates"][3]["slot"] = 10**12
    write_lines(tmp_path / "choices.jsonl", [line])
    assert len(read_noise_model(tmp_path).offsets) == 64
