"""The service's clock beside the machine's, and terms that one clock gave and another reads."""

from datetime import UTC, datetime, timedelta

import pytest

from feedback.clock import SystemClock, still_runs

NOON = datetime(2026, 10, 25, 12, tzinfo=UTC)


class Machine:
    def __init__(self):
        self.time, self.monotonic = NOON, 100.0

    def pass_by(self, seconds):
        self.time += timedelta(seconds=seconds)
        self.monotonic += seconds


@pytest.fixture
def machine():
    return Machine()


@pytest.fixture
def clock(machine):
    return SystemClock(lambda: machine.time, lambda: machine.monotonic)


def test_the_clock_is_the_machines(clock, machine):
    machine.pass_by(90)
    assert clock.now() == NOON + timedelta(seconds=90)
    machine.time += timedelta(hours=1)
    assert clock.now() == NOON + timedelta(hours=1, seconds=90)


def test_after_a_step_back_the_clock_goes_on_slowly_until_the_machines_has_caught_up(clock, machine):
    machine.pass_by(10)
    machine.time -= timedelta(hours=1)
    assert clock.now() == NOON + timedelta(seconds=5)  # it was read last at noon
    machine.pass_by(60)
    assert clock.now() == NOON + timedelta(seconds=35)
    machine.pass_by(7200)
    assert clock.now() == machine.time
    assert clock.monotonic() == machine.monotonic


@pytest.mark.parametrize(
    ("left_s", "runs"), [(0, False), (1, True), (60, True), (61, False), (3600, False), (-1, False)]
)
def test_a_term_of_a_minute_runs_for_a_minute_at_most(left_s, runs):
    until = NOON + timedelta(seconds=left_s)
    assert still_runs(until, now=NOON, term=timedelta(seconds=60)) is runs
