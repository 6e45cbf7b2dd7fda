"""`rejoinder rebase switch`, `cancel` and `back`: row first, then setting; each may be called again."""

import tomllib
from pathlib import Path

import pytest

from feedback.store.engine import open_engine, read, unit_of_work
from feedback.store.tables import Rebase
from tests.commands.conftest import Call
from tests.feedback.rebase.rebase_desk import compare, judge_all, put_rebase

LIMITS = """
[exposure]
min_e_better = 5.0
min_picks = 8
min_agents = 1
confidence = 0.9

[approval]
second_person = false
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory without a settings file, and a policy of few picks."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    (tmp_path / "few.toml").write_text('extends = "default"\n' + LIMITS)
    monkeypatch.setenv("REJOINDER_FEEDBACK__POLICY", str(tmp_path / "few.toml"))
    monkeypatch.delenv("REJOINDER_SERVING__BASE_MODEL", raising=False)
    return tmp_path / "here" / "rejoinder.toml"


@pytest.fixture
def rebase_id(store: Path, place: Path):
    """An open rebase whose comparisons are drawn, judged and closed, all for the new base."""
    engine = open_engine(f"sqlite:///{store / 'rejoinder.db'}")
    found = put_rebase(engine, store)
    for duel in compare(engine, store, wanted=12, prompts=12):
        judge_all(engine, duel, ("eva",), lambda position: True)
    yield found
    engine.dispose()


def find_state(store: Path, rebase_id: str) -> str:
    engine = open_engine(f"sqlite:///{store / 'rejoinder.db'}")
    with read(engine) as session:
        state = session.get_one(Rebase, rebase_id).state
    engine.dispose()
    return state


def named_base(place: Path) -> str:
    return str(tomllib.loads(place.read_text())["serving"]["base_model"])


def test_a_switch_is_a_row_and_a_setting_and_can_be_taken_back_until_a_start(
    call: Call, store, place, rebase_id
):
    shown = call("rebase", "status").output
    assert "limit     new_tuned: rounds that decide 12 (limit 8)\n" in shown
    assert "next      proven for new_tuned: rejoinder rebase switch\n" in shown
    told = call("rebase", "switch", "--reason", "12 of 12 rounds")
    assert told.exit_code == 0, told.output
    assert "/models/new serves. Until then nothing changes." in told.output
    assert (find_state(store, rebase_id), named_base(place)) == ("switching", "/models/new")
    place.unlink()  # as if it had been killed before it wrote
    assert call("rebase", "switch").exit_code == 0
    assert named_base(place) == "/models/new"
    assert call("rebase", "back", "--reason", "no").exit_code == 1  # nothing has been switched yet
    assert call("rebase", "cancel", "--reason", "not now").exit_code == 0
    assert (find_state(store, rebase_id), named_base(place)) == ("cancelled", "/models/old")


def test_the_way_back_writes_the_old_base(call: Call, store, place, rebase_id):
    engine = open_engine(f"sqlite:///{store / 'rejoinder.db'}")
    with unit_of_work(engine) as session:
        session.get_one(Rebase, rebase_id).state = "switched"
    engine.dispose()
    assert call("rebase", "cancel", "--reason", "too late").exit_code == 1
    assert call("rebase", "back", "--reason", "slow at noon").exit_code == 0
    assert (find_state(store, rebase_id), named_base(place)) == ("returning", "/models/old")


def test_a_variable_that_wins_over_the_file_is_said_before_anything_is_decided(
    call: Call, store, place, rebase_id, monkeypatch
):
    monkeypatch.setenv("REJOINDER_SERVING__BASE_MODEL", "/models/old")
    told = call("rebase", "switch", "--reason", "12 of 12 rounds")
    assert told.exit_code == 1 and "REJOINDER_SERVING__BASE_MODEL is set and wins" in told.output
    assert (find_state(store, rebase_id), place.exists()) == ("open", False)
