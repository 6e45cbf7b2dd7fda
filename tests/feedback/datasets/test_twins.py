"""Twins: what is like a held-out prompt is left out of train, whatever the order."""

import json
from itertools import permutations

import pytest

from feedback.datasets.errors import DatasetMissing
from feedback.datasets.twins import Leak, PromptTexts, find_leaks, find_twins

ORDER = "Hello, my order {} has not come and I would like to know when it does."
REFUND = "I sent the blue jacket back two weeks ago, when do I see my money again?"
# A chain: each is near the next one, the first is not near the last.
CHAIN = [
    "please tell me where the parcel with my new running shoes is right now",
    "please tell me where the parcel with my new running shoes is right now, thanks a lot",
    "hi, please tell me where the parcel with my new running shoes is right now, thanks a lot",
]


def ask(text):
    return [{"role": "user", "content": text}]


def sift(tmp_path, *records):
    """The texts that have a twin, of records (text, conversation, split)."""
    prompts = PromptTexts(tmp_path)
    numbers = [prompts.add(ask(text), conversation=conversation) for text, conversation, _ in records]
    for number, (_, _, split) in zip(numbers, records, strict=True):
        prompts.mark(number, split)
    twins = find_twins(prompts)
    prompts.close()
    assert list(tmp_path.iterdir()) == []
    return [twins.holds_out(number, split) for number, (_, _, split) in zip(numbers, records, strict=True)]


def test_a_twin_is_left_out_of_the_split_that_learns(tmp_path):
    assert sift(
        tmp_path,
        (ORDER.format(17), "a", "train"),
        (ORDER.format(4), "b", "validation"),
        (ORDER.format(555), "c", "test"),
        (REFUND, "d", "train"),
        ("thanks, bye", "e", "train"),
        ("thanks, bye", "f", "test"),
    ) == [True, True, False, False, False, False]


def test_train_gives_way_to_validation_and_both_to_test(tmp_path):
    held = [(ORDER.format(1), "a", "train"), (ORDER.format(2), "b", "validation")]
    assert sift(tmp_path, *held) == [True, False]
    held = [(REFUND, "a", "validation"), (REFUND, "b", "test")]
    assert sift(tmp_path, *held) == [True, False]


def test_chinese_prompts_have_twins_too(tmp_path):
    assert sift(
        tmp_path,
        ("你好，我的订单 12345 还没有到，请问什么时候可以送到？", "a", "train"),
        ("你好，我的订单 9 还没有到，请问什么时候可以送到？谢谢", "b", "test"),
        ("你好，我想把上周买的蓝色外套退掉，怎么申请退款？", "c", "train"),
    ) == [True, False, False]


def test_a_twin_of_a_twin_is_none_and_the_order_makes_no_difference(tmp_path):
    records = list(zip(CHAIN, "abc", ("train", "train", "test"), strict=True))
    for order in permutations(range(3)):
        found = dict(zip(order, sift(tmp_path, *(records[place] for place in order)), strict=True))
        assert found == {0: False, 1: True, 2: False}


def test_growth_only_takes_records_out(tmp_path):
    before = [(ORDER.format(1), "a", "train"), (REFUND, "b", "train"), (CHAIN[0], "c", "validation")]
    assert sift(tmp_path, *before) == [False, False, False]
    assert sift(tmp_path, *before, (REFUND, "d", "test")) == [False, True, False, False]


def test_of_a_crowd_too_large_to_compare_all_nothing_stays(tmp_path):
    """Fifty prompts of one form, five of them held out: more than are compared in one go."""
    names = [chr(97 + number % 26) + chr(97 + number // 26) for number in range(50)]
    records = [
        (
            f"{ORDER.format(1)} {ORDER.format(2)} My name is {name}.",
            name,
            "test" if number % 10 == 0 else "train",
        )
        for number, name in enumerate(names)
    ]
    assert sift(tmp_path, *records) == [split == "train" for _, _, split in records]


def write_dataset(folder, **files):
    for name in ("choices", "pairs", "thumbs"):
        lines = [json.dumps(record) + "\n" for record in files.get(name, ())]
        (folder / f"{name}.jsonl").write_text("".join(lines))
    return folder


def line(id, split, text, **more):
    return {"id": id, "source": "star", "split": split, "prompt": ask(text), "group": id} | more


def test_a_leak_names_both_sides(tmp_path):
    place = write_dataset(
        tmp_path,
        choices=[line("c1", "train", ORDER.format(1)), line("c2", "train", REFUND)],
        pairs=[line("p1", "validation", ORDER.format(3), kind="pair")],
        thumbs=[line("t1", "test", ORDER.format(2)), line("t2", "test", "thanks, bye")],
    )
    assert find_leaks(place) == [
        Leak("train", "choices", "star", "c1", "test", "star", "t1"),
        Leak("validation", "pairs", "star", "p1", "test", "star", "t1"),
    ]


def test_a_dataset_without_a_leak_has_none_and_a_missing_one_is_refused(tmp_path):
    place = write_dataset(
        tmp_path,
        choices=[line("c1", "train", ORDER.format(1)), line("c2", "train", ORDER.format(2))],
        thumbs=[line("t1", "test", REFUND)],
    )
    assert find_leaks(place) == []
    with pytest.raises(DatasetMissing):
        find_leaks(tmp_path / "gone")
