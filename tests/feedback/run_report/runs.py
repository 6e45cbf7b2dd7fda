"""Runs that have ended, one for each way to end, as the worker leaves them."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from feedback.store import runs
from feedback.store.deployments import add_deployment
from feedback.store.engine import unit_of_work
from feedback.store.runs import Metric
from feedback.store.tables import Run
from tests.databases import START
from tests.feedback.builders import DESK, add_adapter, add_dataset

ADAPTER = "tuned-20261122-1"
LATER = START + timedelta(hours=8)
SPLITS = {"train": 80, "validation": 9, "test": 11, "all": 100}
COUNTS = {"choices": SPLITS, "agents": 5, "sources": {"live": SPLITS}}
REPORT = {
    "n": 11,
    "total": 11,
    "uniform": {"log_loss": 1.3863, "accuracy": 0.25, "ci95": [1.38, 1.39]},
    "adapter": {"log_loss": 1.21, "accuracy": 0.45, "ci95": [1.1, 1.3]},
    "kl_to_base": 0.12,
    "policy": "default",
    "policy_sha256": "a" * 64,
    "checks": [
        {"code": "drifted", "text": "left", "value": 0.12, "limit": 0.5, "sense": "at most", "met": True},
        {"code": "too_long", "text": "grew", "value": 2.4, "limit": 2.0, "sense": "at most", "met": False},
    ],
    "sampled": "a reply nobody outside should read",
}
TOO_LONG = {"code": "too_long", "text": "replies grew against base", "value": 2.4, "limit": 2.0}
TOO_FEW = {
    "code": "too_little_new",
    "text": "12 new choices since the last run, 50 are needed",
    "value": 12,
    "limit": 50,
}
NO_ENGINE = {"code": "not_published", "text": "no engine runs", "value": None, "limit": 0}
NEVER_STAGED = {
    "code": "method_not_served",
    "text": "method prompt: it is never staged",
    "value": None,
    "limit": 0,
}
FIELDS: dict[str, dict[str, Any]] = {
    "published": {"state": "done", "decision": "passed"},
    "never_staged": {"state": "done", "reasons": [NEVER_STAGED]},
    "unpublished": {"state": "done", "decision": "passed", "reasons": [NO_ENGINE]},
    "waiting": {"state": "done", "decision": "passed"},
    "refused": {"state": "done", "decision": "refused", "reasons": [TOO_LONG]},
    "skipped": {"state": "skipped", "reasons": [TOO_FEW]},
    "cancelled": {"state": "cancelled"},
    "failed": {"state": "failed", "error": "its worker died 4 times, last at step train: see the run's log"},
}
TRAINED = ("published", "unpublished", "waiting", "refused")


def add_ended_run(engine, outcome, *, started_at=LATER, unpacked=None, **fields) -> str:
    """A run that ended so, five minutes after it started; its id. `unpacked`: why it packed no rows."""
    given = {
        "kind": "night",
        "slot": uuid4().hex,
        "requested_by": "scheduler",
        "created_at": started_at,
        "started_at": started_at,
        "finished_at": started_at + timedelta(minutes=5),
        **FIELDS[outcome],
        **fields,
    }
    with unit_of_work(engine) as session:
        run = Run(desk_id=DESK, **given)
        if outcome in TRAINED:
            run.dataset_id = add_dataset(session, counts=COUNTS, refusals={"too_close": 3}).id
            run.adapter, run.recipe = ADAPTER, {"name": "demo"}
            run.report = REPORT | ({"unpacked": unpacked} if unpacked else {})
        session.add(run)
        session.flush()
        if outcome in TRAINED:
            state = {"refused": "refused", "published": "canary"}.get(outcome, "passed")
            add_adapter(session, ADAPTER, state, run_id=run.id)
        if outcome == "published":
            add_deployment(
                session,
                desk_id=DESK,
                role="canary",
                adapter=ADAPTER,
                actor="trainer",
                reason="passed",
                now=run.finished_at,
                share=0.25,
                run_id=run.id,
            )
        return run.id


def train_run(engine, *, seconds: dict[str, float], numbers: list[Metric]) -> str:
    """A run that goes through these steps, so long each, and writes these numbers on its way."""
    now = LATER
    with unit_of_work(engine) as session:
        run, _ = runs.file_run_request(
            session, desk_id=DESK, kind="manual", slot="x", request={}, requested_by="ada", now=now
        )
        token = runs.claim_run(session, desk_id=DESK, owner="w", now=now, lease_s=60).fencing_token
        for step, took in seconds.items():
            runs.advance(session, run_id=run.id, token=token, step=step, now=now)
            runs.advance(session, run_id=run.id, token=token, step=step, now=now, progress=0.5)
            now += timedelta(seconds=took)
        runs.add_metrics(session, run_id=run.id, token=token, metrics=numbers, now=now)
        runs.finish_run(session, run_id=run.id, token=token, state="done", now=now)
        return run.id
