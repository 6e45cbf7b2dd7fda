"""What doctor says of limits and proxies."""

import json
import os
from pathlib import Path

import pytest

from commands.callers import UNNAMED
from feedback.web import peers
from tests.commands.conftest import Call


def find(call: Call, name: str) -> dict[str, str]:
    checks = json.loads(call("doctor", "--json").output)["checks"]
    return next(check for check in checks if check["name"] == name)


def test_one_process_on_sqlite_counts_alone(call: Call, store: Path) -> None:
    assert find(call, "limits")["level"] == "ok"


def test_two_processes_without_a_common_count_are_warned_of(call: Call, store: Path) -> None:
    signals = store / "signals"
    signals.mkdir()
    for name in (f"{os.getpid()}-a.sock", f"{os.getppid()}-b.sock", "999999999-c.sock"):  # the last is gone
        (signals / name).touch()
    found = find(call, "limits")
    assert (found["level"], found["detail"]) == ("warn", "2 web processes count callers apart")
    assert "limits_url" in found["remedy"]


def test_a_redis_that_is_away_is_named_without_its_password(
    call: Call, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REJOINDER_FEEDBACK__LIMITS_URL", "valkey://:secret@127.0.0.1:1/0")
    found = find(call, "limits")
    assert found["level"] == "warn" and found["detail"].startswith("127.0.0.1:1/0 does not answer")
    assert "secret" not in json.dumps(found)


def test_a_limits_url_of_another_kind_is_refused(
    call: Call, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REJOINDER_FEEDBACK__LIMITS_URL", "memcached://127.0.0.1")
    assert "limits_url" in call("doctor").output


def test_a_proxy_that_no_setting_names_is_warned_of(
    call: Call, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert peers.NAME == UNNAMED
    assert find(call, "proxy")["level"] == "ok"
    (store / UNNAMED).write_text('{"peer": "127.0.0.1", "requests": 100}')
    found = find(call, "proxy")
    assert found["level"] == "warn" and "127.0.0.1" in found["detail"]
    monkeypatch.setenv("REJOINDER_FEEDBACK__TRUSTED_PROXIES", "1")
    assert find(call, "proxy") == {"name": "proxy", "level": "ok", "detail": "1 believed", "remedy": ""}
