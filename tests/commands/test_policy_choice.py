"""The policy as commands have it: `init` asks for it and writes it down, `doctor` tells what it will do."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from commands import init, reasons
from commands.errors import CommandFailed
from commands.frame import Frame
from commands.policy_choice import list_shipped
from commands.settings_file import put_setting
from commands.store import open_store
from commands.up.web import note_what_decides
from feedback.deployment.deploy import Deployer
from feedback.deployment.policy import load_policy
from feedback.deployment.policy_changes import note_policy_change
from feedback.deployment.tonight import describe_tonight
from feedback.migrations import newest_version
from feedback.store.decisions import NewDecision
from feedback.store.engine import open_engine, read, unit_of_work
from feedback.store.policy_changes import list_changes
from feedback.store.tables import DEFAULT_DESK
from rejoinder import main
from serving.settings import ServingSettings
from tests.clock import FrozenClock
from tests.commands.conftest import Call
from tests.databases import START
from tests.feedback.builders import add_adapter

CAREFUL, DEMO = (str(describe_tonight(load_policy(name))) for name in ("careful", "demo"))


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, where a settings file may be made."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.delenv("REJOINDER_FEEDBACK__POLICY", raising=False)
    return tmp_path / "here"


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody sits there."""
    for module in (init, reasons):
        monkeypatch.setattr(module, "is_asked", lambda: True)


def answer(data_dir: Path, *words: str, typed: str) -> str:
    result = CliRunner().invoke(main, [*words, "--data-dir", str(data_dir)], input=typed)
    assert result.exit_code == 0, result.output
    return result.output


def list_noted(data_dir: Path) -> list[tuple[str, str | None, str | None]]:
    with open_store(Frame(data_dir, None)) as engine, read(engine) as session:
        return [(row.name, row.reason, row.actor) for row in list_changes(session, desk_id=DEFAULT_DESK)]


@pytest.mark.parametrize(
    ("typed", "taken"), [("\n", "careful"), ("demo\n", "demo"), ("x\ndefault\n", "default")]
)
@pytest.mark.usefixtures("terminal")
def test_init_of_a_new_store_asks_and_offers_the_careful_one(
    data_dir: Path, place: Path, typed: str, taken: str
) -> None:
    said = answer(data_dir, "init", typed=typed)

    for name in ("careful", "default", "demo", "imported"):
        assert f"  {describe_tonight(load_policy(name))}" in said
    assert "Policy (careful, default, demo, imported) [careful]:" in said
    assert said.endswith(f"{describe_tonight(load_policy(taken))}\n")
    assert (place / "rejoinder.toml").read_text() == f'[feedback]\npolicy = "{taken}"\n'
    assert list_noted(data_dir) == [(taken, None, None)]


@pytest.mark.usefixtures("terminal")
def test_init_does_not_ask_again_nor_where_a_policy_is_named(
    call: Call, data_dir: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REJOINDER_FEEDBACK__POLICY", "imported")
    assert "Policy (" not in call("init").output
    monkeypatch.delenv("REJOINDER_FEEDBACK__POLICY")
    again = call("init")

    assert again.exit_code == 3 and again.output.endswith(f"already ({newest_version()}).\n{DEMO}\n")
    assert list(place.iterdir()) == []


def test_init_without_a_terminal_asks_nothing_and_says_what_is_in_force(
    call: Call, data_dir: Path, place: Path
) -> None:
    said = call("init").output

    assert said.endswith(f"{DEMO}\n") and "Policy (" not in said
    assert list(place.iterdir()) == [] and list_noted(data_dir) == []
    told = json.loads(call("init", "--policy", "careful", "--json").output)
    assert (told["policy"], told["tonight"]) == ("careful", CAREFUL)


def test_init_takes_the_policy_from_its_option(call: Call, data_dir: Path, place: Path) -> None:
    said = call("init", "--policy", "careful").output

    assert f"{place / 'rejoinder.toml'} names the policy" in said and said.endswith(f"{CAREFUL}\n")
    assert Frame(data_dir, place / "rejoinder.toml").policy().name == "careful"
    assert CAREFUL in call("doctor").output


def test_init_with_another_policy_wants_a_reason(call: Call, data_dir: Path, place: Path) -> None:
    call("init", "--policy", "careful")
    refused = call("init", "--policy", "demo")

    assert refused.exit_code == 2 and "--reason is missing: say why." in refused.output
    assert (place / "rejoinder.toml").read_text() == '[feedback]\npolicy = "careful"\n'
    assert call("init", "--policy", "demo", "--reason", "a fair").exit_code == 0
    assert list_noted(data_dir) == [("demo", "a fair", "command line"), ("careful", None, None)]
    assert call("init", "--policy", "demo").exit_code == 3


def test_a_reason_for_the_policy_that_is_named_already_is_kept(call: Call, store: Path) -> None:
    start(store, "default", START)
    call("init", "--policy", "careful", "--reason", "few agents")
    start(store, "demo", START)  # somebody edited the settings file
    Path("rejoinder.toml").write_text('[feedback]\npolicy = "demo"\n')
    said = call("init", "--policy", "demo", "--reason", "a fair")

    assert said.exit_code == 0 and said.output == f"{DEMO}\n"
    explained = [("demo", "a fair", "command line"), ("careful", "few agents", "command line")]
    assert list_noted(store) == [*explained, ("default", None, None)]


def test_a_reason_is_kept_with_the_named_policy_that_no_start_has_noted(call: Call, store: Path) -> None:
    start(store, "default", START)
    Path("rejoinder.toml").write_text('[feedback]\npolicy = "demo"\n')

    assert call("init", "--policy", "demo", "--reason", "a fair").exit_code == 0
    assert list_noted(store) == [("demo", "a fair", "command line"), ("default", None, None)]


@pytest.mark.parametrize("words", [("--policy", "demo"), ()])
def test_a_reason_that_nothing_would_keep_is_refused(call: Call, store: Path, words: tuple[str, ...]) -> None:
    call("init", "--policy", "demo")
    again = call("init", *words, "--reason", "a fair")

    assert again.exit_code == 2 and "demo is in force already" in again.output
    assert list_noted(store) == [("demo", None, None)]


@pytest.mark.usefixtures("terminal")
def test_a_reason_is_asked_for_until_there_is_one(data_dir: Path, call: Call) -> None:
    call("init", "--policy", "careful")
    said = answer(data_dir, "init", "--policy", "demo", typed="  \na fair\n")

    assert said.count("Why:") == 2 and list_noted(data_dir)[0] == ("demo", "a fair", "command line")


def test_init_refuses_a_policy_that_is_none_before_it_makes_anything(
    call: Call, data_dir: Path, place: Path
) -> None:
    result = call("init", "--policy", "carefull")

    assert (
        result.exit_code == 1 and "Name a file, or one of careful, default, demo, imported" in result.output
    )
    assert not data_dir.exists() and list(place.iterdir()) == []


def test_a_file_is_named_by_its_whole_path(call: Call, place: Path) -> None:
    (place / "mine.toml").write_text("[canary]\nshare = 0.1\n")
    assert call("init", "--policy", "mine.toml").exit_code == 0
    assert f'policy = "{place / "mine.toml"}"' in (place / "rejoinder.toml").read_text()


def test_a_variable_that_wins_is_not_written_over(
    call: Call, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REJOINDER_FEEDBACK__POLICY", "demo")
    result = call("init", "--policy", "careful")

    assert result.exit_code == 1 and "REJOINDER_FEEDBACK__POLICY is set and wins" in result.output
    assert list(place.iterdir()) == []


def test_a_settings_file_keeps_its_lines_and_its_mode(call: Call, place: Path) -> None:
    settings = place / "rejoinder.toml"
    rest = 'port = 8090 # free\n\n[trainer]\nnightly_cron = "0 3 * * *"\n'
    settings.write_text(f"# ours\n[feedback]\n{rest}")
    settings.chmod(0o600)
    assert call("init", "--policy", "careful").exit_code == 0
    assert settings.read_text() == f'# ours\n[feedback]\npolicy = "careful"\n{rest}'
    assert settings.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", '[feedback]\npolicy = "demo"\n'),
        ("[serving]\nport = 1\n", '[serving]\nport = 1\n\n[feedback]\npolicy = "demo"\n'),
        ('[feedback]\npolicy = "x"\nport = 1\n', '[feedback]\npolicy = "demo"\nport = 1\n'),
        ("[feedback] # web\n[trainer]\n", '[feedback] # web\npolicy = "demo"\n[trainer]\n'),
        ('[other]\npolicy = "x"\n[feedback]\n', '[other]\npolicy = "x"\n[feedback]\npolicy = "demo"\n'),
    ],
)
def test_the_policy_is_put_into_its_table(before: str, after: str) -> None:
    assert put_setting(before, "feedback", "policy", "demo", path=Path("x.toml")) == after


@pytest.mark.parametrize("text", ['feedback.policy = "x"\n', 'feedback = { policy = "x" }\n', "[feedback\n"])
def test_settings_that_are_written_otherwise_are_left_alone(text: str) -> None:
    with pytest.raises(CommandFailed, match=r'write policy = "demo" into its table'):
        put_setting(text, "feedback", "policy", "demo", path=Path("x.toml"))


def test_the_careful_policy_stands_first() -> None:
    assert list_shipped() == ["careful", "default", "demo", "imported"]


@pytest.mark.parametrize("words", [("rollback",), ("promote", "tuned-20261122-1")])
def test_an_act_without_a_reason_is_refused_before_anything_happens(
    call: Call, store: Path, words: tuple[str, ...]
) -> None:
    with open_store(Frame(store, None)) as engine, unit_of_work(engine) as session:
        add_adapter(session, "tuned-20261122-1")
        NewDecision(session, DEFAULT_DESK, "worker", "passed", START).point("canary", "tuned-20261122-1", 1.0)
    result = call(*words)

    assert result.exit_code == 2 and "--reason is missing: say why." in result.output
    if words == ("rollback",):
        assert call("rollback", "--reason", "rude").exit_code == 0


def start(store: Path, policy: str, at: datetime) -> None:
    """What the web notes as it starts."""
    with open_store(Frame(store, None)) as engine:
        serving = ServingSettings(data_dir=store, backend="cpu")
        deployer = Deployer(engine, lambda: None, serving, store, FrozenClock(at), load_policy(policy))  # type: ignore[arg-type, return-value]
        note_what_decides(deployer)


def check_in_force(call: Call) -> dict[str, str] | None:
    checks = json.loads(call("doctor", "--json").output)["checks"]
    return next((check for check in checks if check["name"] == "in force"), None)


def test_doctor_names_a_change_that_nobody_explained(call: Call, store: Path) -> None:
    start(store, "default", START)
    told = check_in_force(call)
    assert told is not None and told["level"] == "warn"
    assert told["detail"] == "default is in force, the settings name another one: demo"
    start(store, "demo", datetime(2026, 11, 23, 7, 30, tzinfo=UTC))
    told = check_in_force(call)
    assert told is not None and told["detail"] == (
        "changed from default to demo on 2026-11-23 07:30 UTC, and nobody has said why"
    )
    assert "/console" in told["remedy"]


def test_doctor_has_nothing_to_say_of_the_first_policy(call: Call, store: Path) -> None:
    start(store, "demo", START)
    assert check_in_force(call) is None
    with open_store(Frame(store, None)) as engine:
        assert not note_policy_change(engine, load_policy("demo"), now=START)


def test_a_store_without_tables_does_not_keep_the_web_from_starting(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'empty.db'}")
    serving = ServingSettings(data_dir=tmp_path, backend="cpu")
    note_what_decides(
        Deployer(engine, lambda: None, serving, tmp_path, FrozenClock(START), load_policy("demo"))  # type: ignore[arg-type, return-value]
    )
    engine.dispose()
    assert "could not be written down" in caplog.text
