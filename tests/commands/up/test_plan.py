"""What one start of `rejoinder up` hands to its children."""

from pathlib import Path

import pytest

from commands.errors import SettingsWrong
from commands.frame import Frame
from commands.up.plan import make_plan


def plan_with(policy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.setenv("REJOINDER_FEEDBACK__POLICY", policy)
    return make_plan(Frame(tmp_path, None), port=0, base_model=None).environment


def test_a_policy_file_beside_the_caller_is_found_by_children_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.toml").write_text("[canary]\nshare = 0.1\n")
    monkeypatch.chdir(tmp_path)
    given = plan_with("mine.toml", tmp_path, monkeypatch)
    assert given["REJOINDER_FEEDBACK__POLICY"] == str(tmp_path / "mine.toml")


def test_the_name_of_a_shipped_policy_is_no_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "REJOINDER_FEEDBACK__POLICY" not in plan_with("default", tmp_path, monkeypatch)


def test_a_bad_policy_stops_the_start_before_anything_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.toml").write_text("[canary]\nshare = -1\n[exposure]\nmin_picks = 'some'\n")
    with pytest.raises(SettingsWrong) as wrong:
        plan_with(str(tmp_path / "mine.toml"), tmp_path, monkeypatch)
    assert "canary.share = -1" in wrong.value.message and "exposure.min_picks" in wrong.value.message
