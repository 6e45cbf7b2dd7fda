"""`rejoinder import --watch`: a folder, or those of sources, until SIGTERM."""

import json
import signal
from pathlib import Path

import click
import pytest

from commands import import_
from feedback.imports import folder as watching
from feedback.store.engine import open_engine, unit_of_work
from feedback.store.tables import DEFAULT_DESK, Source
from tests.commands.conftest import Call
from tests.databases import START
from tests.feedback.formats.files import choice, write


@pytest.fixture
def ends_after_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files count as still at once, and the process gets SIGTERM once the first is reported."""

    def end_after(told: object) -> None:
        click.echo(json.dumps(told))
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(watching, "UNCHANGED_S", 0.0)
    monkeypatch.setattr(watching, "LOOK_EVERY_S", 0.0)
    monkeypatch.setattr(import_, "print_json", end_after)


def test_a_folder_is_watched_until_sigterm(
    call: Call, store: Path, tmp_path: Path, ends_after_a_file: None
) -> None:
    incoming = tmp_path / "incoming"
    incoming.mkdir()
    write(incoming / "a.jsonl", choice(1))
    before = signal.getsignal(signal.SIGTERM)
    result = call("import", "--watch", str(incoming), "--source", "tickets", "--json")
    assert result.exit_code == 0 and '"accepted": 1' in result.output
    assert (incoming / "done" / "a.jsonl").is_file()
    assert signal.getsignal(signal.SIGTERM) == before


def test_the_folders_of_active_sources_are_watched_under_their_names(
    call: Call, store: Path, tmp_path: Path, ends_after_a_file: None
) -> None:
    engine = open_engine(f"sqlite:///{store / 'rejoinder.db'}")
    with unit_of_work(engine) as session:
        for name, state in (("tickets", "active"), ("old", "paused")):
            (tmp_path / name).mkdir()
            write(tmp_path / name / "a.jsonl", choice(1))
            folder = str(tmp_path / name)
            session.add(
                Source(
                    desk_id=DEFAULT_DESK, name=name, kind="user", state=state, folder=folder, created_at=START
                )
            )
    result = call("import", "--watch", "--json")
    assert result.exit_code == 0
    assert (tmp_path / "tickets" / "done" / "a.jsonl").is_file()
    assert (tmp_path / "old" / "a.jsonl").is_file()
    assert import_.list_source_folders(engine) == {tmp_path / "tickets": "tickets"}
    engine.dispose()


def test_a_watch_takes_a_folder_that_is_there_and_no_file(call: Call, store: Path, tmp_path: Path) -> None:
    assert call("import", "--watch", str(tmp_path / "nowhere")).exit_code == 2
    assert call("import", "--watch", str(tmp_path), "a.jsonl").exit_code == 2
