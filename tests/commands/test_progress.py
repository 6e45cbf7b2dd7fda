"""Long work in a log: what its lines say and when they come, and that every long command tells its work."""

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import pytest
from click.testing import CliRunner

from commands import progress, simulate, train
from commands.frame import Frame
from commands.progress import LINE_EVERY_S, LongWork, print_work_lines, show_work
from demo.simulate import Night, NightProgress
from tests.clock import FrozenClock
from tests.commands.conftest import Call
from tests.commands.test_exchange_commands import choice

CLOCK_STARTS = datetime(2026, 1, 2, tzinfo=UTC)


def read_log(clock: FrozenClock, work: LongWork, *happenings: Callable[[], None]) -> list[str]:
    """The lines of work that lasts as many waits as something happens in."""
    waiting = iter(happenings)

    def wait(seconds: float) -> bool:
        clock.advance(seconds)
        happens = next(waiting, None)
        if happens is not None:
            happens()
        return happens is None

    @click.command()
    def command() -> None:
        print_work_lines(work, wait)

    return CliRunner().invoke(command).stderr.splitlines()


def test_a_log_has_a_line_for_every_wait_with_counts_share_and_time_left() -> None:
    clock = FrozenClock(CLOCK_STARTS)
    work = LongWork("records", clock)
    lines = read_log(
        clock,
        work,
        lambda: work.report(0, 5000, step="reading"),
        lambda: work.report(1000, 5000, step="reading"),
        lambda: None,
        lambda: work.report(10, 20, step="writing", note="loss 0.5"),
    )

    assert LINE_EVERY_S <= 30
    assert lines == [
        "after 25.0 s: reading, 0 of 5,000 records, 0%",
        "after 50.0 s: reading, 1,000 of 5,000 records, 20%, about 100.0 s left",
        "after 75.0 s: reading, 1,000 of 5,000 records, 20%, about 3.3 min left",
        "after 100.0 s: writing, 10 of 20 records, 50%, loss 0.5",
    ]


def test_seventy_silent_minutes_leave_a_line_at_least_every_thirty_seconds() -> None:
    clock = FrozenClock(CLOCK_STARTS)
    lines = read_log(clock, LongWork(clock=clock), *[lambda: None] * int(70 * 60 / LINE_EVERY_S))

    assert len(lines) >= 140
    assert lines[-1] == "after 70.0 min: 0%"


def test_sizes_are_told_in_bytes_and_shares_without_a_count() -> None:
    file, run = LongWork("bytes"), LongWork("sets")
    file.report(2_500_000, 10_000_000, step="choices.jsonl")
    run.report(0.25, 1.0, step="train")

    assert (file.count(), run.count()) == ("2.5 MB of 10.0 MB", "")


def test_nothing_is_told_of_work_that_is_quiet_and_the_thread_ends_with_the_block(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told = threading.Event()
    monkeypatch.setattr(progress, "LINE_EVERY_S", 0.001)
    monkeypatch.setattr(LongWork, "describe", lambda self: told.set() or "a line")
    before = threading.active_count()
    with show_work("import", quiet=True):
        assert threading.active_count() == before
    assert capsys.readouterr().err == ""
    with show_work("import"):
        assert told.wait(30)
    assert threading.active_count() == before
    assert "a line" in capsys.readouterr().err


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, float, float]]:
    """Step, done and total of everything that a command tells of its work."""
    heard: list[tuple[str, float, float]] = []

    def report(work: LongWork, done: float, total: float = 1.0, *, step: str = "", note: str = "") -> None:
        heard.append((step, done, total))

    monkeypatch.setattr(LongWork, "report", report)
    return heard


def test_import_and_build_tell_every_byte_and_record(
    call: Call, store: Path, tmp_path: Path, told: list[tuple[str, float, float]]
) -> None:
    path = tmp_path / "choices.jsonl"
    path.write_text("".join(json.dumps(choice(number)) + "\n" for number in range(60)))
    assert call("import", str(path), "--kind", "choices").exit_code == 0
    assert told[-1] == ("choices.jsonl", path.stat().st_size, path.stat().st_size)

    told.clear()
    assert call("dataset", "build").exit_code == 0
    assert told == [
        *(("reading", done, 60) for done in range(1, 61)),
        *(("writing choices", done, 60) for done in range(1, 61)),
    ]


def test_train_tells_the_step_of_its_run_and_its_share(
    monkeypatch: pytest.MonkeyPatch, call: Call, store: Path, told: list[tuple[str, float, float]]
) -> None:
    monkeypatch.setattr(train, "POLL_EVERY_S", 0)
    rows = iter([("queued", None, 0.0), ("running", "train", 0.4), ("done", "publish", 1.0)])

    def read_run(*_: Any, **__: Any) -> Any:
        state, step, share = next(rows)
        return SimpleNamespace(
            state=state, step=step, progress=share, model_dump=lambda mode: {"state": state}
        )

    monkeypatch.setattr(train, "get_run", read_run)
    with train.open_store(Frame(store, None)) as engine:
        assert train.watch_run(engine, "run", quiet=False) == {"state": "done"}
    assert told == [("train", 0.4, 1.0), ("publish", 1.0, 1.0)]


def test_simulate_tells_its_sets_and_the_step_of_its_run(
    monkeypatch: pytest.MonkeyPatch, call: Call, told: list[tuple[str, float, float]]
) -> None:
    def play(*, on_progress: Callable[[NightProgress], None], **_: Any) -> list[Night]:
        on_progress(NightProgress(2, "sets", 120, 300))
        on_progress(NightProgress(2, "train", 0.5, 1.0))
        return []

    monkeypatch.setattr(simulate, "run_simulation", play)
    assert call("simulate", "--url", "http://service", "--token", "t").exit_code == 0
    assert told == [("night 2: sets", 120, 300), ("night 2: train", 0.5, 1.0)]
