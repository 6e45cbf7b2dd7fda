"""Advice for a desk: worked examples, every figure of which is counted or computed by hand."""

from dataclasses import replace

import pytest

from feedback.advice.desk_rules import advise_desk
from feedback.advice.facts import DeskFacts, PickPlaces, RunFigures, Served, picks_within
from feedback.experiments.sequential_tests import wilson_interval
from feedback.experiments.tally import Tally

FORM = DeskFacts(
    kinds={"pick": 60, "edit": 120, "own": 12, "tie": 8},
    edits=120,
    forms={"greeting": 70, "punctuation": 25, "length": 10},
    usable=190,
    fresh=190,
    texts=130,
)
FEW = DeskFacts(kinds={"pick": 40}, usable=40, fresh=40, tags={"refund": (30, 6), "shipping": (50, 34)})
MANY = DeskFacts(
    kinds={"pick": 2_700, "edit": 250, "own": 100, "none": 90},
    usable=3_000,
    fresh=600,
    runs=[RunFigures("a", 0.05, 0.06), RunFigures("b", 0.06, 0.09), RunFigures("c", 0.07, 0.14)],
)
UNABLE = DeskFacts(
    kinds={"pick": 100, "edit": 100, "own": 600}, usable=800, fresh=800, texts=700, min_fresh=50
)
GOOD = Served("tuned-1", Tally(180, 120))  # Wilson: 54.4 to 65.4 %


def codes(advice):
    return [said.code for said in advice.sentences]


def test_form_faults_alone_ask_for_another_prompt():
    """105 of 120 edits: 87.5 %, Wilson from 80.4 %; 120 of 200 closed sets were edited."""
    advice = advise_desk(FORM)
    assert (advice.what, advice.command) == ("prompt", "rejoinder init --system-prompt FILE")
    assert advice.to_json()["text"] == (
        "Change the system prompt first: 105 of the last 120 edits change the form alone, mostly greeting or "
        "sign-off, and training is the slow way to that. Form takes tens to hundreds of examples and a "
        "sentence in the prompt; edits before the change will no longer count here."
    )
    assert advice.figures["form_edits"] == 105


@pytest.mark.parametrize(
    "changed",
    [
        {"edits": 19, "forms": {"greeting": 19}},  # tens are needed
        {"forms": {"greeting": 70}},  # 58.3 %, from 49.4 %: half of the edits may be more than form
        {"kinds": {"pick": 600, "edit": 120}},  # one in six was edited at all
    ],
)
def test_without_enough_edits_of_the_form_the_prompt_stays(changed):
    assert advise_desk(replace(FORM, **changed)).what == "collect"


def test_with_a_thousand_examples_the_form_is_learnt():
    assert advise_desk(replace(FORM, usable=1_000)).what == "dpo"


def test_forty_picks_ask_for_more_and_of_which_tag():
    """960 to a thousand; 381 of a tag, of which 6 are there."""
    advice = advise_desk(FEW)
    assert (advice.what, codes(advice)) == ("collect", ["collect_choices", "fewest_of_tag"])
    assert advice.to_json()["text"] == (
        "Collect choices: 40 can be learnt from, of the 1000 that an ordinary task takes; 960 more. The "
        "fewest are about “refund”: 6; 375 more tell a share of them to within 5 points."
    )
    assert advise_desk(replace(FEW, fresh=50)).sentences[-1].code == "nights_go_on"


def test_a_tag_that_hardly_occurs_is_not_asked_for():
    tags = {**FEW.tags, "lost umbrella": (2, 0)}  # 5 % of 50 rows are 2.5
    assert advise_desk(replace(FEW, tags=tags)).sentences[1].values["tag"] == "refund"
    assert codes(advise_desk(replace(FEW, tags={"refund": (900, 381)}))) == ["collect_choices"]


def test_so_many_picks_tell_any_share_to_within_five_points():
    assert picks_within(0.05) == 381
    for n, is_enough in ((381, True), (380, False)):
        low, high = wilson_interval(n / 2, n)
        assert ((high - low) / 2 <= 0.05) == is_enough


def test_many_picks_and_a_falling_replay_score_ask_for_a_slower_run():
    """0.14 nats a token are more than half of the limit of 0.2, after 0.06 and 0.09."""
    advice = advise_desk(MANY)
    assert (advice.what, codes(advice)) == ("dpo", ["train_on_choices", "replay_falls"])
    assert "0.06, 0.09 and 0.14 nats a token from the base (limit 0.2)" in advice.to_json()["text"]
    assert advice.command == "rejoinder train --now --recipe FILE"


@pytest.mark.parametrize("drifts", [(0.06, 0.05, 0.14), (0.06, 0.09), (0.02, 0.03, 0.04), (0.1, None, 0.2)])
def test_without_a_clear_fall_the_next_run_is_as_the_last(drifts):
    runs = [RunFigures(str(number), 0.05 * number, drift) for number, drift in enumerate(drifts)]
    advice = advise_desk(replace(MANY, runs=runs))
    assert (advice.what, advice.command) == ("dpo", "rejoinder train --now")


def test_where_the_base_cannot_do_the_task_texts_come_first():
    """600 of 800 were written by hand: 75 %, Wilson 71.9 to 77.9 %. Of a thousand texts 300 are missing."""
    advice = advise_desk(UNABLE)
    assert (advice.what, codes(advice)) == ("collect", ["written_by_hand", "collect_texts"])
    assert advice.sentences[1].values == {"texts": 700, "needed": 1_000, "missing": 300}
    enough = advise_desk(replace(UNABLE, texts=1_000))
    assert (enough.what, enough.command) == ("sft", "rejoinder train --now --recipe lora_sft")


def test_a_task_that_the_base_knows_nothing_of_takes_ten_thousand_texts():
    """720 of 800 are 90 %, Wilson from 87.7 %."""
    facts = replace(UNABLE, kinds={"pick": 80, "own": 720}, texts=1_000)
    assert advise_desk(facts).sentences[1].values["missing"] == 9_000
    assert advise_desk(replace(facts, texts=10_000)).what == "sft"


def test_sets_without_a_good_reply_count_as_what_the_base_cannot_do():
    """Own replies mostly follow a "none", so 300 of 400 judgements count, not 600 of 700."""
    facts = replace(UNABLE, kinds={"pick": 100, "own": 0, "none": 300})
    assert facts.failures == ("none_good", 300, 400)
    assert codes(advise_desk(facts)) == ["none_good", "collect_texts"]
    assert replace(facts, kinds={"pick": 100, "own": 300, "none": 300}).failures[0] == ("written_by_hand")


def test_picks_of_the_first_card_say_little():
    """260 of 400 are 65 %, Wilson from 60.2 %; of four cards more than 50 % are too many, of two 75 %."""
    facts = replace(MANY, places=PickPlaces(400, 260, 100.0))
    advice = advise_desk(facts)
    assert (advice.what, codes(advice)) == ("collect", ["follows_place"])
    assert "65 % of 400 picks took the first card, where chance gives 25 %" in advice.to_json()["text"]
    assert advise_desk(replace(facts, places=PickPlaces(400, 260, 200.0))).what == "dpo"
    assert advise_desk(replace(facts, places=PickPlaces(400, 215, 100.0))).what == "dpo"  # from 48.9 %


def test_what_is_good_and_steady_is_left_alone():
    steady = [RunFigures("a", 0.06, 0.05), RunFigures("b", 0.064, 0.05)]
    good = replace(MANY, served=GOOD, runs=steady)
    assert (advise_desk(good).what, codes(advise_desk(good))) == ("nothing", ["good_and_steady"])
    growing = [steady[0], RunFigures("b", 0.07, 0.05)]
    assert advise_desk(replace(good, runs=growing)).what == "dpo"
    waiting = advise_desk(replace(good, runs=growing, fresh=12))
    assert waiting.to_json()["text"] == (
        "Do nothing: tuned-1 is better than the base, with 60 % of 300 picks (54 to 65 %), and 12 new "
        "choices have come since the last run; 50 make a night."
    )
    unsure = replace(good, served=Served("tuned-1", Tally(160, 140)))  # from 47.7 %
    assert advise_desk(unsure).what == "dpo"


def test_without_anything_new_there_is_nothing_to_do():
    assert codes(advise_desk(replace(MANY, fresh=12, runs=()))) == ["nothing_new"]


def test_thumbs_alone_ask_for_picks():
    advice = advise_desk(DeskFacts(thumbs=120))
    assert (advice.what, codes(advice)) == ("collect", ["thumbs_alone"])
    assert advice.command == "rejoinder task add NAME --kind compare"
    assert advice.to_json()["text"].startswith("There are 120 thumbs and no judgements")
    assert codes(advise_desk(DeskFacts(kinds={"pick": 1}, usable=1, thumbs=120)))[0] == "collect_choices"


def test_an_empty_desk_is_told_to_begin():
    assert codes(advise_desk(DeskFacts())) == ["begin"]
