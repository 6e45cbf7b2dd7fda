"""Reads the facts for the morning's sentence, with a few indexed queries in the caller's transaction.

Counts are current to a minute or two; bounds are those that the trainer fitted last. It asks no engine: the
manifest lists the adapters that the engine cannot load.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from feedback.experiments.account import read_support
from feedback.experiments.rollout_rule import Evidence
from feedback.morning.facts import How, InService, Left, MorningFacts, Passed
from feedback.morning.outlook import Outlook
from feedback.morning.said import MorningSentence
from feedback.morning.sentence import say
from feedback.store import adapters, deployments, rollout_decisions, run_history, runs
from feedback.store.approvals import read_words
from feedback.store.deployments import CANARY, LIVE
from feedback.store.desks import find_desk
from feedback.store.fits import find_fit
from feedback.store.new_records import has_records
from feedback.store.new_texts import count_new_records
from feedback.store.tables import DEFAULT_DESK, Deployment, Run
from serving.adapters.manifest import read_manifest
from serving.adapters.staging import adapter_path

# Between a due time and its run's row: a trainer that starts just then asks for it first.
GRACE = timedelta(minutes=10)
MANY = 10_000  # new choices beyond which it says no more how many


def say_now(
    session: Session, outlook: Outlook, *, now: datetime, desk_id: str = DEFAULT_DESK
) -> MorningSentence:
    return say(gather_facts(session, outlook, now=now, desk_id=desk_id))


def gather_facts(
    session: Session, outlook: Outlook, *, now: datetime, desk_id: str = DEFAULT_DESK
) -> MorningFacts:
    # What a run on another base came to is said by `rejoinder rebase status`.
    trained = runs.latest_run(session, desk_id=desk_id, state="done", but=runs.REBASE)
    canary = gather_in_service(session, CANARY, now=now, desk_id=desk_id)
    live = gather_in_service(session, LIVE, now=now, desk_id=desk_id)
    serving = {found.name for found in (canary, live) if found is not None}
    manifest = read_manifest(outlook.data_dir)
    missing = serving & set(manifest.missing if manifest is not None else ())
    return MorningFacts(
        at=now,
        policy=outlook.policy,
        has_records=has_records(session, desk_id=desk_id),
        new_choices=count_new_records(
            session,
            outlook.learns_from,
            desk_id=desk_id,
            since=trained.started_at if trained is not None else None,
            at_most=max(MANY, outlook.min_new_choices),
        ),
        min_new_choices=outlook.min_new_choices,
        learns_from=outlook.learns_from,
        missed=find_missed(session, outlook, now=now, desk_id=desk_id),
        going=runs.find_unfinished(session, desk_id=desk_id),
        ended=run_history.find_latest_ended(session, desk_id=desk_id, but=runs.REBASE),
        trained=trained,
        canary=canary,
        live=live,
        missing=frozenset(missing),
        lost=frozenset(name for name in missing if not adapter_path(outlook.data_dir, name).is_dir()),
        left=None if canary is not None else read_left(session, now=now, desk_id=desk_id),
        passed=read_passed(session, trained, serving, desk_id=desk_id),
    )


def find_missed(session: Session, outlook: Outlook, *, now: datetime, desk_id: str) -> datetime | None:
    """The last due time of a nightly run, if this instance existed then and the run was never requested."""
    due = outlook.timetable.find_last(now) if outlook.timetable is not None else None
    desk = find_desk(session, desk_id=desk_id)
    if due is None or desk is None or not desk.created_at <= due <= now - GRACE:
        return None
    asked = runs.find_run(session, desk_id=desk_id, kind="night", slot=due.isoformat())
    return due if asked is None else None


def gather_in_service(session: Session, role: Any, *, now: datetime, desk_id: str) -> InService | None:
    rows = deployments.list_deployments(session, desk_id=desk_id, role=role, limit=2)
    name = rows[0].adapter if rows else None
    if name is None:
        return None
    before = rows[1].adapter if role == CANARY and len(rows) > 1 else None
    return InService(
        name=name,
        role=role,
        share=rows[0].share,
        since=rows[0].at,
        actor=rows[0].actor,
        evidence=read_evidence(session, name, now=now, desk_id=desk_id),
        is_fitted=find_fit(session, desk_id=desk_id, adapter=name) is not None,
        words=read_words(session, desk_id=desk_id, adapter=name),
        before=before if before != name else None,
    )


def read_evidence(session: Session, name: str, *, now: datetime, desk_id: str) -> Evidence:
    support, fitted = read_support(session, name, now=now, desk_id=desk_id)
    adjusted = fitted.get("adjusted") or {}
    return Evidence(
        adapter=name,
        tally=support.tally,
        agents=support.agents,
        e_harm=support.e_harm,
        share_low=fitted.get("share_low"),
        adjusted=adjusted.get("share"),
        adjusted_low=adjusted.get("low"),
    )


def read_left(session: Session, *, now: datetime, desk_id: str) -> Left | None:
    """The adapter that the last change took out of service, unless another one replaced it."""
    last = next(iter(deployments.list_deployments(session, desk_id=desk_id, limit=1)), None)
    if last is None:
        return None
    before = next(iter(list_before(session, last, desk_id=desk_id)), None)
    if before is None or before.adapter in (None, last.adapter):
        return None
    how = find_how(session, before.adapter, desk_id=desk_id)
    if how is None:
        return None
    return Left(
        before.adapter,
        how,
        last.actor,
        last.at,
        read_evidence(session, before.adapter, now=now, desk_id=desk_id),
    )


def list_before(session: Session, last: Deployment, *, desk_id: str) -> list[Deployment]:
    rows = deployments.list_deployments(session, desk_id=desk_id, role=last.role, limit=2)
    return [row for row in rows if row.fencing_token < last.fencing_token]


def find_how(session: Session, name: str, *, desk_id: str) -> How | None:
    """How the adapter left service; None for one that went live or was replaced."""
    adapter = adapters.get_adapter(session, desk_id=desk_id, name=name)
    decision = rollout_decisions.find_latest_rollout_decision(session, desk_id=desk_id, adapter=name)
    verdict = decision.verdict if decision is not None else None
    if adapter.state == "retired":
        return "undecided" if verdict == "retire" else None
    if adapter.state != "rolled_back":
        return None
    if read_words(session, desk_id=desk_id, adapter=name).vetoes:
        return "veto"
    return "harm" if verdict == "roll_back" else "person"


def read_passed(session: Session, trained: Run | None, serving: set[str], *, desk_id: str) -> Passed | None:
    name = trained.adapter if trained is not None else None
    adapter = run_history.find_made_adapter(session, desk_id=desk_id, name=name)
    if adapter is None or adapter.state != "passed" or adapter.name in serving:
        return None
    return Passed(adapter.name, read_words(session, desk_id=desk_id, adapter=adapter.name))
