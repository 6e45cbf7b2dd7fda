import math

import pytest

from feedback.policy import OfflineLimits
from trainer.baselines import Score
from trainer.gate import decide
from trainer.report import OfflineReport, ReplyFigures, TrainFit

POLICY = OfflineLimits(
    min_choices=20,
    max_log_loss_over_slot=0.0,
    max_kl_to_base=0.5,
    min_length_ratio=0.8,
    max_length_ratio=1.25,
)


def score(nats: float) -> Score:
    return Score(log_loss=nats, accuracy=0.5, ci95=(nats - 0.1, nats + 0.1))


REPLIES = ReplyFigures(
    prompts=50, sampled=400, length_ratio=1.0, broken_greedy=0.0, broken_greedy_base=0.0, broken_sampled=0.01,
    broken_sampled_base=0.005, repeated=0.10, repeated_base=0.05, faults={},
)  # fmt: skip
GOOD = OfflineReport(
    n=30, total=30, uniform=score(1.386), slot=score(1.38), base=score(1.39), adapter=score(1.1),
    adapter_slot=score(1.09),    serving=score(1.2), serving_name="tuned-20261101-1", kl_to_base=0.1,
    train=TrainFit(n=100, accuracy=0.6, uniform_accuracy=0.25, log_loss=1.0), replies=REPLIES,
)  # fmt: skip


def test_good_report_passes_without_reasons():
    decision = decide(GOOD, POLICY)
    assert (decision.verdict, decision.reasons) == ("passed", ())


@pytest.mark.parametrize(
    ("change", "codes", "value", "limit"),
    [
        ({"n": 19}, ["no_evidence"], 19, 20),
        ({"adapter": score(1.39)}, ["worse_than_uniform", "worse_than_serving"], 1.39, 1.386),
        ({"adapter_slot": score(1.381)}, ["worse_than_slot"], 1.381, 1.38),
        ({"serving": score(1.09)}, ["worse_than_serving"], 1.1, 1.095),
        ({"kl_to_base": 0.51}, ["drifted"], 0.51, 0.5),
        ({"kl_to_base": None}, ["drifted"], None, 0.5),
        ({"kl_to_base": math.nan}, ["drifted"], math.nan, 0.5),
        (
            {"train": TrainFit(n=9, accuracy=0.29, uniform_accuracy=0.25, log_loss=1.3)},
            ["cannot_fit"],
            0.29,
            0.3,
        ),
        ({"adapter": None}, ["worse_than_uniform", "worse_than_serving"], None, 1.386),
        ({"replies": None}, ["no_replies"], None, 1),
        ({"replies": REPLIES.model_copy(update={"length_ratio": 0.79})}, ["too_short"], 0.79, 0.8),
        ({"replies": REPLIES.model_copy(update={"length_ratio": 1.26})}, ["too_long"], 1.26, 1.25),
        ({"replies": REPLIES.model_copy(update={"broken_greedy": 0.02})}, ["broken_greedy"], 0.02, 0.0),
        ({"replies": REPLIES.model_copy(update={"broken_sampled": 0.016})}, ["broken_sampled"], 0.016, 0.015),
        ({"replies": REPLIES.model_copy(update={"repeated": 0.21})}, ["repeats_itself"], 0.21, 0.2),
    ],
)
def test_each_missed_limit_is_a_named_reason(change, codes, value, limit):
    decision = decide(GOOD.model_copy(update=change), POLICY)
    assert decision.verdict == "refused"
    assert [reason.code for reason in decision.reasons] == codes
    first = decision.reasons[0]
    assert (first.value, first.limit) == (
        pytest.approx(value, nan_ok=True) if value is not None else None,
        limit,
    )


def test_nothing_measured_is_refused_for_want_of_evidence():
    decision = decide(OfflineReport(), POLICY)
    assert [reason.code for reason in decision.reasons] == ["no_evidence", "no_replies"]


def test_what_the_base_breaks_itself_is_allowed():
    weak = REPLIES.model_copy(update={"broken_greedy": 0.08, "broken_greedy_base": 0.08})
    assert decide(GOOD.model_copy(update={"replies": weak}), POLICY).verdict == "passed"
    worse = weak.model_copy(update={"broken_greedy": 0.1})
    assert [r.code for r in decide(GOOD.model_copy(update={"replies": worse}), POLICY).reasons] == [
        "broken_greedy"
    ]


def test_nobody_serving_is_no_reason():
    assert decide(GOOD.model_copy(update={"serving": None}), POLICY).verdict == "passed"
