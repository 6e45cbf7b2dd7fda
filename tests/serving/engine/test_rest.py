"""The rest of a supervised engine, a stub in place of vLLM: gone or asleep, said to its clients, and back."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from serving.client.current import CurrentFleet
from serving.client.endpoint import read_endpoints
from serving.errors import EngineResting, ServingError
from serving.pulse import Pulse, is_hung
from serving.settings import ServingSettings
from tests.serving.adapters.test_staging import base as base
from tests.serving.engine.test_supervisor import Rig
from tests.serving.engine.test_supervisor import mode as mode
from tests.serving.engine.test_supervisor import rig as rig
from tests.serving.processes.test_processes import is_alive, wait_until


def rests(data_dir: Path) -> EngineResting | None:
    """What clients are told of the engine's rest."""
    with pytest.raises(ServingError) as caught:
        read_endpoints(ServingSettings(), data_dir)
    return caught.value if isinstance(caught.value, EngineResting) else None


def test_a_resting_engine_is_gone_until_it_is_woken(rig):
    rig.supervisor.start()
    fleet = rig.supervisor.wait_ready()
    first, until = rig.group(), datetime(2026, 11, 22, 3, 40, tzinfo=UTC)
    rig.supervisor.rest(None)
    wait_until(lambda: rests(rig.data_dir).is_gone)
    assert not any(map(is_alive, first)) and rests(rig.data_dir).until is None
    rig.supervisor.rest(until)  # the forecast came
    told = rests(rig.data_dir)
    assert (told.until, told.is_gone) == (until, True)
    assert "until about 03:40 UTC" in str(told)
    rig.supervisor.restart()  # a pulse that was late hears of nothing to start
    pulse = Pulse(rig.settings, rig.data_dir, CurrentFleet(rig.settings, rig.data_dir), pytest.fail)
    for _ in range(3):
        pulse.beat()
    assert rig.group() == [] and not is_hung(rig.data_dir)
    rig.supervisor.wake()
    wait_until(lambda: len(rig.ready_calls) == 2)  # what the deployments name is loaded again
    assert fleet.is_ready() and read_endpoints(rig.settings, rig.data_dir) == [rig.supervisor.endpoint]
    assert rig.told == [
        "engine leaves the card to a run: agents write by hand meanwhile",
        "engine is started again: no run needs the card any more",
    ]
    assert len(rig.group()) == 2 and not set(first) & set(rig.group())


def test_an_engine_that_starts_or_would_start_gives_way_to_a_run(rig, mode):
    mode("never")
    rig.supervisor.rest(None)
    rig.supervisor.start()  # a run has the card already
    assert rests(rig.data_dir).is_gone and rig.group() == []
    rig.supervisor.wake()
    wait_until(lambda: len(rig.group()) == 2)
    starting = rig.group()
    assert not rests(rig.data_dir).is_gone  # until it answers nobody asks it, and it holds memory again
    rig.supervisor.rest(None)
    wait_until(lambda: (told := rests(rig.data_dir)) and told.is_gone)
    assert not any(map(is_alive, starting))
    mode("ok")


@pytest.mark.parametrize(("stub", "sleeps"), [("sleeper", True), ("ok", False)])
def test_an_engine_sleeps_where_it_can_and_ends_where_it_cannot(tmp_path, base, mode, stub, sleeps):
    mode(stub)
    rig = Rig(tmp_path, base, during_training="sleep")
    rig.supervisor.start()
    try:
        rig.supervisor.wait_ready()
        first = rig.group()
        rig.supervisor.rest(None)
        wait_until(lambda: rests(rig.data_dir).is_gone)
        assert rig.group() == (first if sleeps else [])
        rig.supervisor.wake()
        wait_until(lambda: len(rig.ready_calls) == 2)
        assert (rig.group() == first) == sleeps
        asked = [line for line in rig.supervisor.log_path.read_text().splitlines() if "asked" in line]
        assert asked == ["asked /sleep?level=1", *(["asked /wake_up"] if sleeps else [])]
    finally:
        rig.supervisor.stop()
