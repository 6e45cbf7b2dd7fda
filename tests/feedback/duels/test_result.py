"""The figures of a closed duel, worked out by hand."""

import random
from datetime import timedelta

import pytest

from feedback.duels.result import BOTH_BAD, LOST, TIED, WON, count_result, decide_round
from feedback.experiments.sequential_tests import e_better, e_harm, wilson_interval
from feedback.store.duel_rounds import Round
from feedback.store.duel_verdicts import ActiveVerdict
from tests.feedback.duels.duel_desk import ADAPTER, BUILT, RIVAL, STARTED


def rounds(states: str, adapter_on: str, rival: str | None = None) -> list[Round]:
    named = {"r": "ready", "e": "equal", "l": "left_out", "w": "waiting"}
    return [
        Round(
            position=position,
            state=named[state],
            reason="cut_off" if state == "l" else None,
            a_adapter=ADAPTER if side == "a" else rival,
            a_arm=None,
        )
        for position, (state, side) in enumerate(zip(states, adapter_on, strict=True), start=1)
    ]


def said(*verdicts: tuple[int, str] | tuple[int, str, str], at=STARTED) -> list[ActiveVerdict]:
    return [
        ActiveVerdict(f"v{n}", position, verdict, *(judge or ["eva"]), at)
        for n, (position, verdict, *judge) in enumerate(verdicts)
    ]


def count(rows, verdicts, rival=None):
    return count_result(ADAPTER, rival, rows, verdicts, trained_until=BUILT)


def test_the_side_of_the_adapter_decides_what_a_verdict_means():
    rows = rounds("rrrrrr", "abbaba")
    result = count(rows, said((1, "a"), (2, "a"), (3, "b"), (4, "b"), (5, "tie"), (6, "both_bad")))
    score = result.score
    assert (score.won, score.lost, score.tied, score.both_bad) == (2, 2, 1, 1)
    assert score.counted == 5 and score.rate == 0.5
    assert result.score.grade == "not_known"


def test_of_two_adapters_the_named_one_has_the_rate():
    rows = rounds("rrr", "abb", RIVAL)
    result = count(rows, said((1, "a"), (2, "b"), (3, "a")), RIVAL)
    assert (result.score.won, result.score.lost) == (2, 1)


def test_the_figures_are_those_of_the_support_rate():
    rows = rounds("r" * 40, "ab" * 20)
    verdicts = said(*[(n, (rows[n - 1].a_adapter == ADAPTER and "a") or "b") for n in range(1, 31)])
    verdicts += said(*[(n, "a" if rows[n - 1].a_adapter != ADAPTER else "b") for n in range(31, 37)])
    verdicts += said(*[(n, "tie") for n in range(37, 41)])
    told = count(rows, verdicts).to_json()
    assert (told["won"], told["lost"], told["tied"], told["counted"]) == (30, 6, 4, 40)
    assert told["rate"] == 32 / 40 and told["band"] == "success"
    assert (told["low"], told["high"]) == wilson_interval(32, 40)
    assert told["low"] == pytest.approx(0.6524, abs=1e-4) and told["high"] == pytest.approx(0.8950, abs=1e-4)
    assert told["e_better"] == e_better(30, 36) > 20
    assert told["e_harm"] == e_harm(30, 36) == 0


def test_two_judges_on_a_round_are_one_observation():
    rows = rounds("rrrr", "aaaa")
    verdicts = said(
        (1, "a", "eva"),
        (1, "a", "ada"),
        (2, "a", "eva"),
        (2, "b", "ada"),
        (3, "a", "eva"),
        (3, "both_bad", "ada"),
        (4, "both_bad", "eva"),
        (4, "both_bad", "ada"),
    )
    result = count(rows, verdicts)
    assert (result.score.won, result.score.tied, result.score.both_bad) == (2, 1, 1)
    assert result.score.counted == 3
    assert (result.shared, result.agreed) == (4, 2)
    eva, ada = result.judges["eva"], result.judges["ada"]
    assert (eva.won, eva.both_bad, eva.rate) == (3, 1, 1.0)
    assert (ada.won, ada.lost, ada.both_bad, ada.rate) == (1, 1, 2, 0.5)


@pytest.mark.parametrize(
    ("outcomes", "decided"),
    [
        ([WON, WON, LOST], WON),
        ([WON, LOST], TIED),
        ([TIED, TIED, LOST], LOST),
        ([TIED, BOTH_BAD], TIED),
        ([BOTH_BAD], BOTH_BAD),
    ],
)
def test_the_majority_of_those_who_prefer_one_decides(outcomes, decided):
    assert decide_round(outcomes) == decided


def test_equal_texts_are_ties_as_far_as_judging_came():
    rows = rounds("erelre", "aaaaaa")
    nobody = count(rows, [])
    assert (nobody.equal, nobody.score.counted, nobody.unjudged) == (0, 0, 2)
    half = count(rows, said((2, "a")))
    assert (half.equal, half.score.tied, half.score.won, half.unjudged) == (1, 1, 1, 1)
    whole = count(rows, said((2, "a"), (5, "a")))
    assert (whole.equal, whole.score.tied, whole.unjudged) == (3, 3, 0)
    assert dict(whole.left_out) == {"cut_off": 1}


def test_a_duel_of_equal_texts_alone_is_a_tie():
    result = count(rounds("ee", "ab"), [])
    assert (result.score.rate, result.score.grade) == (0.5, "not_known")


def test_nothing_judged_is_no_rate():
    told = count(rounds("rr", "ab"), []).to_json()
    assert (told["rate"], told["band"], told["low"], told["high"]) == (None, None, 0.0, 1.0)


def test_a_verdict_that_a_contender_may_have_learnt_is_no_evidence():
    rows = rounds("rr", "aa")
    old = said((1, "a"), at=BUILT) + said((2, "a"), at=BUILT + timedelta(microseconds=1))
    result = count(rows, old)
    assert (result.score.won, result.unjudged) == (1, 1)
    assert dict(result.left_out) == {"trained_on_it": 1}


def test_exchanging_the_contenders_mirrors_the_result():
    chance = random.Random(7)
    for _ in range(50):
        sides = "".join(chance.choice("ab") for _ in range(12))
        rows = rounds("".join(chance.choice("rrrel") for _ in range(12)), sides, RIVAL)
        verdicts = said(
            *[
                (row.position, chance.choice(["a", "b", "tie", "both_bad"]), judge)
                for row in rows
                for judge in ("eva", "ada")
                if row.state == "ready" and chance.random() < 0.7
            ]
        )
        one = count(rows, verdicts, RIVAL).score
        other = count_result(RIVAL, ADAPTER, rows, verdicts, trained_until=BUILT).score
        assert (one.won, one.lost) == (other.lost, other.won)
        assert (one.tied, one.both_bad) == (other.tied, other.both_bad)
