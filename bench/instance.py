"""A whole Rejoinder in a folder of its own: `rejoinder up` as a user starts it, driven through HTTP.

Used by the benchmarks and by the loop tests. Web, trainer and store are real, and so is vLLM unless a
benchmark says otherwise.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psutil

from bench.report import ending_on_term
from commands.instance import find_port
from serving.client.fake import FakeEngine

ROOT = Path(__file__).parents[1]
START_LIMIT_S = 900  # an engine beside others takes minutes to load
RUN_LIMIT_S = 2400  # so does a night, which has taken ten
STOP_LIMIT_S = 300


@dataclass
class Service:
    """One running instance: its folder, its port, and an admin token."""

    data_dir: Path
    port: int
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    token: str = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, str(ROOT / "rejoinder.py"), *arguments, "--data-dir", str(self.data_dir)]

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a `rejoinder` command against this instance and return what it printed."""
        done = subprocess.run(
            self.command(*arguments),
            cwd=ROOT,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            timeout=RUN_LIMIT_S,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"{arguments} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
        return done

    def start(self) -> None:
        self.data_dir.mkdir(parents=True, exist_ok=True)
        log = open(self.data_dir / "up.log", "ab")
        self.process = subprocess.Popen(
            self.command("up", "--port", str(self.port)),
            cwd=ROOT,
            env={**os.environ, **self.environment},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        log.close()
        self.wait_ready()
        if not self.token:
            self.token = self.run("token", "create", "--role", "admin", "--name", "loop").stdout.split()[-1]

    def wait_ready(self, limit_s: float = START_LIMIT_S) -> None:
        assert self.process is not None
        deadline = time.monotonic() + limit_s
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError(f"up ended with {self.process.returncode}:\n{self.log()}")
            if self.is_ready():
                return
            time.sleep(0.3)
        raise AssertionError(f"not ready after {limit_s:.0f} s:\n{self.log()}")

    def is_ready(self) -> bool:
        with contextlib.suppress(httpx.HTTPError):
            return httpx.get(f"{self.url}/readyz", timeout=10).status_code == 200
        return False

    def log(self) -> str:
        return (self.data_dir / "up.log").read_text(errors="replace")[-6000:]

    def stop(self) -> int:
        """Stops the service with Ctrl-C, as a user would; returns the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=STOP_LIMIT_S)

    def find_processes(self, word: str) -> list[psutil.Process]:
        """The service's descendant processes whose command line contains `word`, parents first."""
        assert self.process is not None
        found = []
        for child in psutil.Process(self.process.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                if word in " ".join(child.cmdline()):
                    found.append(child)
        return found

    def read_web_cpu(self) -> float:
        """CPU seconds that the web has used so far."""
        (web,) = self.find_processes("commands.up.web")
        return read_cpu(web)

    def client(self, timeout_s: float = 60) -> httpx.Client:
        return httpx.Client(
            base_url=self.url, headers={"Authorization": f"Bearer {self.token}"}, timeout=timeout_s
        )


@contextlib.contextmanager
def running_service(data_dir: Path, **environment: str) -> Iterator[Service]:
    service = Service(data_dir, find_port("127.0.0.1", 0), environment)
    try:
        with ending_on_term():
            service.start()
            yield service
    finally:
        if service.process is not None and service.process.poll() is None:
            service.stop()


@contextlib.contextmanager
def running_on_fake(data_dir: Path, **environment: str) -> Iterator[tuple[Service, FakeEngine]]:
    """A service whose suggestions come from the fake engine, which costs almost nothing."""
    with FakeEngine() as fake:
        engine = {
            "REJOINDER_SERVING__REPLICAS": json.dumps([fake.endpoint.url]),
            "REJOINDER_SERVING__API_KEY": fake.endpoint.api_key,
            "REJOINDER_SERVING__BACKEND": "cpu",
        }
        with running_service(data_dir, **engine, **environment) as service:
            yield service, fake


def read_cpu(process: psutil.Process) -> float:
    spent = process.cpu_times()
    return float(spent.user + spent.system)


def new_event() -> str:
    return str(uuid4())


def open_customer_turn(client: httpx.Client, text: str, **fields: Any) -> dict[str, Any]:
    """Opens a conversation with one customer message; returns conversation_id, visitor_token and turn_id."""
    return post_event(client, "/v1/conversations", messages=[{"role": "customer", "text": text}], **fields)


def post_event(client: httpx.Client, path: str, **body: Any) -> dict[str, Any]:
    answer = client.post(path, json={"event_id": new_event(), **body})
    assert answer.is_success, answer.text
    return dict(answer.json())


def read_suggestions(client: httpx.Client, turn_id: str) -> dict[str, Any]:
    answer = client.get(f"/v1/turns/{turn_id}/suggestions", params={"wait": 30})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())
