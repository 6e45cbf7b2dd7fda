import gzip
import json

import pytest

from feedback.datasets.errors import DatasetMissing
from tests.trainer.tiny import make_choice, write_lines
from trainer.data.choices import make_offer, read_offers


def choice(**changes):
    return make_choice(0, "test") | changes


@pytest.mark.parametrize(
    ("texts", "picked", "expected"),
    [
        (["a b", "c d", "e f"], [1], (("a b", "c d", "e f"), {1})),
        (
            ["a b", "A  b", "c d"],
            [1],
            (("A  b", "c d"), {0}),
        ),  # equal after normalisation: one reply in the first place, with the text that was picked
        (["a b", "c d", "c d"], [2], (("a b", "c d"), {1})),
        (["a b", "c d", "e f"], [0, 2], (("a b", "c d", "e f"), {0, 2})),
        (["a b", "a b"], [0], None),
        (["a b", "c d"], [0, 1], None),
    ],
)
def test_equal_replies_are_one_before_anything_is_scored(texts, picked, expected):
    body = choice(candidates=[{"text": text} for text in texts], picked=picked, kind=None)
    found = make_offer(body)
    assert (None if found is None else (found.texts, set(found.picked))) == expected


@pytest.mark.parametrize(
    ("candidates", "slots"),
    [
        ([{"text": "a b"}, {"text": "c d"}], (0, 1)),
        ([{"text": "a b", "slot": 1}, {"text": "c d", "slot": 3}], (1, 3)),
        ([{"text": "a b"}, {"text": "a b"}, {"text": "c d"}], (0, 2)),
        ([{"text": "a b"}, {"text": "c d", "slot": 10**12}], (0, 63)),
    ],
)
def test_slot_of_a_reply_is_its_place_on_the_screen(candidates, slots):
    found = make_offer(choice(candidates=candidates, picked=[0]))
    assert found is not None and found.slots == slots


def test_own_text_is_not_counted():
    assert make_offer(choice(own="Let me look that up for you myself.", kind="own", picked=[])) is None


def test_file_may_be_gzipped_and_the_limit_is_a_stable_part(tmp_path):
    lines = [make_choice(number, "test") for number in range(30)]
    write_lines(tmp_path / "all.jsonl", lines)
    with gzip.open(tmp_path / "all.jsonl.gz", "wt") as out:
        out.writelines(json.dumps(line) + "\n" for line in reversed(lines))
    some, total = read_offers(tmp_path / "all.jsonl", limit=7)
    again, _ = read_offers(tmp_path / "all.jsonl.gz", limit=7)
    more, _ = read_offers(tmp_path / "all.jsonl", limit=12)
    assert total == 30 and [offer.id for offer in some] == [offer.id for offer in again]
    assert {offer.id for offer in some} < {offer.id for offer in more}


def test_only_the_wanted_split_is_read(dataset):
    assert len(read_offers(dataset, "test")[0]) == 24


def test_missing_dataset_is_named(tmp_path):
    with pytest.raises(DatasetMissing, match="nowhere"):
        read_offers(tmp_path / "nowhere.jsonl")
