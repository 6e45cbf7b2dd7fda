"""The gate's policy: what is shipped, what the code defaults to, and what a wrong file is told."""

import math

import pytest
from pydantic import BaseModel, ValidationError

from feedback.deployment.policy import (
    POLICY_FILES,
    ApprovalPolicy,
    CanaryPolicy,
    Policy,
    PolicyRefused,
    build_policy,
    load_policy,
)
from feedback.deployment.policy_changes import list_values
from feedback.settings import FeedbackSettings
from serving.settings import ServingSettings


def list_tables() -> dict[str, type[BaseModel]]:
    return {name: type(value) for name, value in Policy() if name != "name"}


def test_the_default_policy_names_and_comments_every_key():
    lines = (POLICY_FILES.folder / "default.toml").read_text(encoding="utf-8").splitlines()
    count = 0
    for table, cls in list_tables().items():
        assert f"[{table}]" in lines
        for key in cls.model_fields:
            line = next(line for line in lines if line.startswith(f"{key} = "))
            assert "#" in line, line
            count += 1
    assert count == sum(" = " in line for line in lines if not line.startswith("#")) >= 24


@pytest.mark.parametrize(
    ("name", "sha256", "differs"),
    [
        ("careful", "ec140e262e608dd5", {"canary.share": "0.2", "canary.go_live": "true"}),
        (
            "demo",
            "03aa5156247f5426",
            {
                "offline.max_length_ratio": "2",
                "canary.share": "1",
                "canary.go_live": "true",
                "approval.second_person": "false",
            },
        ),
        (
            "imported",
            "3846a13f05170e34",
            {
                "offline.max_kl_to_base": "1",
                "offline.max_replay_kl": "1",
                "offline.max_perplexity_ratio": "2",
                "offline.max_broken_sampled_over_base": "0.05",
                "canary.share": "1",
                "approval.second_person": "false",
            },
        ),
    ],
)
def test_shipped_policies_extend_the_default_and_keep_the_hash_they_had_as_whole_files(name, sha256, differs):
    policy = load_policy(name)
    assert policy.name == name and policy.sha256.startswith(sha256)
    assert list_values(policy) == list_values(load_policy("default")) | differs


def test_a_policy_that_extends_another_file_is_noticed_by_its_values_alone(tmp_path):
    (tmp_path / "team").mkdir()
    ours = 'name = "ours"\nextends = "careful"\n[canary]\nshare = 0.1\n'
    (tmp_path / "team" / "ours.toml").write_text(ours)
    (tmp_path / "mine.toml").write_text('extends = "team/ours.toml"\n[approval]\nexpert_veto = false\n')
    mine = load_policy(tmp_path / "mine.toml")
    canary = CanaryPolicy(share=0.1, go_live=True)
    whole = Policy(name="mine", canary=canary, approval=ApprovalPolicy(expert_veto=False))
    assert mine == whole and mine.sha256 == whole.sha256


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (
            'extends = "carful"',
            "mine.toml was refused:\n  - extends = carful: No such file or directory. "
            "Name a file, or one of careful, default, demo, imported.",
        ),
        (
            'extends = "other.toml"',
            "other.toml was refused:\n  - extends = mine.toml: the files extend one another in a circle. "
            "Remove this line.",
        ),
        ("extends = 3", "extends = 3: No such file"),
        ('extends = "wrong.toml"', "wrong.toml was refused:\n  - canary.share = 2: Input should be less"),
    ],
)
def test_a_file_that_extends_nothing_that_holds_together_is_refused(tmp_path, values, told):
    (tmp_path / "mine.toml").write_text(values)
    (tmp_path / "other.toml").write_text('extends = "mine.toml"')
    (tmp_path / "wrong.toml").write_text("[canary]\nshare = 2")
    with pytest.raises(PolicyRefused) as refused:
        load_policy(tmp_path / "mine.toml")
    assert told in str(refused.value)


def test_who_sees_an_adapter_and_what_takes_it_live_under_the_shipped_policies():
    careful, default, demo = (load_policy(name) for name in ("careful", "default", "demo"))
    assert POLICY_FILES.list_shipped() == ["careful", "default", "demo", "imported"]
    assert (careful.canary.share, careful.canary.go_live, careful.approval.second_person) == (0.2, True, True)
    assert (default.canary.share, default.canary.go_live, default.approval.second_person) == (0, False, True)
    assert (demo.canary.share, demo.canary.go_live, demo.approval.second_person) == (1, True, False)


def test_the_code_alone_is_as_strict_as_the_default_policy():
    assert Policy().sha256 == load_policy("default").sha256 != load_policy("demo").sha256


def test_what_a_file_leaves_out_is_the_strictest(tmp_path):
    (tmp_path / "mine.toml").write_text("[canary]\nshare = 0.1\n")
    policy = load_policy(tmp_path / "mine.toml")
    assert policy == Policy(name="mine", canary=CanaryPolicy(share=0.1))


def test_the_hash_is_of_the_values_not_of_name_and_comments(tmp_path):
    (tmp_path / "other.toml").write_text("# no key is moved\n")
    other = load_policy(tmp_path / "other.toml")
    assert other.sha256 == Policy().sha256 and len(other.sha256) == 64
    assert other.label == {"policy": "other", "policy_sha256": other.sha256}
    assert other.sha256 != Policy(canary=CanaryPolicy(share=0.5)).sha256


def test_all_faults_are_told_at_once_with_value_limit_and_remedy(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(
        "[canary]\nshare = 2\n[exposure]\nmin_pick = 9\nconfidence = 0.4\n[offline]\nmax_kl_to_base = nan\n"
        "min_length_ratio = 'short'\n[canry]\nshare = 1\n"
    )
    with pytest.raises(PolicyRefused) as refused:
        load_policy(path)
    told = str(refused.value)
    assert len(refused.value.faults) == 6
    for expected in (
        f"canary.share = 2: Input should be less than or equal to 1. Change it in {path}.",
        "exposure.min_pick = 9: there is no such key. Did you mean min_picks?",
        "exposure.confidence = 0.4: Input should be greater than 0.5.",
        "offline.max_kl_to_base = NaN: Input should be a finite number.",
        'offline.min_length_ratio = "short": Input should be a valid number',
        "there is no such key. Did you mean canary?",
    ):
        assert expected in told


def test_length_limits_that_nothing_fits_are_refused():
    with pytest.raises(PolicyRefused, match=r"min_length_ratio 1\.6 lies above max_length_ratio 1\.5"):
        build_policy({"offline": {"min_length_ratio": 1.6}}, "x.toml")


@pytest.mark.parametrize(
    ("text", "told"),
    [("share = = 1", "not TOML"), ("canary = 3", "canary = 3"), (None, "Name a file, or one")],
)
def test_file_that_is_no_policy_is_refused(tmp_path, text, told):
    if text is not None:
        (tmp_path / "mine.toml").write_text(text)
    with pytest.raises(PolicyRefused, match=told):
        load_policy(tmp_path / "mine.toml")


def test_bare_name_is_a_shipped_one_even_beside_a_folder_of_that_name(tmp_path, monkeypatch):
    (tmp_path / "demo").mkdir()
    monkeypatch.chdir(tmp_path)
    assert load_policy("demo").name == "demo"


def test_a_limit_that_is_not_asked_is_infinite():
    assert load_policy("demo").offline.max_log_loss_over_slot == math.inf


@pytest.mark.parametrize(
    ("named", "base", "taken"),
    [
        ("", ServingSettings().base_model, "demo"),
        ("", "Qwen/Qwen3-0.6B", "default"),
        ("mine.toml", "x", "mine.toml"),
    ],
)
def test_settings_that_name_no_policy_take_the_strict_one_but_for_the_demo(named, base, taken):
    assert FeedbackSettings(policy=named).policy_for(base) == taken


def test_an_expert_score_that_is_asked_for_makes_another_policy():
    off, asked = Policy(), Policy(approval=ApprovalPolicy(min_expert_score=0.0))
    assert off.approval.min_expert_score == float("-inf")
    assert off.sha256 != asked.sha256
    with pytest.raises(ValidationError):
        ApprovalPolicy(min_expert_score=float("nan"))
