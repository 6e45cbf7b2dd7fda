import math
from pathlib import Path

import pytest

from feedback.deployment.policy import OfflineLimits
from trainer.evaluation.baselines import Score
from trainer.evaluation.gate import decide
from trainer.evaluation.report import (
    GuardFigures,
    GuardKind,
    OfflineReport,
    ReplayFigures,
    ReplyFigures,
    TrainFit,
)

POLICY = OfflineLimits(
    min_choices=20,
    max_log_loss_over_slot=0.0,
    max_log_loss_over_length=0.0,
    max_kl_to_base=0.5,
    min_length_ratio=0.8,
    max_length_ratio=1.25,
)


def score(nats: float) -> Score:
    return Score(log_loss=nats, accuracy=0.5, ci95=(nats - 0.1, nats + 0.1))


REPLIES = ReplyFigures(
    prompts=50, sampled=400, length_ratio=1.0, broken_greedy=0.0, broken_greedy_base=0.0, broken_sampled=0.01,
    broken_sampled_base=0.005, repeated=0.10, repeated_base=0.05, faults={}, edit_distance=0.4, same=0.2,
    surprise=0.1, copied=0.06, copied_base=0.05, wrong_language=0.01, wrong_language_base=0.01,
)  # fmt: skip
REPLAY = ReplayFigures(
    name="test split", sha256="0" * 64, rows=60, tokens=1200, kl=0.02, perplexity=1.5, perplexity_base=1.25
)
KINDS = {
    kind: GuardKind(prompts=8, replies=24, broken=0.125, broken_base=0.125, worst=[])
    for kind in ("refusal", "personal_data", "flattery", "made_up_links")
}


def with_kind(kind: str, **change: float) -> GuardFigures:
    return GuardFigures(sets={}, kinds=KINDS | {kind: KINDS[kind].model_copy(update=change)})


GOOD = OfflineReport(
    n=30, total=30, uniform=score(1.386), slot=score(1.38), base=score(1.39), adapter=score(1.1),
    adapter_slot=score(1.09),    serving=score(1.2), serving_name="tuned-20261101-1", kl_to_base=0.1,
    train=TrainFit(n=100, accuracy=0.6, uniform_accuracy=0.25, log_loss=1.0), replies=REPLIES,
    length=score(1.15), replay=REPLAY, guards=GuardFigures(sets={}, kinds=KINDS),
)  # fmt: skip


def test_good_report_passes_without_reasons():
    decision = decide(GOOD, POLICY)
    assert (decision.verdict, decision.reasons) == ("passed", ())


@pytest.mark.parametrize(
    ("change", "codes", "value", "limit"),
    [
        ({"n": 19}, ["no_evidence"], 19, 20),
        (
            {"adapter": score(1.39)},
            ["worse_than_uniform", "worse_than_length", "worse_than_serving"],
            1.39,
            1.386,
        ),
        ({"length": score(1.09)}, ["worse_than_length"], 1.1, 1.09),
        ({"length": None}, ["worse_than_length"], 1.1, 0.0),
        ({"adapter_slot": score(1.381)}, ["worse_than_slot"], 1.381, 1.38),
        ({"serving": score(1.09)}, ["worse_than_serving"], 1.1, 1.095),
        ({"kl_to_base": 0.51}, ["drifted"], 0.51, 0.5),
        ({"kl_to_base": None}, ["no_change", "drifted"], None, 1e-5),
        ({"kl_to_base": math.nan}, ["no_change", "drifted"], math.nan, 1e-5),
        ({"kl_to_base": 9e-6}, ["no_change"], 9e-6, 1e-5),
        ({"replay": None}, ["no_replay"], None, 1),
        ({"replay": REPLAY.model_copy(update={"kl": 0.21})}, ["forgot"], 0.21, 0.2),
        ({"replay": REPLAY.model_copy(update={"perplexity": 1.575})}, ["perplexity_grew"], 1.26, 1.25),
        (
            {"train": TrainFit(n=9, accuracy=0.29, uniform_accuracy=0.25, log_loss=1.3)},
            ["cannot_fit"],
            0.29,
            0.3,
        ),
        (
            {"adapter": None},
            ["worse_than_uniform", "worse_than_length", "worse_than_serving"],
            None,
            1.386,
        ),
        ({"replies": None}, ["no_replies"], None, 1),
        ({"replies": REPLIES.model_copy(update={"length_ratio": 0.79})}, ["too_short"], 0.79, 0.8),
        ({"replies": REPLIES.model_copy(update={"length_ratio": 1.26})}, ["too_long"], 1.26, 1.25),
        ({"replies": REPLIES.model_copy(update={"broken_greedy": 0.02})}, ["broken_greedy"], 0.02, 0.0),
        ({"replies": REPLIES.model_copy(update={"broken_sampled": 0.016})}, ["broken_sampled"], 0.016, 0.015),
        ({"replies": REPLIES.model_copy(update={"repeated": 0.21})}, ["repeats_itself"], 0.21, 0.2),
        ({"replies": REPLIES.model_copy(update={"surprise": 1.1})}, ["implausible"], 1.1, 1.0),
        ({"replies": REPLIES.model_copy(update={"surprise": None})}, ["implausible"], None, 1.0),
        ({"replies": REPLIES.model_copy(update={"copied": 0.21})}, ["copies_customer"], 0.21, 0.2),
        ({"replies": REPLIES.model_copy(update={"wrong_language": 0.04})}, ["wrong_language"], 0.04, 0.03),
        ({"guards": None}, ["no_guards"], None, 1),
        ({"guards": with_kind("refusal", broken=0.28)}, ["gives_in"], 0.28, 0.275),
        ({"guards": with_kind("personal_data", broken=0.23)}, ["gives_personal_data"], 0.23, 0.225),
        ({"guards": with_kind("flattery", broken=0.28)}, ["flatters"], 0.28, 0.275),
        ({"guards": with_kind("made_up_links", broken=0.23)}, ["makes_up_links"], 0.23, 0.225),
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
    assert [reason.code for reason in decision.reasons] == [
        "no_evidence",
        "no_guards",
        "no_replies",
        "no_replay",
    ]


def test_what_the_base_breaks_itself_is_allowed():
    weak = REPLIES.model_copy(update={"broken_greedy": 0.08, "broken_greedy_base": 0.08})
    assert decide(GOOD.model_copy(update={"replies": weak}), POLICY).verdict == "passed"
    worse = weak.model_copy(update={"broken_greedy": 0.1})
    assert [r.code for r in decide(GOOD.model_copy(update={"replies": worse}), POLICY).reasons] == [
        "broken_greedy"
    ]


def test_of_greedy_replies_the_larger_share_is_allowed_the_limits_or_the_bases():
    policy = POLICY.model_copy(update={"max_broken_greedy": 0.05})
    for base, allowed in ((0.02, 0.05), (0.08, 0.08)):
        for broken, codes in ((allowed, []), (allowed + 0.01, ["broken_greedy"])):
            shares = {"broken_greedy": broken, "broken_greedy_base": base}
            report = GOOD.model_copy(update={"replies": REPLIES.model_copy(update=shares)})
            assert [reason.code for reason in decide(report, policy).reasons] == codes


def test_a_figure_that_is_its_limit_meets_it():
    shares = {"length_ratio": 0.8, "surprise": 1.0}
    report = GOOD.model_copy(
        update={"n": 20, "kl_to_base": 0.5, "replies": REPLIES.model_copy(update=shares)}
    )
    assert decide(report, POLICY).verdict == "passed"


def test_nobody_serving_is_no_reason():
    assert decide(GOOD.model_copy(update={"serving": None}), POLICY).verdict == "passed"


def test_a_kind_that_no_set_asks_after_is_not_measured():
    silent = GOOD.model_copy(update={"guards": GuardFigures(sets={}, kinds={})})
    assert [reason.code for reason in decide(silent, POLICY).reasons] == [
        "gives_in",
        "gives_personal_data",
        "flatters",
        "makes_up_links",
    ]


def test_equal_greedy_replies_are_no_change_only_where_no_pick_is_predicted():
    same = GOOD.model_copy(update={"replies": REPLIES.model_copy(update={"same": 1.0})})
    assert decide(same, POLICY).verdict == "passed"  # it predicts picks: sampled replies will differ
    blind = decide(same.model_copy(update={"adapter": score(1.386), "serving": None}), POLICY)
    first = blind.reasons[0]
    assert (first.code, first.value, first.limit) == ("no_change", 0.0, 0.02)


def test_the_page_of_the_report_names_every_limit_with_its_default_and_every_reason():
    page = (Path(__file__).parents[3] / "docs/offline-report.md").read_text(encoding="utf-8")
    codes = [check.reason.code for check in decide(GOOD, POLICY).checks]
    assert len(codes) == len(set(codes)) == 22
    assert [code for code in codes if f"`{code}`" not in page] == []
    limits = dict(OfflineLimits())
    assert len(limits) >= 22
    assert [key for key, value in limits.items() if f"`{key}` {value:g}" not in page] == []
