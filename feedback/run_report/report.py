"""Makes the run report: one JSON object of plain values for pages, calls, the command line and the webhook.
Pure functions.

It holds counts, codes, numbers, names and ids, never a text that a customer or an agent wrote.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from feedback.drift.alarms import DriftWatch
from feedback.morning.refusal import REMEDIES
from feedback.morning.said import MorningSentence
from feedback.morning.words import ACTIONS
from feedback.records.rejections import explain
from feedback.run_report.curves import list_curves
from feedback.run_report.facts import RunReportFacts
from feedback.run_report.need import read_need
from feedback.run_report.stages import STAGE, split_stages
from feedback.store.runs import name_other_base
from feedback.store.tables import RolloutDecision, Run

FORM = 2  # of this object; raised when a key changes its meaning
NOT_PUBLISHED = "not_published"
NOT_SERVED = "method_not_served"  # of a method that no engine serves

Outcome = Literal[
    "published", "never_staged", "unpublished", "waiting", "refused", "skipped", "cancelled", "failed"
]
# For schedulers: 0 all that the run could do is done, 1 somebody has to look, 3 nothing new serves.
EXIT_CODES: dict[str, int] = {
    "published": 0,
    "never_staged": 0,
    "unpublished": 1,
    "failed": 1,
    "waiting": 3,
    "refused": 3,
    "skipped": 3,
    "cancelled": 3,
}


def compose_run_report(
    facts: RunReportFacts,
    said: MorningSentence,
    watch: DriftWatch,
    *,
    advice: Mapping[str, Any],
    run_advice: Mapping[str, Any],
) -> dict[str, Any]:
    """The report of one run. `said`, `watch` and `advice` describe the present, even for an old run;
    `run_advice` is about this run.
    """
    run = facts.run
    outcome = find_outcome(facts)
    return {
        "form": FORM,
        "run": {
            "id": run.id,
            "kind": run.kind,
            "state": run.state,
            "step": run.step,
            "requested_by": run.requested_by,
            "base_model": name_other_base(run),
            "recipe": (run.recipe or {}).get("name"),
            "created_at": write_time(run.created_at),
            "started_at": write_time(run.started_at),
            "finished_at": write_time(run.finished_at),
            "error": run.error,
        },
        "outcome": outcome,
        "exit_code": EXIT_CODES[outcome],
        "morning": said.to_json(),
        "drift": watch.to_json(),
        "advice": dict(advice),
        "run_advice": dict(run_advice),
        "came_in": show_inflow(facts),
        "refused": report_funnel(facts),
        "dataset": report_dataset(facts),
        "erased": dict(sorted(facts.erased.items())),
        "curves": list_curves(facts.numbers),
        "stages": [list_curves(each) for each in split_stages(facts.numbers)]
        if STAGE in facts.numbers
        else [],
        "need": read_need(facts.numbers),
        "unpacked": (run.report or {}).get("unpacked"),
        "scores": show_scores(run.report),
        "decision": show_decision(run),
        "exposure": report_rollout(facts),
        "reactions": [each.to_json() for each in facts.reactions],
        "steps": time_run_steps(facts.began, run.finished_at),
        "seconds": seconds_between(run.started_at, run.finished_at),
        "at": write_time(facts.at),
    }


def for_outside(report: Mapping[str, Any]) -> dict[str, Any]:
    """The report without the texts of errors: the last lines of a log may contain anything, and so may what
    a packed row failed with.
    """
    morning, run = report["morning"], {**report["run"], "error": None}
    if morning["action"]["code"] == "follow_error":
        morning = {**morning, "action": {"code": "follow_error", "text": "", "values": {}}}
    return {**report, "run": run, "morning": morning, "unpacked": None}


def find_outcome(facts: RunReportFacts) -> Outcome:
    """The outcome of the run in one word. `waiting`: the adapter passed, and a rule of the policy or a person
    decides next. `never_staged`: it passed every limit, and no engine serves what its method trains.
    """
    run = facts.run
    if run.state == "skipped":
        return "skipped"
    if run.state == "cancelled":
        return "cancelled"
    if run.state != "done":
        return "failed"
    if run.decision is None and [reason.get("code") for reason in run.reasons] == [NOT_SERVED]:
        return "never_staged"
    if run.decision != "passed":
        return "refused"
    if facts.deployments:
        return "published"
    is_stuck = any(reason.get("code") == NOT_PUBLISHED for reason in run.reasons)
    return "unpublished" if is_stuck else "waiting"


def show_inflow(facts: RunReportFacts) -> dict[str, Any]:
    inflow = facts.inflow
    return {
        "since": write_time(facts.since),
        "until": write_time(facts.until),
        "previous_run": facts.previous.id if facts.previous else None,
        "conversations": inflow.conversations,
        "customer_messages": inflow.customer_messages,
        "agent_messages": inflow.agent_messages,
        "sets": dict(sorted(inflow.sets.items())),
        "judgements": dict(sorted(inflow.judgements.items())),
        "undone": inflow.undone,
        "closings": dict(sorted(inflow.closings.items())),
        "thumbs": {name: inflow.thumbs.get(name, 0) for name in ("up", "down", "taken_back")},
        "imported": dict(sorted(inflow.records.items())),
    }


def report_funnel(facts: RunReportFacts) -> dict[str, Any]:
    """From the judgements of that time to choices and pairs, with a sentence for every reason of a loss."""
    counted = facts.funnel
    return {
        "judgements": counted.judgements,
        "choices": counted.choices,
        "choice_kinds": dict(sorted(counted.choice_kinds.items())),
        "pairs": counted.pairs,
        "reasons": list_refusals(counted.reasons),
        "pair_reasons": list_refusals(counted.pair_reasons),
    }


def list_refusals(counts: Mapping[str, int]) -> list[dict[str, Any]]:
    """The reasons with their counts and sentences, the most frequent first."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [{"reason": reason, "count": count, "text": explain(reason)} for reason, count in ordered]


def report_dataset(facts: RunReportFacts) -> dict[str, Any] | None:
    found = facts.dataset
    if found is None:
        return None
    return {
        "id": found.id,
        "counts": found.counts,
        "refusals": list_refusals(found.refusals),
        "selection": found.selection,
        "created_at": write_time(found.created_at),
        "erased_at": write_time(found.erased_at),
        "withdrawn": {name: write_time(at) for name, at in sorted(facts.withdrawn.items())},
    }


def show_scores(report: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The numbers of the offline evaluation by name; any texts in it are left out."""
    return keep_numbers(report) if report else None


def keep_numbers(part: Mapping[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name, value in part.items():
        if isinstance(value, Mapping):
            kept[name] = keep_numbers(value)
        elif value is None or isinstance(value, bool | int | float) or name == "serving_name":
            kept[name] = value
        elif isinstance(value, list) and all(isinstance(each, int | float) for each in value):
            kept[name] = value
    return kept


def show_decision(run: Run) -> dict[str, Any]:
    """The gate's decision on the adapter: every limit beside its value, met or missed, and the policy that
    has these limits.
    """
    report = run.report or {}
    checks = [
        {**show_reason(check), "sense": check["sense"], "met": check["met"]}
        for check in report.get("checks", ())
    ]
    return {
        "verdict": run.decision,
        "policy": report.get("policy"),
        "policy_sha256": report.get("policy_sha256"),
        "reasons": [{**show_reason(reason), "remedy": find_remedy(reason)} for reason in run.reasons],
        "checks": checks,
    }


def show_reason(reason: Mapping[str, Any]) -> dict[str, Any]:
    return {name: reason.get(name) for name in ("code", "text", "value", "limit")}


def find_remedy(reason: Mapping[str, Any]) -> str | None:
    """What helps against this reason, if the reason's code alone tells."""
    action = REMEDIES.get(str(reason.get("code")))
    return ACTIONS[action] if action is not None else None


def report_rollout(facts: RunReportFacts) -> dict[str, Any]:
    """The present state of the run's adapter and of what serves, each with its support rate and interval."""
    adapter, last = facts.adapter, facts.deployments[-1] if facts.deployments else None
    shown = None
    if adapter is not None:
        shown = {
            "name": adapter.name,
            "state": adapter.state,
            "learned_erased_at": write_time(facts.dataset.erased_at) if facts.dataset else None,
            "learned_withdrawn": sorted(facts.withdrawn),
            "role": last.role if last else None,
            "share": last.share if last else 0.0,
            "since": write_time(last.at) if last else None,
            "support": facts.supports[adapter.name].to_json(),
            "decision": show_rollout_decision(facts.decisions.get(adapter.name)),
        }
    roles = (("live", facts.serving.live, 1.0), ("canary", facts.serving.canary, facts.serving.share))
    serving = [
        {"role": role, "adapter": name, "share": share, "support": facts.supports[name].to_json()}
        for role, name, share in roles
        if name is not None
    ]
    return {"adapter": shown, "serving": serving, "fence": facts.serving.fencing_token}


def show_rollout_decision(found: RolloutDecision | None) -> dict[str, Any] | None:
    """The latest rollout decision on the adapter."""
    if found is None:
        return None
    return {
        "verdict": found.verdict,
        "reasons": [show_reason(reason) for reason in found.reasons],
        "picks_needed": found.picks_needed,
        "policy": found.policy,
        "at": write_time(found.at),
    }


def time_run_steps(
    began: Sequence[tuple[str, datetime]], finished_at: datetime | None
) -> list[dict[str, Any]]:
    """Seconds of each step, in the order in which the steps first began. Time when no worker had the run
    counts for the step at which its worker died.
    """
    seconds: dict[str, float] = {}
    first: dict[str, datetime] = {}
    ends = [*(at for _, at in began), finished_at][1:]
    for (step, at), end in zip(began, ends, strict=True):
        first.setdefault(step, at)
        seconds[step] = seconds.get(step, 0.0) + (seconds_between(at, end) or 0.0)
    return [
        {"step": step, "began_at": write_time(at), "seconds": round(seconds[step], 3)}
        for step, at in first.items()
    ]


def seconds_between(start: datetime | None, end: datetime | None) -> float | None:
    return round((end - start).total_seconds(), 3) if start and end else None


def write_time(at: datetime | None) -> str | None:
    return at.isoformat() if at is not None else None
