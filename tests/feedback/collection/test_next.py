"""How many picks are missing, and what to collect next, by hand."""

import pytest

from feedback.collection.next import count_missing, find_next
from feedback.collection.rows import CollectionRow
from feedback.experiments.tally import Tally

# z² = 3.8415 and e² = 0.0025, so n = 1536.6 p (1 - p); p is the end of Wilson's interval nearest to one half.
MISSING = [
    (Tally(), 385),  # p = 0.5: 384.1
    (Tally(6, 4), 375),  # 31 to 83 %: p = 0.5
    (Tally(3, 0), 382),  # 44 to 100 %: p = 0.5, though all three won
    (Tally(90, 10), 122),  # 82.6 to 94.5 %: 1536.6 * 0.8256 * 0.1744 = 221.2
    (Tally(10, 90), 122),  # the mirror image
    (Tally(88, 8, 4), 122),  # a tie is half for each side, and a pick that is there
    (Tally(200, 200), 0),
]


@pytest.mark.parametrize(("tally", "missing"), MISSING, ids=range(len(MISSING)))
def test_missing_picks(tally, missing):
    assert count_missing(tally) == missing


def test_the_tag_that_misses_most_is_next_and_of_equal_ones_the_one_with_fewest_records():
    often = CollectionRow("delivery", 60, {"train": 40}, tally=Tally(90, 10))
    few = CollectionRow("refund", 10, {"train": 8, "test": 2})
    fewer = CollectionRow("billing", 12, {"train": 6})
    rare = CollectionRow("typo", 4)  # below a twentieth of 100 rows
    step = find_next([often, few, fewer, rare], "tuned-1")
    assert (step.code, step.values) == ("no_picks", {"tag": "billing", "usable": 6, "missing": 385})
    step = find_next([few, fewer], None)
    assert step.to_json()["text"] == (
        "Collect “billing” next (usable records: 6): the base serves alone, so that no support rate is known "
        "yet; once an adapter serves, too, 385 picks tell that of this tag to within 5 points."
    )
    step = find_next([often, rare], "tuned-1")
    assert step.to_json()["text"] == (
        "Collect “delivery” next: its 100 picks put the support rate between 83 and 94 %, and 122 more tell "
        "it to within 5 points (usable records: 40)."
    )
    assert find_next([CollectionRow("delivery", 1, tally=Tally(200, 200))], "tuned-1").code == "enough"
    assert find_next([], None).code == "no_tags"
