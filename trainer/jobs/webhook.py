"""Sends the report of each run that ended to `[trainer] webhook_url`, signed as Standard Webhooks
require.

Runs are found by their rows, so runs that failed, were cancelled, or ended while no worker ran are reported,
too. `runs/<id>/` holds `night.json`, the body, which is the same at every attempt, and `webhook.json`, where
a restart finds how far the delivery is. A message is sent at least once, always under the same id, so that
the receiver can drop a second one. It runs on a thread of the scheduler: it delays no run and fails none.
"""

import json
import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

import httpx
from apscheduler.schedulers.background import BackgroundScheduler
from standardwebhooks import Webhook

from feedback.advice.gather import advise_now, advise_on_run
from feedback.drift.watch import watch_now
from feedback.morning.gather import say_now
from feedback.run_report.facts import read_facts
from feedback.run_report.report import compose_run_report, for_outside
from feedback.store.engine import read
from feedback.store.run_history import list_ended
from serving.files import write_atomically
from trainer.context import NightContext

log = logging.getLogger(__name__)

TYPE = "run.ended"
# Seconds between two attempts; after some 18 hours in all, the message is given up.
DELAYS_S = (5, 30, 300, 1_800, 7_200, 18_000, 36_000)
HORIZON = timedelta(days=1)  # older runs are not reported, so that a new webhook gets no flood
TIMEOUT_S = 10.0
POLL_S = 5
GONE = 410  # the receiver wants no more messages

WAITING, DELIVERED, GIVEN_UP = "waiting", "delivered", "given_up"


@dataclass(frozen=True)
class Delivery:
    """How far the delivery of one run's message is. `answer`: the last HTTP status, or why there was none."""

    id: str
    state: str = WAITING
    attempts: int = 0
    next_at: str | None = None
    answer: str = ""

    @classmethod
    def load(cls, path: Path, run_id: str) -> Self:
        if not path.exists():
            return cls(f"run_{run_id}")
        return cls(**json.loads(path.read_text(encoding="utf-8")))

    def is_due(self, now: datetime) -> bool:
        return self.state == WAITING and (self.next_at is None or datetime.fromisoformat(self.next_at) <= now)

    def note(self, status: int | None, answer: str, now: datetime) -> Self:
        """The delivery after one more attempt, with its result and the time of the next attempt."""
        tried = replace(self, attempts=self.attempts + 1, answer=answer, next_at=None)
        if status is not None and httpx.codes.is_success(status):
            return replace(tried, state=DELIVERED)
        if status == GONE or self.attempts >= len(DELAYS_S):
            return replace(tried, state=GIVEN_UP)
        return replace(tried, next_at=(now + timedelta(seconds=DELAYS_S[self.attempts])).isoformat())

    def save(self, path: Path) -> None:
        write_atomically(path, json.dumps(vars(self), indent=2).encode())


def schedule_webhook(scheduler: BackgroundScheduler, ctx: NightContext) -> None:
    """Looks every few seconds for messages that are due, on a thread of the scheduler."""
    if ctx.settings.webhook_url:
        scheduler.add_job(deliver_due, "interval", [ctx], seconds=POLL_S, id="webhook")


def deliver_due(ctx: NightContext) -> list[Delivery]:
    """Makes one attempt for each message that is due, if there is a webhook; returns the deliveries."""
    if not ctx.settings.webhook_url:
        return []
    now = ctx.clock.now()
    with read(ctx.store_engine) as session:
        ended = [run.id for run in list_ended(session, desk_id=ctx.desk_id, since=now - HORIZON)]
    return [made for run_id in ended if (made := deliver(ctx, run_id)) is not None]


def deliver(ctx: NightContext, run_id: str) -> Delivery | None:
    """Makes one attempt to deliver a run's message; None if none is due."""
    path, now = ctx.run_dir(run_id) / "webhook.json", ctx.clock.now()
    delivery = Delivery.load(path, run_id)
    if not delivery.is_due(now):
        return None
    status, answer = send(ctx, delivery.id, read_webhook_body(ctx, run_id))
    delivery = delivery.note(status, answer, now)
    delivery.save(path)
    host = httpx.URL(ctx.settings.webhook_url).host  # the rest of the address may be a secret
    level = logging.INFO if delivery.state == DELIVERED else logging.WARNING
    told = (host, run_id, delivery.state, delivery.attempts, answer)
    log.log(level, "webhook %s: %s, %s after attempt %d (%s)", *told)
    return delivery


def read_webhook_body(ctx: NightContext, run_id: str) -> str:
    """The body of the message. It is made at the first attempt and kept."""
    path = ctx.run_dir(run_id) / "night.json"
    if not path.exists():
        write_atomically(path, json.dumps(make_message(ctx, run_id), ensure_ascii=False).encode())
    return path.read_text(encoding="utf-8")


def make_message(ctx: NightContext, run_id: str) -> dict[str, Any]:
    now = ctx.clock.now()
    facts = read_facts(ctx.store_engine, run_id, now=now, desk_id=ctx.desk_id)
    with read(ctx.store_engine) as session:
        said = say_now(session, ctx.outlook, now=now, desk_id=ctx.desk_id)
        watch = watch_now(session, now=now, desk_id=ctx.desk_id)
        advice = advise_now(session, ctx.outlook, now=now, desk_id=ctx.desk_id)
        run_advice = advise_on_run(session, facts.run, ctx.outlook)
    told = {"advice": advice.to_json(), "run_advice": run_advice.to_json()}
    report = for_outside(compose_run_report(facts, said, watch, **told))
    return {"type": TYPE, "timestamp": report["run"]["finished_at"], "data": report}


def send(ctx: NightContext, message_id: str, body: str) -> tuple[int | None, str]:
    """Sends a message; returns the HTTP status and its text, or None and why there was no answer."""
    secret, now = ctx.settings.webhook_secret, ctx.clock.now()
    assert secret is not None, "the settings ask for one"
    headers = {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret.get_secret_value()).sign(message_id, now, body),
    }
    try:
        answer = httpx.post(
            ctx.settings.webhook_url, content=body.encode(), headers=headers, timeout=TIMEOUT_S
        )
    except httpx.HTTPError as fault:
        return None, type(fault).__name__
    return answer.status_code, f"{answer.status_code} {answer.reason_phrase}"
