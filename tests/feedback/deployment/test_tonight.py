"""What each policy does with tonight's adapter, in a sentence of both languages."""

import re

import pytest

from feedback import translations
from feedback.deployment.policy import (
    POLICY_FILES,
    ApprovalPolicy,
    CanaryPolicy,
    Policy,
    build_policy,
    load_policy,
)
from feedback.deployment.tonight import SENTENCES, describe_tonight
from feedback.experiments.rollout_rule import RolloutPolicy

NOBODY = (
    "Policy {}: an adapter that passes tonight is shown to nobody, and serves only when {}.",
    "策略 {}：今晚通过准入检查的适配器不向任何人展示，须{}后才会投入使用。",
)
BY_HAND = (
    "Policy {}: an adapter that passes tonight is shown in {} of conversations, and goes live only when {}.",
    "策略 {}：今晚通过准入检查的适配器先在 {} 的会话中展示，须{}。",
)
BY_PICKS = (
    "Policy {0}: an adapter that passes tonight is shown in {1} of conversations, and goes live by itself "
    "once {2} picks or more by {3} agents or more prove it better{4}.",
    "策略 {0}：今晚通过准入检查的适配器先在 {1} 的会话中展示，"
    "待至少 {3} 名客服的至少 {2} 次选择证明它更好{4}后，自动转为线上。",
)
PERSON = ("a person promotes it", "由人工转为线上")
TWO = ("one person has approved it and another promotes it", "经一人批准、再由另一人转为线上")
NOBODY_ELSE = ("", "")
ONE_PERSON = (" and one person has approved it", "、且有一人批准")


def build(canary: CanaryPolicy, *, second_person: bool, **exposure: int) -> Policy:
    return Policy(
        name="mine",
        canary=canary,
        approval=ApprovalPolicy(second_person=second_person),
        exposure=RolloutPolicy(**exposure),
    )


CASES = {
    "default": (load_policy("default"), NOBODY, ("default",), TWO),
    "demo": (load_policy("demo"), BY_PICKS, ("demo", "100 %", 100, 4), NOBODY_ELSE),
    "imported": (load_policy("imported"), BY_HAND, ("imported", "100 %"), PERSON),
    "careful": (load_policy("careful"), BY_PICKS, ("careful", "20 %", 100, 4), ONE_PERSON),
    "a tenth alone": (
        build_policy({"name": "mine", "canary": {"share": 0.1}}, "mine.toml"),
        BY_HAND,
        ("mine", "10 %"),
        TWO,
    ),
    "nobody, by one": (build(CanaryPolicy(), second_person=False), NOBODY, ("mine",), PERSON),
    "nobody picks what nobody sees": (
        build(CanaryPolicy(go_live=True), second_person=True),
        NOBODY,
        ("mine",),
        TWO,
    ),
    "other limits": (
        build(CanaryPolicy(share=0.005, go_live=True), second_person=False, min_picks=250, min_agents=2),
        BY_PICKS,
        ("mine", "0.5 %", 250, 2),
        NOBODY_ELSE,
    ),
    "a share that is no round number": (
        build(CanaryPolicy(share=0.07, go_live=False), second_person=False),
        BY_HAND,
        ("mine", "7 %"),
        PERSON,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_policy_says_what_it_does_tonight(case):
    policy, sentences, values, ends = CASES[case]
    told, words = describe_tonight(policy), translations.read_catalogue()
    english, chinese = (form.format(*values, end) for form, end in zip(sentences, ends, strict=True))
    assert str(told) == english
    assert str(words[told.text].string) % told.values == chinese


def test_every_shipped_policy_and_every_sentence_is_in_the_table():
    assert set(POLICY_FILES.list_shipped()) <= set(CASES)
    assert {describe_tonight(policy).text for policy, *_ in CASES.values()} == set(SENTENCES.values())


def test_the_sentences_are_one_each():
    for text in SENTENCES.values():
        assert len(re.findall(r"[.]", text)) == 1
