"""The sentence of the morning: what every situation has to be told as, word for word.

The situations stand in commands/situations.py, whence docs/morning.md shows them, too; sentences.txt says
what is to be told of each.
"""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from commands.shifts import SHIFTS
from commands.situations import NEW, NOW, SITUATIONS, canary, live_adapter, refused, run
from feedback.morning.sentence import say
from feedback.morning.words import ACTIONS, SENTENCES

# Blocks of three lines: the situation with its tone, the sentence, what to do.
BLOCK = re.compile(r"# (.+) \[(\w*)\]\n(.+)\n(.+)\n")
EXPECTED = {
    name: (tone, text, action)
    for name, tone, text, action in BLOCK.findall(
        (Path(__file__).parent / "sentences.txt").read_text("utf-8")
    )
}


@pytest.mark.parametrize("situation", SITUATIONS)
def test_each_situation_has_its_sentence_and_what_to_do(situation):
    said = say(SITUATIONS[situation]).to_json()
    assert (said["tone"], said["text"], said["action"]["text"]) == EXPECTED[situation]


def test_every_sentence_and_every_act_has_its_situation():
    said = [say(facts) for facts in SITUATIONS.values()]
    assert len(SITUATIONS) == len(EXPECTED) >= 25
    said += [alarm.said for alarm in SHIFTS.values()]  # beside the one sentence: tests/feedback/drift
    assert {each.code for each in said} == set(SENTENCES)
    assert {each.action.code for each in said} == set(ACTIONS)


def test_no_sentence_is_two_and_none_is_long():
    for facts in SITUATIONS.values():
        text = say(facts).to_json()["text"]
        assert text.endswith(".") and ". " not in text and len(text) < 210, text


def test_a_number_that_nobody_lives_to_see_is_never_told():
    """50.2 % of 412 picks would need 133,718 more: the adapter leaves after 1,500."""
    for won in range(190, 223):
        said = say(canary(won, 412 - won)).to_json()
        missing = said["action"]["values"].get("missing", 0)
        assert missing <= 1_500 - 412 + 10, said
    assert say(canary(207, 205)).code == "no_difference"


def test_the_worst_is_told_before_the_rest():
    harmful, failed = live_adapter(30, 70, e_harm=25.0), run("failed", step="train", error="KeyError")
    facts = replace(harmful, ended=failed, has_records=True)
    assert say(facts).code == "harm_proven"
    assert say(replace(facts, missing=frozenset({harmful.live.name}))).code == "base_stands_in"
    assert say(replace(facts, missed=NOW)).code == "night_missed"
    assert say(replace(facts, live=None)).code == "run_failed"


def test_a_run_that_goes_on_hides_no_missed_night_that_it_makes_up_for():
    going = run("running", finished_at=None, fencing_token=1, step="train")
    assert say(replace(live_adapter(180, 120), missed=NOW, going=going)).code == "run_goes_on"


def test_a_refusal_is_told_until_a_later_run_ended_while_something_else_serves():
    facts = refused("drifted", 0.71, 0.5)
    skipped = run("skipped", id="later", reasons=[{"code": "too_little_new"}])
    assert say(replace(facts, ended=skipped)).code == "refused"  # the base alone: it stays the news
    assert say(replace(facts, ended=skipped, live=live_adapter(180, 120).live)).code == "live_better"


def test_few_held_out_choices_are_no_over_fit():
    report = {
        "n": 9,
        "base": {"log_loss": 1.3},
        "adapter": {"log_loss": 1.5},
        "train": {"accuracy": 0.7, "uniform_accuracy": 0.25},
    }
    assert say(refused("no_evidence", 9, 20, report=report)).code == "too_little_evidence"
    assert say(refused("no_evidence", 10, 20, report={**report, "n": 10})).code == "over_fit"
    better = {**report, "n": 19, "adapter": {"log_loss": 1.2}}
    assert say(refused("no_evidence", 19, 20, report=better)).code == "too_little_evidence"
    unfit = {**report, "n": 19, "train": {"accuracy": 0.27, "uniform_accuracy": 0.25}}
    assert say(refused("no_evidence", 19, 20, report=unfit)).code == "too_little_evidence"


def test_of_several_reasons_missing_evidence_is_the_last():
    facts = refused("no_evidence", 9, 20)
    broken = {"code": "broken_greedy", "text": "", "value": 0.5, "limit": 0.0}
    facts.trained.reasons = [*facts.trained.reasons, broken]
    assert say(facts).to_json()["text"].startswith(f"{NEW} was refused: “broken replies")
    silent = {"code": "no_replies", "text": "", "value": None, "limit": 1}
    facts = refused("no_evidence", 9, 20)
    facts.trained.reasons = [silent, *facts.trained.reasons]
    assert say(facts).code == "too_little_evidence"  # what was not measured is told after it


def test_better_and_worse_are_said_only_where_the_interval_excludes_one_half():
    """Of every count up to 60 picks, by Wilson's formula."""
    z = 1.959964
    for n in range(10, 60):
        for won in range(n + 1):
            share = won / n
            half = z * (share * (1 - share) / n + z * z / (4 * n * n)) ** 0.5
            low, high = ((share + z * z / (2 * n) + sign * half) / (1 + z * z / n) for sign in (-1, 1))
            text = say(live_adapter(won, n - won)).to_json()["text"]
            assert ("worse" in text) == (high < 0.5), (won, n, text)
            assert bool(re.search("is live and better|went live", text)) == (low > 0.5), (won, n, text)
