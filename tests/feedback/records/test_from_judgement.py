"""The table of worked examples: judgement -> choice -> pairs, or the reason why there is none."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from feedback.records.from_judgement import Judged, ShownSet, derive_choice
from feedback.records.pairs import pair_choice
from feedback.records.rejections import Refusal
from tests.feedback.records.examples import TEXTS, judged, shown

OWN = "Let me look into this with our warehouse and write to you again by noon."
EDITED = "I am sorry for the delay; I will call the carrier now and write to you."


@dataclass(frozen=True)
class Case:
    name: str
    judgement: Judged
    kind: str | None = None  # of the choice
    picked: tuple[int, ...] = ()
    pairs: tuple[str, ...] = ()
    refused: str | None = None
    on: ShownSet = field(default_factory=shown)
    dropped: int = 0  # pairs of texts that are too close


CASES = [
    Case("pick", judged("pick", 2), "pick", (2,), ("2>0", "2>1", "2>3")),
    Case("edit", judged("edit", 2, text=EDITED), "edit", (2,), ("edited>2", "2>0", "2>1", "2>3")),
    Case(
        "edit that changes nothing",
        judged("edit", 1, text=" Please  wait. "),
        "pick",
        (1,),
        ("1>0", "1>2", "1>3"),
    ),
    Case(
        "edit that changes case only",
        judged("edit", 1, text="please wait."),
        "pick",
        (1,),
        ("1>0", "1>2", "1>3"),
    ),
    Case(
        "edit into another candidate's text",
        judged("edit", 1, text=TEXTS[3]),
        "pick",
        (3,),
        ("3>0", "3>1", "3>2"),
    ),
    Case(
        "edit of one sign in 65, under 0.05",
        judged("edit", 2, text=TEXTS[2].replace("once.", "once!")),
        "pick",
        (2,),
        ("2>0", "2>1", "2>3"),
    ),
    Case(
        "edit to a number that the customer did not name",
        judged("edit", 0, text="Your order 20261 leaves our warehouse today."),
        "edit",
        (0,),
        ("edited>0", "0>1", "0>2", "0>3"),
    ),
    Case(
        "edit to the number that the customer named",
        judged("edit", 0, text="Your order A-1042 leaves our warehouse today."),
        "pick",
        (0,),
        ("0>1", "0>2", "0>3"),
        on=shown(texts=("Your order 20261 leaves our warehouse today.", *TEXTS[1:])),
    ),
    Case(
        "edit that puts the customer's words in",
        judged("edit", 1, text="Alice Please wait."),
        "pick",
        (1,),
        ("1>0", "1>2", "1>3"),
    ),
    Case(
        "edit of which little is left, over 0.70",
        judged("edit", 1, text=OWN),
        "own",
        (),
        ("own>0", "own>1", "own>2", "own>3"),
    ),
    Case("own", judged("own", text=OWN), "own", (), ("own>0", "own>1", "own>2", "own>3")),
    Case("own that is a candidate", judged("own", text=TEXTS[3]), "pick", (3,), ("3>0", "3>1", "3>2")),
    Case(
        "tie within an arm", judged("tie", 1, candidates=(1, 2)), "tie", (1, 2), ("1>0", "1>3", "2>0", "2>3")
    ),
    Case("tie across arms", judged("tie", 0, candidates=(0, 1)), "tie", (0, 1), ("0>2", "0>3", "1>2", "1>3")),
    Case("tie of all", judged("tie", 0, candidates=(0, 1, 2, 3)), refused="tie_of_all"),
    Case("none", judged("none"), refused="none"),
    Case("skip", judged("skip"), refused="skip"),
    Case("undone pick", judged("pick", 2, undone=True), refused="undone"),
    Case("undone none", judged("none", undone=True), refused="undone"),
    Case("unblinded", judged("pick", 2, unblinded=True), refused="unblinded"),
    Case(
        "a candidate was unavailable",
        judged("pick", 3),
        "pick",
        (2,),
        ("2>0", "2>1"),
        on=shown(states=("ready", "unavailable", "ready", "ready")),
    ),
    Case(
        "pick of an unavailable candidate",
        judged("pick", 1),
        refused="reply_unavailable",
        on=shown(states=("ready", "unavailable", "ready", "ready")),
    ),
    Case("pick of another set's candidate", judged("pick", 7), refused="reply_unavailable"),
    Case(
        "merged texts are one reply",
        judged("pick", 0),
        "pick",
        (0,),
        ("0>1", "0>2"),
        on=shown(
            texts=("Yes.", "Yes.", "No.", "Maybe."),
            arms=("both", "tuned", "tuned", "base"),
            states=("ready", "merged", "ready", "ready"),
        ),
    ),
    Case(
        "three of four unavailable",
        judged("pick", 0),
        refused="fewer_than_two_replies",
        on=shown(states=("ready", "unavailable", "unavailable", "unavailable")),
    ),
    Case(
        "all texts equal",
        judged("pick", 0),
        refused="fewer_than_two_replies",
        on=shown(texts=("Yes.", "yes.", " Yes.", "Ｙes.")),
    ),
    Case(
        "two replies closer than 0.05",
        judged("pick", 0),
        "pick",
        (0,),
        ("0>2", "0>3"),
        dropped=1,
        on=shown(
            texts=("We will send it to you today, Alice!", "We will send it to you today, Alice.", *TEXTS[2:])
        ),
    ),
    Case("own before the reveal", judged("own", text=OWN), refused="set_not_ready", on=shown(revealed=False)),
    Case("erased own text", judged("own"), refused="erased"),
    Case("erased candidates", judged("pick", 2), refused="erased", on=shown(texts=(None,) * 4)),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_worked_examples(case: Case):
    choice = derive_choice(case.judgement, case.on)
    if case.refused is not None:
        assert isinstance(choice, Refusal)
        assert choice.reason == case.refused
        return
    assert not isinstance(choice, Refusal), choice
    assert (choice.kind, tuple(choice.picked)) == (case.kind, case.picked)
    made: list[Any] = pair_choice(choice.to_record())
    assert tuple(pair[0] for pair in made if not isinstance(pair, Refusal)) == case.pairs
    assert [pair.reason for pair in made if isinstance(pair, Refusal)] == ["too_close"] * case.dropped


def test_an_own_text_after_none_is_one_choice_and_one_reason():
    first = derive_choice(judged("none"), shown())
    second = derive_choice(judged("own", text=OWN), shown())
    assert first == Refusal("none")
    assert second.own == OWN and second.picked == []


def test_the_superseded_first_attempt_is_undone_and_the_second_counts():
    before = derive_choice(judged("pick", 0, undone=True), shown())
    after = derive_choice(judged("pick", 1, id="j2"), shown())
    assert before.reason == "undone"
    assert (after.id, after.picked) == ("j2", [1])


def test_a_slot_is_a_place_on_the_screen():
    # A merged reply has no card; an unavailable one has an empty card.
    choice = derive_choice(judged("pick", 3), shown(states=("ready", "merged", "unavailable", "ready")))
    assert [reply.slot for reply in choice.candidates] == [None, 2] and choice.picked == [1]
    assert [reply.slot for reply in derive_choice(judged("pick", 3), shown()).candidates] == [None] * 4


def test_a_choice_repeats_what_was_shown_and_what_the_engine_said():
    choice = derive_choice(judged("pick", 2, dwell_ms=4200), shown(language="en", tags=("vip",)))
    record = choice.to_record()
    assert record["id"] == "j1" and record["conversation"] == "conv-1" and record["source"] == "live"
    assert [reply["arm"] for reply in record["candidates"]] == ["base", "tuned", "tuned", "base"]
    assert (
        record["candidates"][1]["adapter"] == "tuned-20261121-1" and "adapter" not in record["candidates"][0]
    )
    assert record["candidates"][3]["token_ids"] == [3] and record["prompt_token_ids"] == [1, 2, 3]
    assert record["at"] == "2026-11-22T09:00:00Z" and record["annotator"] == "ann"
    assert record["edited"] is None and record["own"] is None and record["tags"] == ["vip"]
    assert record["dwell_ms"] == 4200 and "slot" not in record["candidates"][0]
