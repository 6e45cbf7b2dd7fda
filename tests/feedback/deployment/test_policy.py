"""The gate's policy: what is shipped, what the code defaults to, and what a wrong file is told."""

import math

import pytest
from pydantic import BaseModel

from feedback.deployment.policy import (
    POLICIES,
    CanaryPolicy,
    Policy,
    PolicyRefused,
    build_policy,
    load_policy,
)
from feedback.settings import FeedbackSettings
from serving.settings import ServingSettings


def list_tables() -> dict[str, type[BaseModel]]:
    return {name: type(value) for name, value in Policy() if name != "name"}


@pytest.mark.parametrize("path", sorted(POLICIES.glob("*.toml")), ids=lambda path: path.stem)
def test_shipped_policies_name_and_comment_every_key(path):
    policy = load_policy(path)
    lines = path.read_text(encoding="utf-8").splitlines()
    count = 0
    for table, cls in list_tables().items():
        assert f"[{table}]" in lines
        for key in cls.model_fields:
            line = next(line for line in lines if line.startswith(f"{key} = "))
            assert "#" in line, line
            count += 1
    assert count == sum(" = " in line for line in lines if not line.startswith("#")) >= 24
    assert policy.name == path.stem


def test_who_sees_an_adapter_and_what_takes_it_live_under_the_shipped_policies():
    careful, default, demo = (load_policy(name) for name in ("careful", "default", "demo"))
    shipped = sorted(path.stem for path in POLICIES.glob("*.toml"))
    assert shipped == ["careful", "default", "demo", "imported"]
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
        "exposure.min_pick = 9: there is no such limit. Did you mean min_picks?",
        "exposure.confidence = 0.4: Input should be greater than 0.5.",
        "offline.max_kl_to_base = NaN: Input should be a finite number.",
        'offline.min_length_ratio = "short": Input should be a valid number',
        "there is no such table. Did you mean canary?",
    ):
        assert expected in told


def test_length_limits_that_nothing_fits_are_refused():
    with pytest.raises(PolicyRefused, match=r"min_length_ratio 1\.6 lies above max_length_ratio 1\.5"):
        build_policy({"offline": {"min_length_ratio": 1.6}}, name="x", source="x.toml")


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
