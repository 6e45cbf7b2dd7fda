"""`rejoinder helper check` and the line of `doctor`: with no helper, one that answers, one that does not."""

import json
import threading

import pytest
from click.testing import CliRunner

from commands.frame import Frame
from commands.helper import check_helper
from commands.up.web import make_helper
from rejoinder import main
from tests.clock import FrozenClock
from tests.databases import START
from tests.feedback.helper.scripted import completion, scripted


@pytest.fixture
def rejoinder(tmp_path, monkeypatch):
    """Runs a command on a new instance; it returns the exit code and what was printed."""
    monkeypatch.chdir(tmp_path)

    def run(*args):
        told = CliRunner().invoke(main, [*args, "--data-dir", str(tmp_path / "var")])
        return told.exit_code, told.output

    return run


def test_without_a_helper_there_is_nothing_to_check(rejoinder):
    assert rejoinder("init")[0] == 0
    assert "No model is trusted" in rejoinder("helper", "trust")[1]
    code, told = rejoinder("helper", "check")
    assert code == 1 and "There is no helper." in told and "[helper] address" in told


def test_check_asks_once_and_tells_what_it_took(rejoinder, tmp_path, monkeypatch):
    rejoinder("init")
    (tmp_path / "key").write_text("sk-from-file\n")
    with scripted(completion({"ready": "maybe"}), completion({"ready": "yes"})) as address:
        monkeypatch.setenv("REJOINDER_HELPER__ADDRESS", address.address)
        monkeypatch.setenv("REJOINDER_HELPER__MODEL", "judge")
        monkeypatch.setenv("REJOINDER_HELPER__KEY_FILE", str(tmp_path / "key"))
        code, told = rejoinder("helper", "check", "--json")
        assert address.keys == ["Bearer sk-from-file"] * 2
    told = json.loads(told)
    assert code == 0 and (told["requests"], told["tokens"], told["spent"]) == (2, 50, 50)
    assert told["answered_by"] == "judge-1" and "sk-from-file" not in json.dumps(told)


def test_doctor_says_whether_the_helper_is_there_and_pays_nothing(rejoinder, monkeypatch):

    frame = Frame.from_environment({})
    assert check_helper(frame).detail == "none: everything works without one"
    monkeypatch.setenv("REJOINDER_HELPER__MODEL", "judge")
    with scripted() as address:
        monkeypatch.setenv("REJOINDER_HELPER__ADDRESS", address.address)
        assert check_helper(frame).level == "ok"
        monkeypatch.setenv("REJOINDER_HELPER__MODEL", "other")
        assert "lists no model other" in check_helper(frame).detail
        assert address.asked == []
    gone = check_helper(frame)
    assert gone.level == "warn" and "no_connection" in gone.detail
    monkeypatch.setenv("REJOINDER_HELPER__ADDRESS", "own")
    assert "engine_not_running" in check_helper(frame).detail


def test_the_web_labels_only_where_a_use_is_named(tmp_path, sqlite_engine, monkeypatch):
    def make():
        frame = Frame(tmp_path, None)
        return make_helper(frame, frame.serving(), sqlite_engine, FrozenClock(START), threading.Event())

    monkeypatch.setenv("REJOINDER_HELPER__USES", '["tag"]')
    assert make() is None
    monkeypatch.setenv("REJOINDER_HELPER__ADDRESS", "own")
    labeller = make()
    labeller.watch()
    labeller.close()
    monkeypatch.delenv("REJOINDER_HELPER__USES")
    assert make() is None


@pytest.mark.parametrize(
    ("name", "value"), [("ADDRESS", "ftp://x"), ("ADDRESS", "https://user:word@x/v1"), ("DAILY_TOKENS", "0")]
)
def test_settings_that_cannot_be_used_are_named(rejoinder, monkeypatch, name, value):
    monkeypatch.setenv(f"REJOINDER_HELPER__{name}", value)
    code, told = rejoinder("doctor")
    assert code == 2 and "[helper]" in told


def test_write_prints_one_text_about_a_record(rejoinder, tmp_path, monkeypatch):
    rejoinder("init")
    asked = {"id": "17", "prompt": [{"role": "user", "content": "May I send the lamp back?"}]}
    told = asked | {"candidates": [{"text": "Yes, for a month."}, {"text": "No, never."}], "picked": [0]}
    (tmp_path / "star.jsonl").write_text(json.dumps(told) + "\n")
    assert rejoinder("import", str(tmp_path / "star.jsonl"), "--source", "star")[0] == 0
    answers = completion({"text": "Can the lamp be returned?"}), completion({"text": "Sure, for 30 days."})
    with scripted(*answers) as address:
        monkeypatch.setenv("REJOINDER_HELPER__ADDRESS", address.address)
        monkeypatch.setenv("REJOINDER_HELPER__MODEL", "judge")
        write = ("helper", "write", "--record", "choice:star/17", "--kind")
        assert rejoinder(*write, "paraphrase") == (0, "Can the lamp be returned?\n")
        assert json.loads(rejoinder(*write, "paraphrase", "--json")[1])["model"] == "judge-1"
        assert rejoinder(*write, "rewrite") == (0, "Sure, for 30 days.\n")
        assert '"text": "Yes, for a month."' in address.asked[1]["messages"][1]["content"]
        code, told = rejoinder("helper", "write", "--record", "choice:star/18", "--kind", "rewrite")
        assert code == 1 and "choice:star/18" in told


def test_similar_needs_a_dataset(rejoinder, monkeypatch):
    rejoinder("init")
    monkeypatch.setenv("REJOINDER_HELPER__ADDRESS", "own")
    code, told = rejoinder("helper", "similar")
    assert code == 3 and "rejoinder dataset build" in told
    assert rejoinder("helper", "similar", "--most", "0")[0] == 2
