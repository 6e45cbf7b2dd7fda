"""One instance for each data directory, and ports that are free."""

import os
import socket
from pathlib import Path

import pytest

from commands.instance import (
    AlreadyRunning,
    InstanceLock,
    PortTaken,
    find_port,
    is_running,
    read_holder,
    require_port,
)


@pytest.fixture
def taken_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_second_lock_names_the_holder(tmp_path: Path) -> None:
    with InstanceLock(tmp_path) as lock:
        lock.describe(pid=os.getpid(), address="http://127.0.0.1:8123")
        with pytest.raises(AlreadyRunning) as refused, InstanceLock(tmp_path):
            pass

    assert f"process {os.getpid()} at http://127.0.0.1:8123" in str(refused.value)
    assert "--data-dir var2 --port 8090" in str(refused.value)


def test_released_lock_leaves_nobody_running(tmp_path: Path) -> None:
    with InstanceLock(tmp_path):
        assert is_running(tmp_path)

    assert not is_running(tmp_path)
    assert read_holder(tmp_path) == {}


def test_nobody_runs_where_nothing_is(tmp_path: Path) -> None:
    assert not is_running(tmp_path / "nowhere")
    assert read_holder(tmp_path / "nowhere") == {}


def test_two_data_directories_do_not_disturb_each_other(tmp_path: Path) -> None:
    with InstanceLock(tmp_path / "a"), InstanceLock(tmp_path / "b"):
        assert is_running(tmp_path / "a") and is_running(tmp_path / "b")


def test_taken_port_is_refused_with_another_one_named(taken_port: int) -> None:
    with pytest.raises(PortTaken) as refused:
        require_port("127.0.0.1", taken_port)

    assert f"Cannot listen on 127.0.0.1:{taken_port}" in str(refused.value)
    assert f"rejoinder up --port {taken_port + 10}" in str(refused.value)


def test_find_port_keeps_a_free_wish_and_leaves_a_taken_one(taken_port: int) -> None:
    free = find_port("127.0.0.1", 0)

    assert find_port("127.0.0.1", free) == free
    assert find_port("127.0.0.1", taken_port) != taken_port
