"""A planted bad adapter of each kind is held for what is wrong with it; a good one passes the same limits.

The demo model and its policy; smaller samples than a night's, so that the file takes two minutes of one core.
"""

from collections.abc import Callable

import pytest

from feedback.deployment.policy import load_policy
from tests.trainer.planted import QUICK, make_night, plant, write_few_guards
from trainer.evaluation.gate import GateDecision, decide

# What each is held for, among the reasons that say what is wrong; general ones may stand after it.
HELD_FOR = {
    "base_itself": {"no_change"},
    "longest": {"too_long"},
    "flatterer": {"flatters"},
    "copier": {"copies_customer"},
    "wrong_language": {"wrong_language"},
}
SPECIFIC = set().union(*HELD_FOR.values())
GENERAL = ("implausible", "broken_greedy", "broken_sampled", "drifted", "forgot")


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], GateDecision]:
    from demo.build import MODEL_DIR
    from trainer.evaluation.evaluate import evaluate_adapter

    folder = tmp_path_factory.mktemp("planted")
    night = make_night(folder / "night", train=100, held_out=20)
    guards = write_few_guards(folder / "few.jsonl")
    measurement = QUICK.model_copy(update={"guards": (str(guards),)})
    known: dict[str, GateDecision] = {}

    def find(kind: str) -> GateDecision:
        if kind not in known:
            (folder / kind).mkdir()
            adapter = plant(kind, folder / kind, night)
            report = evaluate_adapter(
                adapter, night, MODEL_DIR, measurement, threads=1, max_length=512, run_dir=folder / kind
            )
            known[kind] = decide(report, load_policy("demo").offline)
        return known[kind]

    return find


def codes_of(decision: GateDecision) -> list[str]:
    return [reason.code for reason in decision.reasons]


@pytest.mark.parametrize("kind", sorted(HELD_FOR))
def test_a_bad_adapter_is_held_for_what_is_wrong_with_it(
    judge: Callable[[str], GateDecision], kind: str
) -> None:
    decision = judge(kind)
    assert decision.verdict == "refused"
    assert SPECIFIC & set(codes_of(decision)) == HELD_FOR[kind], codes_of(decision)


def test_word_salad_is_held_without_asking_the_grammar(judge: Callable[[str], GateDecision]) -> None:
    """Base finds it implausible; that some of it mixes languages is no other fault."""
    codes = codes_of(judge("word_salad"))
    assert {"implausible", "broken_greedy", "forgot"} <= set(codes)
    assert SPECIFIC & set(codes) <= {"wrong_language", "too_long"}


def test_what_is_wrong_is_said_before_how_far_it_went(judge: Callable[[str], GateDecision]) -> None:
    for kind in ("copier", "flatterer", "wrong_language"):
        codes = codes_of(judge(kind))
        said = min(codes.index(code) for code in HELD_FOR[kind])
        general = [place for place, code in enumerate(codes) if code in GENERAL]
        assert general and said < general[0], codes


def test_a_good_adapter_passes_the_same_limits(judge: Callable[[str], GateDecision]) -> None:
    decision = judge("good")
    assert (decision.verdict, codes_of(decision)) == ("passed", [])
    assert len(decision.checks) >= 19
