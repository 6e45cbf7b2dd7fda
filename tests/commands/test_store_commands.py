"""init, token, sign-in, status and doctor on a real store, with what they print and their exit codes."""

import json
import re
import socket
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from feedback.clock import SystemClock
from tests.commands.conftest import Call


def test_init_migrates_once(call: Call, data_dir: Path) -> None:
    first, second = call("init"), call("init")

    assert first.exit_code == 0 and "store migrated from nothing to" in first.output
    assert second.exit_code == 3 and "has the schema of this version already" in second.output
    assert data_dir.stat().st_mode & 0o777 == 0o700


def test_init_keeps_each_system_prompt_as_a_version(call: Call, store: Path, tmp_path: Path) -> None:
    prompt = tmp_path / "prompt.txt"
    prompt.write_text("You help the customers of a shop.\n")

    assert "version 1 is in force" in call("init", "--system-prompt", str(prompt)).output
    prompt.write_text("Be brief.\n")
    assert "version 2 is in force" in call("init", "--system-prompt", str(prompt)).output


@pytest.mark.parametrize("words", [("token", "list"), ("status",), ("sign-in",), ("dataset", "list")])
def test_commands_on_a_missing_store_say_how_to_make_it(call: Call, words: tuple[str, ...]) -> None:
    result = call(*words)

    assert result.exit_code == 1
    assert "There is no store here yet. `rejoinder init` makes it" in result.output


def test_store_of_a_later_version_is_refused(call: Call, store: Path) -> None:
    with sqlite3.connect(store / "rejoinder.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()

    for words in (("init",), ("token", "list")):
        result = call(*words)
        assert result.exit_code == 1
        assert "schema 9999" in result.output and "a later version migrated it" in result.output


def test_token_is_printed_last_listed_and_revoked(call: Call, store: Path) -> None:
    created = call("token", "create", "--role", "app", "--name", "shop")
    token = created.output.strip().splitlines()[-1]
    listed = json.loads(call("token", "list", "--json").output)["tokens"]

    assert token.startswith("rj_app_") and len(token) > 40
    assert [(row["name"], row["role"], row["revoked_at"]) for row in listed] == [("shop", "app", None)]
    assert token not in call("token", "list").output

    assert call("token", "revoke", listed[0]["id"]).exit_code == 0
    assert "revoked" in call("token", "list").output
    assert call("token", "revoke", "no-such-id").exit_code == 1


def test_token_of_an_app_takes_no_user(call: Call, store: Path) -> None:
    result = call("token", "create", "--role", "app", "--user", "mei")

    assert result.exit_code == 2
    assert "belongs to no user" in result.output


def test_sign_in_prints_a_link_that_works_once(call: Call, store: Path) -> None:
    from datetime import UTC, datetime

    from feedback.store.engine import open_engine, unit_of_work
    from feedback.store.users import use_sign_in_link

    link = call("sign-in", "mei", "--role", "expert").output.strip().splitlines()[-1]
    found = re.fullmatch(r"http://127\.0\.0\.1:8080/sign-in/(\S+)", link)
    assert found is not None
    engine = open_engine(f"sqlite:///{store / 'rejoinder.db'}")
    with unit_of_work(engine) as session:
        user = use_sign_in_link(session, code=found[1], now=datetime.now(UTC))
        again = use_sign_in_link(session, code=found[1], now=datetime.now(UTC))
    engine.dispose()

    assert user is not None and (user.name, user.role) == ("mei", "expert")
    assert again is None


def test_status_of_an_empty_store_tells_that_base_serves(call: Call, store: Path) -> None:
    found = json.loads(call("status", "--json").output)

    assert found["running"] is None
    assert found["serving"] == {"live": None, "canary": None, "share": 1.0, "fence": 0}
    assert found["rows"]["conversations"] == 0
    assert "no engine is running here" in found["engine"]


def test_rollback_of_base_alone_is_nothing_to_do(call: Call, store: Path) -> None:
    result = call("rollback")

    assert result.exit_code == 3
    assert "Only base serves" in result.output


def test_promoting_an_unknown_adapter_fails(call: Call, store: Path) -> None:
    result = call("promote", "tuned-20260101-1", "--reason", "it passed")

    assert result.exit_code == 1
    assert "tuned-20260101-1" in result.output


def test_doctor_names_a_taken_port_and_the_remedy(
    call: Call, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        monkeypatch.setenv("REJOINDER_FEEDBACK__PORT", str(port))
        result = call("doctor", "--json")
    found = {check["name"]: check for check in json.loads(result.output)["checks"]}

    assert result.exit_code == 1
    assert found["port"]["level"] == "fail" and f":{port}" in found["port"]["detail"]
    assert "choose another" in found["port"]["remedy"]
    assert found["schema"]["level"] == "ok"
    assert all(check["remedy"] for check in found.values() if check["level"] != "ok")


def test_doctor_names_an_unknown_base_model(call: Call, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REJOINDER_SERVING__BASE_MODEL", "/nowhere/model")
    result = call("doctor")

    assert result.exit_code == 1
    assert "✗ base model" in result.output and "/nowhere/model" in result.output


def test_unreachable_database_is_told_in_one_line(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REJOINDER_FEEDBACK__DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    result = call("init")

    assert result.exit_code == 1
    assert "The store does not answer:" in result.output and "database_url" in result.output


def test_doctor_prints_the_next_three_nights(
    call: Call, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SystemClock, "now", lambda self: datetime(2026, 10, 23, 12, tzinfo=UTC))
    monkeypatch.setenv("REJOINDER_TRAINER__NIGHTLY_ZONE", "Europe/Berlin")
    found = {check["name"]: check for check in json.loads(call("doctor", "--json").output)["checks"]}
    assert found["nights"]["detail"] == (  # clocks go back on Sunday at 3
        "0 2 * * * Europe/Berlin: Sat 2026-10-24 02:00 +0200, Sun 2026-10-25 02:00 +0200, "
        "Mon 2026-10-26 02:00 +0100"
    )


def truncate(store: Path) -> None:
    with sqlite3.connect(store / "rejoinder.db") as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
    with (store / "rejoinder.db").open("r+b") as file:
        file.truncate((store / "rejoinder.db").stat().st_size // 2)


@pytest.mark.parametrize("words", [("status",), ("init",), ("token", "list"), ("up",), ("doctor",)])
def test_a_truncated_store_is_told_with_the_remedy(call: Call, store: Path, words: tuple[str, ...]) -> None:
    truncate(store)
    result = call(*words)

    assert result.exit_code == 1
    assert "damaged" in result.output and "deploy/restore.sh" in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize("words", [("status",), ("init",), ("up",)])
def test_a_store_without_a_byte_is_not_begun_anew(call: Call, store: Path, words: tuple[str, ...]) -> None:
    (store / "secret.key").write_text("k" * 64)
    (store / "rejoinder.db").write_bytes(b"")
    result = call(*words)

    assert result.exit_code == 1 and "Restore a backup" in result.output
    assert (store / "rejoinder.db").stat().st_size == 0


def test_the_data_directory_is_the_owners_alone_whoever_made_it(call: Call, data_dir: Path) -> None:
    data_dir.mkdir(mode=0o755)
    data_dir.chmod(0o755)
    call("init")
    assert data_dir.stat().st_mode & 0o777 == 0o700
