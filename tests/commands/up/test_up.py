"""`rejoinder up` as a process of its own, on a stand-in for the engine: start, mend, stop, leave nothing.

With the real engine it runs in tests/loop.
"""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import httpx
import psutil
import pytest

from commands.instance import read_holder
from serving.client.fake import FakeEngine
from serving.processes.group import read_note

ROOT = Path(__file__).resolve().parents[3]

pytestmark = pytest.mark.real  # web and trainer as processes: a minute in all


class Up:
    """A running `rejoinder up` and what it printed."""

    def __init__(self, data_dir: Path, environment: dict[str, str], *options: str) -> None:
        self.data_dir = data_dir
        self.output = data_dir.with_name(f"{data_dir.name}-{uuid4().hex[:8]}.out")
        command = [sys.executable, str(ROOT / "rejoinder.py"), "up", "--data-dir", str(data_dir), *options]
        with self.output.open("w") as file:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env={**os.environ, **environment}, stdout=file, stderr=subprocess.STDOUT
            )

    def text(self) -> str:
        return self.output.read_text()

    def wait_for(self, pattern: str, limit_s: float = 240) -> re.Match[str]:
        deadline = time.monotonic() + limit_s
        while (found := re.search(pattern, self.text())) is None:
            assert self.process.poll() is None and time.monotonic() < deadline, self.text() + self.logs()
            time.sleep(0.05)
        return found

    def logs(self) -> str:
        return "\n".join(path.read_text()[-2000:] for path in sorted((self.data_dir / "logs").glob("*.log")))

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def end(self, sign: signal.Signals = signal.SIGINT) -> int:
        if self.process.poll() is None:
            self.process.send_signal(sign)
        return self.process.wait(180)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Up]]:
    """`start("name", "--port", "0")`: an instance on a stand-in engine; ended with the test."""
    with FakeEngine() as engine:
        environment = {
            "REJOINDER_SERVING__REPLICAS": json.dumps([engine.endpoint.url]),
            "REJOINDER_SERVING__API_KEY": engine.endpoint.api_key,
            "REJOINDER_SERVING__BACKEND": "cpu",
        }
        started: list[Up] = []

        def start_one(name: str = "var", *options: str) -> Up:
            started.append(Up(tmp_path / name, environment, *(options or ("--port", "0"))))
            return started[-1]

        yield start_one
        for one in started:
            one.end()


def wait_until(condition: Callable[[], bool], limit_s: float = 120) -> None:
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, "the condition never held"
        time.sleep(0.05)


def is_gone(process: psutil.Process) -> bool:
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def make_link(data_dir: Path) -> str:
    command = [sys.executable, str(ROOT / "rejoinder.py"), "sign-in", "--data-dir", str(data_dir)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_up_seeds_serves_mends_and_stops_cleanly(start: Callable[..., Up]) -> None:
    up = start()
    address = up.wait_for(r"workbench +(http://127\.0\.0\.1:\d+)/workbench")[1]
    up.wait_for(r"sign in +rejoinder sign-in --data-dir \S+ +prints a link")
    assert "/sign-in/" not in up.text()  # this is no terminal: what it keeps, others read
    up.wait_for("ready +Ctrl-C")
    link = make_link(up.data_dir)
    assert "12 demo conversations wait for a reply" in up.text()

    with httpx.Client(base_url=address, follow_redirects=True, timeout=60, trust_env=False) as browser:
        assert browser.get(link).status_code == 200
        queue = browser.get("/v1/queue").json()["turns"]
        assert len(queue) == 12
        shown = browser.get(f"/v1/turns/{queue[0]['turn_id']}/suggestions?wait=30").json()
        assert shown["state"] == "ready"
        assert browser.get(link).status_code == 200  # it has done its work
    with httpx.Client(base_url=address, timeout=60, trust_env=False) as stranger:
        assert stranger.get(link).status_code == 401  # once

    family = up.family()
    web = next(process for process in family if "commands.up.web" in process.cmdline())
    web.kill()
    up.wait_for(r"web +started again")
    wait_until(lambda: answers(address))

    family += up.family()
    assert up.end(signal.SIGINT) == 0
    wait_until(lambda: all(is_gone(process) for process in family))
    assert read_holder(up.data_dir) == {}
    assert "nothing is left running" in up.text()

    again = start()
    again.wait_for("the store has conversations already")
    again.wait_for("ready +Ctrl-C")
    assert again.end(signal.SIGTERM) == 0


def answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/healthz", timeout=60, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def test_killing_up_leaves_no_process(start: Callable[..., Up]) -> None:
    up = start()
    up.wait_for("ready +Ctrl-C")
    family = up.family()
    up.process.kill()

    assert len(family) >= 2  # the web, the trainer
    wait_until(lambda: all(is_gone(process) for process in family))


def test_a_start_right_after_a_kill_waits_for_the_web_that_was_left(start: Callable[..., Up]) -> None:
    """A reader who waits for news keeps the old web at work for a while after its parent is gone."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    up = start("var", "--port", port)
    up.wait_for("ready +Ctrl-C")
    address = f"http://127.0.0.1:{port}"
    with httpx.Client(base_url=address, trust_env=False, timeout=60) as reader:
        begun = reader.post("/chat/start", json={"event_id": str(uuid4()), "text": "Hi"}).json()
        path = f"/v1/conversations/{begun['conversation_id']}/messages"
        headers = {"Authorization": f"Bearer {begun['visitor_token']}"}
        last = begun["message_id"]
        waiting = reader.build_request("GET", f"{path}?after={last}&wait=25", headers=headers)
        thread = threading.Thread(target=lambda: _read_until_cut_off(reader, waiting))
        thread.start()
        web = read_note(up.data_dir / "logs" / "web.log")
        up.process.kill()
        again = start("var", "--port", port)
        again.wait_for("ready +Ctrl-C")
        thread.join()
    assert answers(address)
    assert read_note(up.data_dir / "logs" / "web.log") != web


def _read_until_cut_off(reader: httpx.Client, waiting: httpx.Request) -> None:
    with suppress(httpx.TransportError):
        reader.send(waiting)


def test_second_up_in_the_same_data_directory_is_refused(start: Callable[..., Up]) -> None:
    first = start()
    address = first.wait_for(r"workbench +(\S+)/workbench")[1]
    second = start("var", "--port", "0")

    assert second.process.wait(180) == 1
    assert f"Rejoinder already runs in {first.data_dir}" in second.text() and address in second.text()


def test_taken_port_is_told_with_the_remedy(start: Callable[..., Up]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        up = start("var", "--port", str(port))

        assert up.process.wait(180) == 1
    assert f"Cannot listen on 127.0.0.1:{port}" in up.text()
    assert f"rejoinder up --port {port + 10}" in up.text()
