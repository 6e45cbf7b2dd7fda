"""Near-duplicates: every pair that is found is one, and hardly any is missed; compared with all against all
by sets of substrings, which share nothing with the code under test."""

import random
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from feedback.duplicates.grams import compare_grams, flatten_prompt, gram_size, read_grams
from feedback.duplicates.lookup import NearLookup
from feedback.duplicates.pairs import NEAR, find_near_pairs
from feedback.duplicates.signatures import TextFile, sign_texts

ENGLISH = "my parcel order refund has not come yet please tell me when the card was charged again".split()
CHINESE = "我的订单还没有到货请问什么时候可以退款到银行卡谢谢客服快递今天明天昨天收到包裹地址电话"


def search(texts, **options):
    with TemporaryDirectory() as folder:
        file = TextFile(Path(folder))
        numbers = [file.add(text) for text in texts]
        file.finish()
        pairs = find_near_pairs(file, **options)
        file.close()
    return numbers, list(zip(pairs.left.tolist(), pairs.right.tolist(), strict=True)), pairs.is_bounded


def cut(text, size):
    return {text[place : place + size] for place in range(len(text) - size + 1)}


def jaccard(left, right):
    shared = len(left & right)
    return shared / (len(left) + len(right) - shared)


def write_prompts(count, seed):
    """Prompts in English and Chinese; every fifth is an earlier one with a few signs changed."""
    draw = random.Random(seed)
    texts = []
    for number in range(count):
        if number % 5 == 4:
            signs = list(draw.choice(texts))
            for _ in range(draw.randint(1, max(1, len(signs) // 30))):
                signs[draw.randrange(len(signs))] = draw.choice("xyzw")
            texts.append("".join(signs))
        elif number % 2:
            texts.append(" ".join(draw.choices(ENGLISH, k=draw.randint(10, 25))))
        else:
            texts.append("".join(draw.choices(CHINESE, k=draw.randint(20, 60))))
    return texts


def test_two_thousand_texts_give_the_pairs_that_all_against_all_gives():
    texts = list(dict.fromkeys(write_prompts(2_000, seed=3)))
    grams = [cut(text, gram_size(text)) for text in texts]
    truth = {
        (one, other)
        for one, other in combinations(range(len(texts)), 2)
        if 0.8 <= len(grams[one]) / len(grams[other]) <= 1.25
        and (texts[one].isascii() == texts[other].isascii())
        and jaccard(grams[one], grams[other]) >= NEAR
    }
    numbers, found, _ = search(texts)
    assert numbers == list(range(len(texts)))
    assert len(truth) > 150
    assert set(found) <= truth
    assert len(found) >= 0.99 * len(truth)


def name_pairs(texts):
    """The pairs by their texts. A text that is too short has no number."""
    numbers, found, _ = search(texts)
    numbered = dict(zip(numbers, texts, strict=True))
    return {frozenset((numbered[one], numbered[other])) for one, other in found}


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32), st.randoms(use_true_random=False))
@example(2439, random.Random(1))  # one of its texts is too short
def test_pairs_do_not_depend_on_the_order_of_the_texts(seed, draw):
    texts = list(dict.fromkeys(write_prompts(60, seed)))
    assert name_pairs(texts) == name_pairs(draw.sample(texts, len(texts)))


@settings(max_examples=25, deadline=None)
@given(st.text(min_size=40, max_size=80), st.text(min_size=40, max_size=80))
def test_similarity_is_symmetric_and_one_only_with_itself(one, other):
    left, right = read_grams(one), read_grams(other)
    if gram_size(one) == gram_size(other):
        expected = jaccard(cut(one, gram_size(one)), cut(other, gram_size(other)))
        assert compare_grams(left, right) == compare_grams(right, left) == pytest.approx(expected)
    assert compare_grams(left, left) == 1.0


def test_equal_texts_are_one_and_short_ones_none():
    long = "the parcel with my new shoes has not come yet"
    chinese = "我的订单还没有到货，请问什么时候可以到"
    numbers, found, _ = search([long, "thanks, bye", chinese, long, "谢谢您的帮助", "thanks, bye"])
    assert numbers == [0, None, 1, 0, None, None]
    assert found == []


def test_chinese_is_compared_by_two_signs_and_from_sixteen_signs_on():
    assert gram_size("我的订单还没有到货请问什么时候到") == 2
    assert gram_size("我的订单还没有到货请问什么时候") == 0
    assert gram_size("my order has not come yet, please 我的订单还没有到货") == 4
    assert gram_size("x" * 39) == 0 and gram_size("x" * 40) == 4


def test_numbers_case_width_and_space_make_no_difference_and_the_system_is_left_out():
    one = [
        {"role": "system", "content": "You help."},
        {"role": "user", "content": "Order 123-45:\n WHERE  is it？"},
        {"role": "assistant", "content": "Let me see."},
    ]
    other = [
        {"role": "user", "content": "order 9-7: where is it?"},
        {"role": "assistant", "content": "Let me\tsee."},
    ]
    assert flatten_prompt(one) == flatten_prompt(other) == "order 0-0: where is it? let me see."


def test_a_bucket_of_more_than_twenty_says_so_and_the_others_do_not():
    def alike(count):
        return [
            f"{'the same words stand in every one of these prompts here ' * 4}{sign}"
            for sign in SIGNS[:count]
        ]

    SIGNS = "abcdefghijklmnopqrstuvwxyzäöü"
    assert not search(alike(21))[2]
    _, found, is_bounded = search(alike(22))
    assert is_bounded and len(found) == 22 * 21 / 2  # in another band they are neighbours


def test_only_wanted_pairs_among_the_named_texts_are_compared():
    texts = ["my parcel has not come and I want my money back " + sign for sign in ("a", "b", "c")]
    assert search(texts)[1] == [(0, 1), (0, 2), (1, 2)]
    assert search(texts, among=np.array([0, 2]))[1] == [(0, 2)]
    assert search(texts, is_wanted=lambda left, right: left + right != 2)[1] == [(0, 1), (1, 2)]


def test_a_signature_is_the_same_in_any_company():
    alone = [sign_texts([text])[0] for text in write_prompts(20, seed=1)]
    assert (sign_texts(write_prompts(20, seed=1)) == np.array(alone)).all()


def test_a_lookup_says_what_all_against_all_says(tmp_path):
    texts, asked = write_prompts(300, seed=5), write_prompts(350, seed=5)[290:]
    file = TextFile(tmp_path)
    numbers = [file.add(text) for text in texts]
    file.finish()
    lookup = NearLookup(file)
    found = [lookup.has_near(text) for text in asked]
    grams = [
        cut(text, gram_size(text)) for text, number in zip(texts, numbers, strict=True) if number is not None
    ]
    truth = [
        bool(gram_size(text)) and any(jaccard(cut(text, gram_size(text)), known) >= NEAR for known in grams)
        for text in asked
    ]
    assert found == truth and 10 <= sum(truth) < len(truth)
    assert not lookup.has_near("thanks, bye")
    file.close()


def test_no_text_at_all_gives_no_pair():
    assert search([]) == ([], [], False)
