"""Scores of the text model against hand-made fits and a plain one."""

from itertools import pairwise
from zlib import crc32

import numpy as np
import pytest
from scipy.optimize import brentq, minimize
from scipy.special import expit

from trainer.data.pair_rows import hash_share
from trainer.objectives.choice.text_model import BUCKETS, PARTS, cross_fit_scores, hash_words

GOOD, BAD, CALM = (hash_words(word) for word in ("glad", "no", "fine"))


def part_of(conversation):
    return int(PARTS * hash_share("opinions", conversation))


def name_in(part):
    return next(name for name in map(str, range(1000)) if part_of(name) == part)


def bucket(text):
    return crc32(text.encode()) % BUCKETS


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Thank  YOU", ["thank", "you", "thank you"]),
        ("您好", ["您", "好", "您 好"]),
        ("no no no", ["no", "no no"]),
        ("", []),
    ],
)
def test_words_and_neighbours_stand_for_a_text_each_once(text, parts):
    assert list(hash_words(text)) == sorted(map(bucket, parts))


def test_a_word_that_won_three_times_in_four_is_worth_what_the_prior_leaves_of_it():
    # 30 of 40 picks took the one word, 10 the other. With d the difference of the two logits the weights are
    # +-d/2, each with slope d/2 of the prior: 30 - 40 sigmoid(d) = d/2.
    taught, asked = name_in(0), name_in(1)
    replies = [(GOOD, BAD)] * 41
    picked = [{0}] * 30 + [{1}] * 10 + [{1}]
    found = cross_fit_scores(replies, picked, [taught] * 40 + [asked])
    expected = brentq(lambda d: 30 - 40 * expit(d) - d / 2, 0, 5)
    assert found[-1] == pytest.approx([expected / 2, -expected / 2], abs=1e-4)
    assert 0.9 < expected < np.log(3)


def test_scores_are_those_of_a_plain_fit_without_the_part_that_is_asked():
    rng = np.random.default_rng(3)
    texts = ["glad to help", "no", "fine, no help", "glad, fine", "to no help"]
    vocabulary = {text: [bucket(part) for part in parts_of(text)] for text in texts}
    columns = sorted({each for row in vocabulary.values() for each in row})
    picks = []
    for number in range(36):
        shown = [texts[place] for place in rng.permutation(5)[: rng.integers(2, 5)]]
        taken = {0, 1} if number % 9 == 0 else {int(rng.integers(len(shown)))}
        picks.append((str(number // 2), shown, taken))
    found = cross_fit_scores(
        [[hash_words(text) for text in shown] for _, shown, _ in picks],
        [taken for _, _, taken in picks],
        [name for name, _, _ in picks],
    )

    def row(text):
        full = np.isin(columns, vocabulary[text]).astype(float)
        return full / np.sqrt(full.sum())

    for part in range(PARTS):
        others = [pick for pick in picks if part_of(pick[0]) != part]

        def loss(weights, others=others):
            total = weights @ weights / 2
            for _, shown, taken in others:
                chances = np.exp([row(text) @ weights for text in shown])
                total -= np.log(chances[list(taken)].sum() / chances.sum())
            return total

        weights = minimize(loss, np.zeros(len(columns)), method="BFGS", options={"gtol": 1e-7}).x
        for (name, shown, _), logits in zip(picks, found, strict=True):
            if part_of(name) == part:
                assert logits == pytest.approx([row(text) @ weights for text in shown], abs=2e-4)
    assert max(np.ptp(logits) for logits in found) > 0.2


def parts_of(text):
    words = text.replace(",", " ,").split()
    return [*words, *(f"{one} {two}" for one, two in pairwise(words))]


def test_a_score_comes_from_no_pick_of_its_own_conversation():
    names = [str(number // 2) for number in range(40)]
    replies = [(GOOD, BAD, CALM)] * 40
    before = cross_fit_scores(replies, [{0}] * 40, names)
    after = cross_fit_scores(replies, [{1}] * 2 + [{0}] * 38, names)
    moved = [not np.array_equal(one, other) for one, other in zip(before, after, strict=True)]
    assert not any(moved[:2]) and any(moved[2:])


def test_with_nobody_to_learn_from_the_scores_are_nothing():
    (found,) = cross_fit_scores([(GOOD, BAD)], [{0}], ["alone"])
    assert list(found) == [0.0, 0.0]


def test_a_reply_without_a_word_is_worth_nothing():
    found = cross_fit_scores([(GOOD, hash_words(""))] * 20, [{0}] * 20, list(map(str, range(20))))
    assert all(logits[0] > 0.3 and logits[1] == 0 for logits in found)
