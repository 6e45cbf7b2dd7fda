"""The webhook against a real server on loopback: signature, retries, a kill in between, nothing secret."""

import base64
import hashlib
import hmac
import json
import os
import signal
import subprocess
import sys
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from feedback.deployment.policy import Policy
from feedback.run_report.report import EXIT_CODES
from feedback.store.engine import unit_of_work
from feedback.store.tables import Run
from serving.config import load_settings
from serving.errors import EngineNotRunning, SettingsFault
from serving.settings import ServingSettings
from tests.clock import FrozenClock
from tests.feedback.builders import DESK
from tests.feedback.desk import make_desk
from tests.feedback.run_report.runs import LATER, add_ended_run
from trainer.__main__ import QUIET
from trainer.context import NightContext
from trainer.jobs.webhook import DELAYS_S, DELIVERED, GIVEN_UP, WAITING, deliver_due
from trainer.settings import TrainerSettings

KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()
CHILD = """
import sys
from pathlib import Path
from tests.trainer.jobs.test_webhook import make_context
from feedback.store.engine import open_engine
from trainer.jobs.webhook import deliver_due

url, folder, address = sys.argv[1:]
deliver_due(make_context(open_engine(url), Path(folder), address))
"""


class Receiver:
    """Keeps what was sent; answers the statuses it is given, then 200, and runs `on_request` before."""

    def __init__(self):
        self.received, self.statuses, self.on_request = [], [], lambda: None
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                outer.received.append(({key.lower(): value for key, value in self.headers.items()}, body))
                outer.on_request()
                self.send_response(outer.statuses.pop(0) if outer.statuses else 200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                """Silent."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server.server_port}/hooks/path-that-is-secret"

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def no_engine():
    raise EngineNotRunning("endpoint.json")


def make_context(store_engine, folder, address):
    return NightContext(
        store_engine=store_engine,
        data_dir=folder,
        settings=TrainerSettings(webhook_url=address, webhook_secret=SECRET),
        serving=ServingSettings(),
        fleet_factory=no_engine,
        clock=FrozenClock(LATER + timedelta(minutes=6)),
        desk_id="default",
        policy=Policy(),
    )


@pytest.fixture
def receiver(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture
def ctx(store_engine, tmp_path, receiver):
    return make_context(store_engine, tmp_path, receiver.address)


def check_signature(headers, body):
    """By the specification, without the library: HMAC-SHA256 over id.timestamp.body, base64 after `v1,`."""
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"


@pytest.mark.parametrize("outcome", sorted(EXIT_CODES))
def test_every_end_is_told_once_and_signed(ctx, receiver, outcome):
    run_id = add_ended_run(ctx.store_engine, outcome)
    (delivery,) = deliver_due(ctx)
    assert (delivery.state, delivery.attempts, delivery.answer) == (DELIVERED, 1, "200 OK")
    ((headers, body),) = receiver.received
    check_signature(headers, body)
    assert headers["webhook-id"] == f"run_{run_id}"
    assert headers["webhook-timestamp"] == str(int(ctx.clock.now().timestamp()))
    message = json.loads(body)
    assert (message["type"], message["data"]["outcome"]) == ("run.ended", outcome)
    assert message["data"]["run"]["id"] == run_id
    assert deliver_due(ctx) == [] and len(receiver.received) == 1


def test_a_refused_message_is_sent_again_under_the_same_id(ctx, receiver):
    add_ended_run(ctx.store_engine, "refused")
    receiver.statuses = [500, 503]
    (delivery,) = deliver_due(ctx)
    assert (delivery.state, delivery.answer.split()[0]) == (WAITING, "500")
    assert deliver_due(ctx) == []  # not before its time
    for wait in DELAYS_S[:2]:
        ctx.clock.advance(wait - 1)
        assert deliver_due(ctx) == []
        ctx.clock.advance(1)
        (delivery,) = deliver_due(ctx)
    assert (delivery.state, delivery.attempts) == (DELIVERED, 3)
    assert len({headers["webhook-id"] for headers, _ in receiver.received}) == 1
    assert len({body for _, body in receiver.received}) == 1
    assert len({headers["webhook-timestamp"] for headers, _ in receiver.received}) == 3
    for headers, body in receiver.received:
        check_signature(headers, body)


def test_nobody_there_is_tried_for_hours_and_then_given_up(sqlite_engine, tmp_path, receiver):
    ctx = make_context(sqlite_engine, tmp_path, receiver.address)
    receiver.server.server_close()  # the port refuses from now on
    run_id = add_ended_run(sqlite_engine, "failed")
    attempts = 0
    for wait in (0, *DELAYS_S):
        ctx.clock.advance(wait)
        (delivery,) = deliver_due(ctx)
        attempts += 1
        assert (delivery.attempts, delivery.answer) == (attempts, "ConnectError")
    assert delivery.state == GIVEN_UP and attempts == len(DELAYS_S) + 1
    ctx.clock.advance(DELAYS_S[-1])
    assert deliver_due(ctx) == []
    assert ctx.read_run(run_id).state == "failed"  # the run itself knows nothing of it


def test_a_receiver_that_is_gone_is_left_alone(ctx, receiver):
    add_ended_run(ctx.store_engine, "skipped")
    receiver.statuses = [410]
    (delivery,) = deliver_due(ctx)
    assert delivery.state == GIVEN_UP
    ctx.clock.advance(DELAYS_S[0])
    assert deliver_due(ctx) == []


def test_a_kill_between_sending_and_noting_sends_the_same_message_again(sqlite_engine, tmp_path, receiver):
    add_ended_run(sqlite_engine, "refused")
    arrived, dead = threading.Event(), threading.Event()
    receiver.on_request = lambda: (arrived.set(), dead.wait(30))
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(sqlite_engine.url), str(tmp_path), receiver.address],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )
    assert arrived.wait(60)
    child.send_signal(signal.SIGKILL)
    child.wait()
    dead.set()
    receiver.on_request = lambda: None
    (delivery,) = deliver_due(make_context(sqlite_engine, tmp_path, receiver.address))
    assert delivery.state == DELIVERED
    (first, second) = receiver.received
    assert first[0]["webhook-id"] == second[0]["webhook-id"]
    assert first[1] == second[1]


def test_a_restart_goes_on_where_it_was(sqlite_engine, tmp_path, receiver):
    add_ended_run(sqlite_engine, "cancelled")
    receiver.statuses = [500]
    deliver_due(make_context(sqlite_engine, tmp_path, receiver.address))
    again = make_context(sqlite_engine, tmp_path, receiver.address)
    assert deliver_due(again) == []
    again.clock.advance(DELAYS_S[0])
    (delivery,) = deliver_due(again)
    assert (delivery.state, delivery.attempts) == (DELIVERED, 2)


def test_runs_that_go_on_or_ended_long_ago_are_not_told(ctx, receiver):
    add_ended_run(ctx.store_engine, "skipped", started_at=LATER - timedelta(days=2))
    with unit_of_work(ctx.store_engine) as session:
        session.add(Run(desk_id=DESK, kind="manual", slot="q", created_at=LATER, state="queued"))
    assert deliver_due(ctx) == [] and receiver.received == []


def test_neither_texts_nor_secrets_leave(sqlite_engine, tmp_path, receiver, caplog):
    desk = make_desk(sqlite_engine, tmp_path)
    caplog.set_level("INFO")
    text = "My card number is 4111 1111 1111 1111"
    opened = desk.open(text)
    desk.say(opened, "agent", text)
    error = f"run x ended with code 1; Last log lines:\nrun x failed: {text} {SECRET}"
    run_id = add_ended_run(desk.engine, "failed", error=error)
    ctx = make_context(desk.engine, tmp_path, receiver.address)
    deliver_due(ctx)
    ((headers, body),) = receiver.received
    kept = [path.read_text() for path in ctx.run_dir(run_id).iterdir()]
    assert len(kept) == 2
    logged = "".join(record.getMessage() for record in caplog.records if record.name not in QUIET)
    for told in (body.decode(), json.dumps(headers), logged, *kept):
        assert text not in told and SECRET not in told and "path-that-is-secret" not in told
    assert "127.0.0.1" in logged


def test_without_an_address_nothing_happens(sqlite_engine, tmp_path, receiver):
    ctx = make_context(sqlite_engine, tmp_path, "")
    add_ended_run(sqlite_engine, "skipped")
    assert deliver_due(ctx) == [] and not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"webhook_url": "hooks.example.org"}, "write an address such as https://"),
        ({"webhook_url": "ftp://hooks.example.org"}, "write an address such as https://"),
        ({"webhook_url": "https://hooks.example.org"}, "webhook_url needs a webhook_secret"),
        ({"webhook_secret": "whsec_dG9vc2hvcnQ="}, "openssl rand -base64 32"),
        ({"webhook_secret": base64.b64encode(KEY).decode()}, "no webhook secret"),
    ],
)
def test_settings_that_cannot_work_say_what_to_do(values, said):
    with pytest.raises(SettingsFault) as refused:
        load_settings(TrainerSettings, "trainer", config=None, **values)
    assert said in str(refused.value)
    secret = values.get("webhook_secret")
    assert secret is None or secret not in str(refused.value)
