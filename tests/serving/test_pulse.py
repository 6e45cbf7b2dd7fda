"""A hung engine is told from one that is slow, away or well."""

import threading

import pytest

from serving.client.fake import FakeEngine
from serving.client.fleet import Fleet
from serving.errors import EngineNotRunning
from serving.pulse import Pulse, is_hung
from serving.settings import ServingSettings

SETTINGS = ServingSettings(backend="cpu", request_timeout_s=30)
IMPATIENT = SETTINGS.model_copy(update={"request_timeout_s": 0.2})


@pytest.fixture
def engine():
    with FakeEngine() as found:
        yield found


@pytest.fixture
def told():
    return []


@pytest.fixture
def find_fleet(engine):
    """Waits long for an engine that answers, so that a busy machine is none that hangs."""
    patient, impatient = (Fleet.from_endpoints([engine.endpoint], each) for each in (SETTINGS, IMPATIENT))
    yield lambda: impatient if engine.mode == "hang" else patient
    patient.close()
    impatient.close()


@pytest.fixture
def pulse(find_fleet, tmp_path, told):
    return Pulse(SETTINGS, tmp_path, find_fleet, lambda: told.append("hung"))


def test_a_beat_is_one_token(pulse, engine, tmp_path, told):
    pulse.beat()
    (path, body) = engine.requests[-1][:2]
    assert "chat/completions" in path and (body["max_tokens"], body["n"]) == (1, 1)
    assert not is_hung(tmp_path) and told == []


def test_two_beats_in_a_row_without_a_token_mean_that_it_hangs(pulse, engine, tmp_path, told):
    engine.mode = "hang"
    pulse.beat()
    assert (is_hung(tmp_path), told) == (False, [])
    pulse.beat()
    assert (is_hung(tmp_path), told) == (True, ["hung"])


def test_a_token_between_two_late_ones_means_that_it_was_slow(pulse, engine, tmp_path, told):
    for mode in ("hang", "ok", "hang"):
        engine.mode = mode
        pulse.beat()
    assert (is_hung(tmp_path), told) == (False, [])


def test_the_first_token_afterwards_takes_the_word_back(pulse, engine, tmp_path):
    engine.mode = "hang"
    pulse.beat()
    pulse.beat()
    engine.mode = "ok"
    pulse.beat()
    assert not is_hung(tmp_path)


def test_a_beat_that_ends_after_the_pulse_leaves_no_word(pulse, engine, tmp_path, told):
    engine.mode = "hang"
    pulse.beat()
    pulse.close()
    pulse.beat()
    assert (is_hung(tmp_path), told) == (False, [])


@pytest.mark.parametrize("mode", ["error"])
def test_an_engine_that_refuses_does_not_hang(pulse, engine, tmp_path, told, mode):
    engine.mode = mode
    for _ in range(3):
        pulse.beat()
    assert (is_hung(tmp_path), told) == (False, [])


def test_an_engine_that_is_away_does_not_hang(tmp_path, told):
    def find_fleet():
        raise EngineNotRunning(tmp_path)

    away = Pulse(SETTINGS, tmp_path, find_fleet, lambda: told.append("hung"))
    for _ in range(3):
        away.beat()
    assert (is_hung(tmp_path), told) == (False, [])


def test_the_pulse_is_taken_again_and_again(engine, find_fleet, tmp_path, monkeypatch):
    monkeypatch.setattr("serving.pulse.BEAT_EVERY_S", 0.01)
    hung = threading.Event()
    pulse = Pulse(SETTINGS, tmp_path, find_fleet, hung.set)
    (tmp_path / "engine.hung").touch()  # of a start before this one
    pulse.start()
    assert not is_hung(tmp_path)
    engine.mode = "hang"
    assert hung.wait(60)
    pulse.close()
    assert not is_hung(tmp_path)
