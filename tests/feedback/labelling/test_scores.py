"""Expert scores, worked out by hand and against what the interval promises."""

import numpy as np
import pytest

from feedback.labelling.scores import (
    BETTER,
    LEAST_CONVERSATIONS,
    NOT_KNOWN,
    WORSE,
    ScoredPrompt,
    measure_scores,
)


def prompt(n: int, tags=(), **differences: int) -> ScoredPrompt:
    return ScoredPrompt(f"c{n}", tags, differences)


def test_the_mean_weighs_each_labeller():
    scores = measure_scores([prompt(1, eva=2, ann=-1), prompt(2, ann=1)], {"ann": 0.5})
    # (1 x 2 + 0.5 x -1 + 0.5 x 1) / (1 + 0.5 + 0.5)
    assert scores.whole.mean == pytest.approx(1.0)
    assert (scores.whole.prompts, scores.whole.experts, scores.whole.word) == (2, 2, NOT_KNOWN)
    assert scores.whole.low is None and scores.whole.high is None


def test_equal_replies_weigh_as_much_as_what_was_rated_of_the_others():
    equal = ScoredPrompt("c9")
    # Two prompts could be rated and both were, by one person each: the equal one weighs 1, too.
    assert measure_scores([prompt(1, eva=2), prompt(2, eva=1), equal], {}).whole.mean == pytest.approx(1.0)
    # Of four that could be rated two were: the equal one weighs 1/2, so 3 / 2.5.
    unrated = [ScoredPrompt("c3", (), {}), ScoredPrompt("c4", (), {})]
    early = measure_scores([prompt(1, eva=2), prompt(2, eva=1), *unrated, equal], {}).whole
    assert early.mean == pytest.approx(1.2)
    assert (early.prompts, early.equal) == (2, 1)


def test_a_tag_counts_with_those_below_it():
    scores = measure_scores(
        [
            prompt(1, ["billing/refund"], eva=2),
            prompt(2, ["billing/card", "urgent"], eva=0),
            prompt(3, eva=-4),
        ],
        {},
    )
    means = {tag: score.mean for tag, score in scores.by_tag.items()}
    assert means == {"billing": 1.0, "billing/card": 0.0, "billing/refund": 2.0, "urgent": 0.0}
    assert next(iter(means)) == "billing"


def test_nothing_is_known_of_nothing():
    whole = measure_scores([ScoredPrompt("c1"), ScoredPrompt("c2", (), {})], {}).whole
    assert (whole.mean, whole.low, whole.high, whole.prompts, whole.equal) == (None, None, None, 0, 1)
    assert whole.word == NOT_KNOWN


def test_what_always_differs_alike_is_known_from_twenty_conversations_on():
    for difference, word in ((1, BETTER), (-1, WORSE), (0, NOT_KNOWN)):
        told = [prompt(n, eva=difference) for n in range(LEAST_CONVERSATIONS)]
        assert measure_scores(told, {}).whole.word == word
        assert measure_scores(told[1:], {}).whole.word == NOT_KNOWN


def test_one_conversation_said_often_is_no_evidence_of_its_own():
    told = [prompt(n, eva=n % 2 * 2 - 1) for n in range(40)]
    alone = measure_scores(told, {}).whole
    # The same said by five, all alike in each conversation: as wide as before.
    often = [
        ScoredPrompt(one.conversation, (), {f"p{k}": one.differences["eva"] for k in range(5)})
        for one in told
    ]
    many = measure_scores(often, {}).whole
    assert (many.low, many.high) == pytest.approx((alone.low, alone.high))
    # The standard error of the mean of 40 of -1 and 1 is 0.158, so about +-0.31.
    assert alone.high == pytest.approx(0.31, abs=0.05)


def test_the_interval_holds_the_truth_as_often_as_it_says():
    draws = np.random.default_rng(7)
    held = 0
    for _ in range(200):
        said = draws.choice([-2, -1, 0, 1, 2], size=40, p=[0.1, 0.2, 0.3, 0.25, 0.15])  # mean 0.15
        whole = measure_scores([prompt(n, eva=int(one)) for n, one in enumerate(said)], {}).whole
        held += whole.low <= 0.15 <= whole.high
    assert 0.90 <= held / 200 <= 0.98
