"""What an item comes to, by kind and outcome, as worked out by hand."""

from dataclasses import replace

import pytest

from feedback.records.derived import derive_label_record
from feedback.records.from_label import ItemLabel, LabelledItem, derive_outcome, weigh_item
from feedback.records.rejections import REASONS, Refusal
from feedback.records.split import split_of
from tests.databases import START

ASKED = [{"role": "user", "content": "May I return the lamp?"}]
YES, NO, PAGE = "Yes, within 30 days.", "No, lamps stay sold.", "Please read our page on returns."
COMPARE = {"messages": ASKED, "a": YES, "b": NO}
PICK = {"messages": ASKED, "replies": [YES, NO, PAGE]}
ONE = {"messages": ASKED, "reply": YES}
REWRITTEN = "Yes, within 30 days, and we pay for the parcel."


def make(kind, shown, outcome, *labels, **fields):
    return LabelledItem("i", kind, "c", "settled", None, shown, outcome, START, labels=labels, **fields)


def said(labeller, value, **fields):
    return ItemLabel(labeller, value, **fields)


@pytest.mark.parametrize(
    ("kind", "shown", "outcome", "settled", "picked"),
    [
        ("compare", COMPARE, {"side": "a"}, "pick", [0]),
        ("compare", COMPARE, {"side": "b"}, "pick", [1]),
        ("pick", PICK, {"picked": [2]}, "pick", [2]),
        ("pick", PICK, {"picked": [2, 0]}, "tie", [0, 2]),
    ],
)
def test_compare_and_pick_are_choices(kind, shown, outcome, settled, picked):
    form = derive_outcome(make(kind, shown, outcome))
    assert (form.kind, form.picked, form.source, form.conversation) == (settled, picked, "label", "c")
    texts = [YES, NO, PAGE][: len(form.candidates)]
    assert [reply.text for reply in form.candidates] == texts and form.prompt[0].content == ASKED[0][
        "content"
    ]


@pytest.mark.parametrize(
    ("kind", "shown", "outcome", "reason"),
    [
        ("compare", COMPARE, {"side": "tie"}, "tie_of_all"),
        ("compare", COMPARE, {"side": "both_bad"}, "none"),
        ("compare", COMPARE | {"b": f" {YES.upper()} "}, {"side": "a"}, "fewer_than_two_replies"),
        ("pick", PICK, {"none": True}, "none"),
        ("pick", PICK, {"picked": [0, 1, 2]}, "tie_of_all"),
        ("rate", ONE, {"score": 3}, "unclear_label"),
        ("rewrite", ONE, {"unchanged": True}, "unchanged"),
        ("compare", {"messages": [{"role": "assistant", "content": "Hi"}], "a": YES, "b": NO}, {"side": "a"},
         "prompt_not_from_user"),
    ],
)  # fmt: skip
def test_what_prefers_nothing_says_why(kind, shown, outcome, reason):
    assert derive_outcome(make(kind, shown, outcome)).reason == reason and reason in REASONS


@pytest.mark.parametrize(("score", "up"), [(1, False), (2, False), (4, True), (5, True)])
def test_a_rating_is_a_thumb(score, up):
    form = derive_outcome(make("rate", ONE, {"score": score}))
    assert (form.label, form.completion[0].content) == (up, YES)


@pytest.mark.parametrize(
    ("text", "settled", "weight"),
    [
        (REWRITTEN, "edit", None),
        ("We take back whatever you bought here, for a month, and at our own cost.", "own", 0.5),
        ("Yes, within 30  days.", None, "too_close"),
        ("Yes, within 14 days.", "edit", None),  # another number is another answer
        ("  ", None, "blank_text"),
    ],
)
def test_a_rewritten_text_is_preferred_to_its_reply_by_the_rules_of_edits(text, settled, weight):
    item = make("rewrite", ONE, {"unchanged": False}, said("ann", {"unchanged": False}, text=text))
    form, row = derive_outcome(item), derive_label_record(item)
    assert (row["settled"], row["kind"]) == (settled, "pair")
    if isinstance(form, Refusal):
        assert (form.reason, row["rejection"], row["pairs"]) == (weight, weight, 0)
    else:
        assert (form.chosen[0].content, form.rejected[0].content, form.weight) == (text, YES, weight)
        assert (row["rejection"], row["pairs"]) == (None, 1)


def test_an_outcome_has_the_split_of_its_conversation_and_one_record_whoever_labelled():
    labels = [
        said("ann", {"side": "a"}, dwell_ms=4000),
        said("ben", {"side": "b"}, dwell_ms=1),
        said("eva", {"side": "a"}, dwell_ms=8000),
    ]
    row = derive_label_record(make("compare", COMPARE, {"side": "a"}, *labels, tags=("returns",)))
    told = ("origin_kind", "origin_id", "identity", "given", "settled", "pairs", "agent", "dwell_ms", "tags")
    assert [row[name] for name in told] == [
        "label", "i", "i", "compare", "pick", 1, None, 6000, ["returns"],
    ]  # fmt: skip
    assert (row["split"], row["source"], row["at"]) == (split_of("c"), "label", START)


def test_who_alone_said_it_is_its_annotator_but_no_customer():
    one = make("compare", COMPARE, {"side": "a"}, said("ann", {"side": "a"}), said("ben", {"side": "b"}))
    assert derive_outcome(one).annotator == "ann"
    customer = make("compare", COMPARE, {"side": "a"}, said("visitor:c", {"side": "a"}))
    assert derive_outcome(customer).annotator is None


def test_who_adjudicates_decides_alone():
    labels = [
        said("ann", {"side": "a"}),
        said("eva", {"side": "a"}, saw_others=True),
        said("ben", {"side": "b"}),
    ]
    assert derive_outcome(make("compare", COMPARE, {"side": "a"}, *labels)).annotator == "eva"


@pytest.mark.parametrize(
    ("state", "reason", "expected"),
    [
        ("open", None, "reopened"),
        ("disputed", None, "reopened"),
        ("dropped", "erased", "erased"),
        ("dropped", "import_undone", "import_undone"),
    ],
)
def test_an_item_that_is_not_settled_any_more_trains_nothing(state, reason, expected):
    item = replace(make("compare", COMPARE, {"side": "a"}), state=state, reason=reason)
    row = derive_label_record(item)
    assert (row["rejection"], row["settled"], row["pairs"]) == (expected, None, 0) and expected in REASONS


def test_a_record_weighs_as_its_labellers_are_right():
    """Of four answers chance is 0.25: (0.6 - 0.25) / 0.65 = 0.538462; ben said something else."""
    sure = said("ann", {"side": "a"}, accuracy=0.95, labels=40)
    unsure = said("eva", {"side": "a"}, accuracy=0.6, labels=40)
    wrong = said("ben", {"side": "b"}, accuracy=0.1, labels=90)
    new = said("kim", {"side": "a"}, accuracy=0.1, labels=19)
    assert weigh_item(make("compare", COMPARE, {"side": "a"}, sure, wrong)) == 1.0
    assert weigh_item(make("compare", COMPARE, {"side": "a"}, unsure, wrong)) == 0.538462
    assert weigh_item(make("compare", COMPARE, {"side": "a"}, sure, unsure)) == 0.769231
    assert weigh_item(make("compare", COMPARE, {"side": "a"}, new)) == 1.0
    assert weigh_item(make("compare", COMPARE, {"side": "b"}, wrong)) == 0.2
    # Of three replies there are four answers, of a score five, of a rewrite two.
    kinds = [
        ("pick", PICK, {"picked": [0]}),
        ("rate", ONE, {"score": 5}),
        ("rewrite", ONE, {"unchanged": True}),
    ]
    weights = [
        weigh_item(make(kind, shown, value, said("eva", value, accuracy=0.6, labels=20)))
        for kind, shown, value in kinds
    ]
    assert weights == [0.538462, 0.571429, 0.25]  # 0.35 / 0.65, 0.4 / 0.7, 0.1 / 0.4


def test_what_the_helper_settled_alone_weighs_as_it_agrees_with_people():
    """Of four answers: (0.7 - 0.25) / 0.65."""
    assert weigh_item(make("compare", COMPARE, {"side": "a"}, helper_agreed=0.7)) == 0.692308
