"""The one-coin estimate: a fixed point worked out by hand, made-up people, real people."""

import random
from collections import Counter

import pytest

from feedback.labelling.reliability import (
    Poll,
    Said,
    estimate_reliability,
    find_interval,
)
from feedback.records.weights import weigh_evidence
from tests.feedback.labelling.stc3 import list_nuggets, needs_stc3


def poll(labels, classes="ab", **fields):
    """`labels` as one string a person, an answer for each item, a dot where they said nothing."""
    said = [
        Said(item, person, answer)
        for person, answers in labels.items()
        for item, answer in enumerate(answers)
        if answer != "."
    ]
    return Poll(said, classes, **fields)


def test_known_answers_alone_give_the_mean_of_beta_4_1():
    found = estimate_reliability([poll({"ann": "aabb"}, known=dict(enumerate("aaab")))])
    ann = found.by_labeller["ann"]
    assert ann.accuracy == pytest.approx((4 + 3) / (5 + 4))
    assert (ann.correct, ann.wrong, ann.known_correct, ann.known_wrong, ann.labels) == (3, 1, 3, 1, 4)
    assert (ann.low, ann.high) == pytest.approx(find_interval(3, 1))
    assert found.answers[2] == ("a", 1.0)


def test_one_step_beside_the_known_score_is_half_right():
    scores = Poll([Said("x", "ann", 4), Said("y", "ann", 1)], (1, 2, 3, 4, 5), {"x": 5, "y": 5}, ordinal=True)
    ann = estimate_reliability([scores]).by_labeller["ann"]
    assert (ann.correct, ann.wrong) == (0.5, 1.5)
    assert ann.accuracy == pytest.approx(4.5 / 7)


@pytest.mark.parametrize(
    "lone",
    [poll({}), poll({"ann": "aabb"}), poll({"ann": "aa", "ben": "aa"}, "a")],
    ids=["none", "one", "k1"],
)
def test_nothing_is_estimated_where_nobody_can_be_compared(lone):
    assert estimate_reliability([lone]) == estimate_reliability([])


def test_all_alike_is_good_and_never_perfect():
    found = estimate_reliability([poll({"ann": "a" * 500, "ben": "a" * 500})])
    assert {each.accuracy for each in found.by_labeller.values()} == {0.98}
    assert all(each.high < 1 for each in found.by_labeller.values())


def test_who_contradicts_two_others_is_found_out_and_does_not_count():
    right = "abcdabcdabcdabcd"
    found = estimate_reliability([poll({"ann": right, "ben": right, "eve": right[1:] + "a"}, "abcd")])
    assert [answer for answer, _ in found.answers.values()] == list(right)
    accuracy = {person: each.accuracy for person, each in found.by_labeller.items()}
    assert accuracy["eve"] < 0.25 < 0.9 < accuracy["ann"] == pytest.approx(accuracy["ben"])
    assert found.by_labeller["eve"].high < 0.5


def test_one_accuracy_holds_over_tasks_and_given_ones_stay():
    known = dict(enumerate("aaaa"))
    two = [poll({"ann": "aaab"}, known=known), poll({"ann": "aabb"}, "abcd", known=known)]
    assert estimate_reliability(two).by_labeller["ann"].accuracy == pytest.approx((4 + 5) / (5 + 8))
    held = estimate_reliability([poll({"ann": "ab", "ben": "aa"})], {"ben": 0.6})
    assert held.by_labeller["ben"].accuracy == 0.6


def test_intervals_hold_the_truth_where_labels_stop_once_two_agree():
    """The error that counting matches with what others settled would make: 0.2 of these intervals held it."""
    draw = random.Random(3)
    held = []
    for _ in range(12):
        accuracy = {f"p{number}": draw.uniform(0.6, 0.95) for number in range(12)}
        said = []
        for item in range(300):
            answers = []
            for person in draw.sample(sorted(accuracy), 5):
                answers.append(0 if draw.random() < accuracy[person] else draw.randint(1, 3))
                said.append(Said(item, person, (answers[-1] + item) % 4))
                if max(Counter(answers).values()) == 2:
                    break
        found = estimate_reliability([Poll(said, range(4))]).by_labeller
        held += [found[person].low <= true <= found[person].high for person, true in accuracy.items()]
    assert sum(held) / len(held) >= 0.9


@pytest.mark.parametrize(
    ("accuracy", "labels", "classes", "weight"),
    [
        (0.9, 20, 4, 1.0),
        (0.95, 20, 4, 1.0),
        (0.575, 20, 4, 0.5),
        (0.25, 20, 4, 0.2),
        (0.1, 99, 2, 0.2),
        (0.25, 19, 4, 1.0),
        (0.5, 50, 1, 1.0),
    ],
)
def test_the_weight_in_training_goes_from_chance_to_nine_of_ten(accuracy, labels, classes, weight):
    assert weigh_evidence(accuracy, labels, classes) == pytest.approx(weight)


@needs_stc3
def test_of_19_real_people_the_one_who_agrees_least_is_last():
    items = list_nuggets()[:2_000]
    said = [
        Said(item, str(person), label)
        for item, labels in enumerate(items)
        for person, label in enumerate(labels)
    ]
    classes = sorted({each.label for each in said})
    found = estimate_reliability([Poll(said, classes)]).by_labeller
    ranked = sorted(found, key=lambda person: found[person].accuracy)
    assert ranked[0] == "12" and found["12"].high < 0.3 < 0.5 < found[ranked[1]].low


@needs_stc3
def test_three_labels_of_real_people_come_closer_to_all_19_than_their_majority():
    draw = random.Random(1)
    items = draw.sample(list_nuggets(), 3_000)
    most = [Counter(labels).most_common(1)[0][0] for labels in items]
    asked = [draw.sample(range(19), 3) for _ in items]
    said = [Said(item, str(person), items[item][person]) for item, who in enumerate(asked) for person in who]
    found = estimate_reliability([Poll(said, sorted({each.label for each in said}))]).answers
    majority = [
        Counter(items[item][person] for person in who).most_common(1)[0][0] for item, who in enumerate(asked)
    ]
    estimated = [found[item][0] for item in range(len(items))]

    def share_right(answers):
        return sum(map(str.__eq__, answers, most)) / len(most)

    assert share_right(estimated) - share_right(majority) >= 0.03
