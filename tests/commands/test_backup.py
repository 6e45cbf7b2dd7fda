"""deploy/backup.sh and deploy/restore.sh on a store that is in use, on both databases."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from commands.frame import Frame
from commands.store import migrate_store, open_store
from feedback.store.engine import read
from tests.commands.conftest import Call

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"


def run(script: str, *arguments: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [str(DEPLOY / script), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment})


def count_tokens(frame: Frame) -> int:
    from feedback.store.users import list_tokens

    with open_store(frame) as engine, read(engine) as session:
        return len(list_tokens(session, desk_id="default"))


def test_backup_of_a_store_in_use_can_be_restored(call: Call, store: Path, tmp_path: Path) -> None:
    call("token", "create", "--role", "app")
    adapter = store / "adapters" / "tuned-20260101-1" / "weights"
    adapter.mkdir(parents=True)
    (adapter / "adapter_model.safetensors").write_bytes(b"weights")
    (store / "runs" / "r1" / "checkpoints" / "5").mkdir(parents=True)
    with open_store(Frame(store, None)) as engine, read(engine) as session:
        session.connection().exec_driver_sql("SELECT 1")  # somebody reads while it is copied
        made = run("backup.sh", store, tmp_path / "backups")
    copy = Path(made.stdout.strip())
    restored = run("restore.sh", copy, tmp_path / "new")

    assert made.returncode == 0, made.stderr
    assert copy.stat().st_mode & 0o777 == 0o700
    assert not (copy / "runs" / "r1" / "checkpoints").exists()
    assert restored.returncode == 0, restored.stderr
    assert count_tokens(Frame(tmp_path / "new", None)) == 1
    restored_weights = tmp_path / "new" / adapter.relative_to(store) / "adapter_model.safetensors"
    assert restored_weights.read_bytes() == b"weights"


def test_backup_holds_the_keys_and_the_settings(store: Path, tmp_path: Path) -> None:
    for name in ("secret.key", "redaction.key"):
        (store / name).write_text(name)
    config = tmp_path / "mine.toml"
    config.write_text("[feedback]\nport = 8090\n")
    made = run("backup.sh", store, tmp_path / "backups", REJOINDER_CONFIG=str(config), REJOINDER_X__Y="z")
    copy = Path(made.stdout.strip())

    assert made.returncode == 0, made.stderr
    assert [(copy / name).read_text() for name in ("secret.key", "redaction.key")] == [
        "secret.key",
        "redaction.key",
    ]
    assert (copy / "rejoinder.toml").read_text() == config.read_text()
    assert "REJOINDER_X__Y=z" in (copy / "settings.env").read_text().splitlines()
    assert all(path.stat().st_mode & 0o077 == 0 for path in (copy, copy / "settings.env"))
    restored = run("restore.sh", copy, tmp_path / "new")
    assert restored.returncode == 0 and (tmp_path / "new" / "redaction.key").read_text() == "redaction.key"


def test_restore_refuses_a_damaged_backup_and_a_directory_in_use(
    call: Call, store: Path, tmp_path: Path
) -> None:
    copy = Path(run("backup.sh", store, tmp_path / "backups").stdout.strip())
    full = run("restore.sh", copy, store)
    with (copy / "rejoinder.db").open("r+b") as file:
        file.seek(100)
        file.write(b"damage")
    damaged = run("restore.sh", copy, tmp_path / "new")

    assert full.returncode == 1 and "is not empty" in full.stderr
    assert damaged.returncode == 1 and "is damaged" in damaged.stderr
    assert not (tmp_path / "new").exists()


@pytest.mark.real
def test_backup_of_postgresql(
    postgres_database: str, postgres_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sqlalchemy import text

    from tests.databases import administrate, postgres_url

    if shutil.which("pg_dump") is None:
        pytest.skip("pg_dump is not on the path")
    monkeypatch.setenv("REJOINDER_FEEDBACK__DATABASE_URL", postgres_database)
    frame = Frame(tmp_path / "var", None)
    migrate_store(frame)
    made = run("backup.sh", frame.data_dir, tmp_path / "backups")
    assert made.returncode == 0, made.stderr

    other = postgres_url(postgres_server, "restored")
    with administrate(postgres_server) as admin:
        admin.execute(text("CREATE DATABASE restored"))
    try:
        monkeypatch.setenv("REJOINDER_FEEDBACK__DATABASE_URL", other)
        done = run("restore.sh", Path(made.stdout.strip()), tmp_path / "new")
        assert done.returncode == 0, done.stderr
        assert count_tokens(Frame(tmp_path / "new", None)) == 0
    finally:
        with administrate(postgres_server) as admin:
            admin.execute(text("DROP DATABASE restored WITH (FORCE)"))
