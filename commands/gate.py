"""`rejoinder gate --explain`: what the gate decided about a run's adapter, and what would change it.

It only reads.
"""

from dataclasses import asdict
from typing import Any

import click
from sqlalchemy import Engine
from sqlmodel import Session

from commands.errors import NothingToDo
from commands.frame import Frame, frame_options, json_option, print_json
from commands.store import open_store
from feedback.deployment import rollout
from feedback.deployment.policy import Policy
from feedback.errors import NotFound
from feedback.experiments.rollout_rule import list_thresholds
from feedback.store.adapters import get_adapter
from feedback.store.engine import read
from feedback.store.rollout_decisions import find_latest_rollout_decision
from feedback.store.runs import get_run
from feedback.store.tables import DEFAULT_DESK, Adapter, Run

ACTOR = "scheduler"  # acts on evidence; it is no person, so any approval is that of a second person
NEVER_SHOWN = ("trained", "refused")


@click.command("gate")
@frame_options
@click.option("--explain", "asked", required=True, metavar="RUN", help="A run's id, or an adapter's name.")
@json_option
def command(frame: Frame, asked: str, as_json: bool) -> None:
    """Explain the gate: every limit with its value, before anybody saw the adapter and on people's picks.

    Limits are those of the policy in force now; which one decided then stands beside it. Exit code 2 if
    nothing has that name, 3 if the run has no evidence yet.

    \b
    rejoinder gate --explain tuned-20260101-1
    rejoinder gate --explain 3f2a91c0-... --json | jq .exposure.picks_needed
    """
    policy = frame.policy()
    with open_store(frame) as store_engine:
        found = explain_rule(store_engine, asked, policy)
    if as_json:
        print_json(found)
    else:
        show_gate(found)
    if found["offline"] is None:
        raise NothingToDo("" if as_json else "Nothing was measured yet: the run has not reached the gate.")


def explain_rule(store_engine: Engine, asked: str, policy: Policy) -> dict[str, Any]:
    with read(store_engine) as session:
        run, adapter = find(session, asked)
    shown = adapter is not None and adapter.state not in NEVER_SHOWN
    report = (run.report if run else None) or (adapter.report if adapter else None)
    return {
        "run": run.id if run else None,
        "adapter": adapter.name if adapter else None,
        "state": adapter.state if adapter else None,
        **policy.label,
        "offline": explain_offline(report, run, policy) if report else None,
        "exposure": explain_rollout(store_engine, adapter.name, policy) if adapter and shown else None,
    }


def find(session: Session, asked: str) -> tuple[Run | None, Adapter | None]:
    try:
        adapter = get_adapter(session, desk_id=DEFAULT_DESK, name=asked)
        run_id = adapter.run_id
        return (get_run(session, desk_id=DEFAULT_DESK, run_id=run_id) if run_id else None), adapter
    except NotFound:
        pass
    try:
        run = get_run(session, desk_id=DEFAULT_DESK, run_id=asked)
    except NotFound:
        raise click.UsageError(
            f"No run and no adapter is called {asked!r}. `rejoinder status` and the console list them."
        ) from None
    try:
        return run, get_adapter(session, desk_id=DEFAULT_DESK, name=run.adapter or "")
    except NotFound:
        return run, None


def explain_offline(report: dict[str, Any], run: Run | None, policy: Policy) -> dict[str, Any]:
    from trainer.evaluation.gate import decide
    from trainer.evaluation.report import OfflineReport

    decision = decide(OfflineReport.model_validate(report), policy.offline)
    return {
        "decided": run.decision if run else None,
        "decided_under": {key: report.get(key) for key in policy.label},
        "verdict": decision.verdict,
        "checks": [check.to_json() for check in decision.checks],
    }


def explain_rollout(store_engine: Engine, name: str, policy: Policy) -> dict[str, Any]:
    found = rollout.decide_now(store_engine, name, policy=policy, actor=ACTOR)
    with read(store_engine) as session:
        blocks = rollout.read_blocks(session, policy, desk_id=DEFAULT_DESK, adapter=name, actor=ACTOR)
        latest = find_latest_rollout_decision(session, desk_id=DEFAULT_DESK, adapter=name)
    return {
        **found.rollout.to_json(),
        "evidence": found.evidence.to_json(),
        "limits": [limit.to_json() for limit in list_thresholds(found.evidence, policy.exposure)],
        "forbids": [asdict(block) for block in blocks],
        "latest": latest and latest.model_dump(mode="json", exclude={"id", "desk_id"}),
    }


def show_gate(found: dict[str, Any]) -> None:
    named = (f"run {found['run']}", f"adapter {found['adapter']}", found["state"])
    click.echo(", ".join(part for part in named if part and not part.endswith(" None")))
    click.echo(f"policy {found['policy']} ({found['policy_sha256'][:16]})")
    if found["offline"] is not None:
        show_offline(found["offline"], found)
    if found["exposure"] is not None:
        show_rollout(found["exposure"], found["state"])


def show_offline(offline: dict[str, Any], found: dict[str, Any]) -> None:
    click.echo(f"\noffline: {offline['verdict']}")
    then = offline["decided_under"]
    if then["policy_sha256"] not in (None, found["policy_sha256"]):
        click.echo(
            f"decided then: {offline['decided']} under {then['policy']} ({then['policy_sha256'][:16]})"
        )
    for check in offline["checks"]:
        mark = "met" if check["met"] else "MISSED"
        show_limit(mark, check["code"], check["value"], f"{check['sense']} {check['limit']:g}", check["text"])


def show_rollout(rollout: dict[str, Any], state: str) -> None:
    evidence = rollout["evidence"]
    decided = evidence["tuned"] + evidence["base"]
    counts = f"{evidence['tuned']} of {decided} picks" if decided else "no pick yet"
    click.echo(f"\nrollout: {rollout['verdict']} on {counts}")
    for limit in rollout["limits"]:
        mark = "reached" if limit["reached"] else "open"
        goal = f"{limit['limit']:g} -> {limit['leads_to']}"
        show_limit(mark, limit["code"], limit["value"], goal, limit["text"])
    for block in rollout["forbids"]:
        show_limit("FORBIDS", block["code"], block["value"], f"{block['limit']:g} -> go_live", block["text"])
    click.echo(format_change(rollout, state))


def show_limit(mark: str, code: str, value: float | None, goal: str, text: str) -> None:
    shown = "-" if value is None else f"{value:g}"
    click.echo(f"  {mark:<8}{code:<20}{shown:>10}  {goal:<22}{text}")


def format_change(rollout: dict[str, Any], state: str) -> str:
    """Says in one or two sentences what would change the decision."""
    missing = [
        limit["code"]
        for limit in rollout["limits"]
        if limit["leads_to"] == "go_live" and not limit["reached"]
    ]
    missing += [block["code"] for block in rollout["forbids"]]
    if state == "live":
        return "It is live: only proven harm takes it out, however long it serves."
    if rollout["verdict"] in ("roll_back", "go_live"):
        return f"Nothing is missing: {rollout['verdict']}" + (
            " at the next analysis." if state == "canary" else "."
        )
    needed, evidence = rollout["picks_needed"], rollout["evidence"]
    if not evidence["tuned"] + evidence["base"]:
        picks = "nobody has picked yet"
    elif needed is None:
        picks = "at the present share it will not be proven before it retires"
    else:
        picks = f"{needed} more picks at the present share would do for picks and e_value"
    return f"To go live it lacks {', '.join(missing)}; {picks}."
