"""Steps of runs, of the adapters they made, and of each one's story: report, decisions, serving intervals."""

from collections.abc import Mapping
from typing import Any

from sqlmodel import Session

from feedback.lineage.graph import Ref, Scope, Step, as_number, known, stamp
from feedback.store.adapters import find_erased_at
from feedback.store.engine import read
from feedback.store.lineage import service as store
from feedback.store.lineage.named import name_agent

SHOWN = 20  # sets of an interval
BOUNDS = ("uniform", "slot", "base", "adapter", "adapter_slot", "serving")


def look_run(scope: Scope, ref: Ref) -> Step | None:
    with read(scope.store_engine) as session:
        found = store.find_run(session, desk_id=scope.desk_id, run_id=ref.id)
    if found is None:
        return None
    row, names = found
    facts = {
        "state": row.state,
        "started_by": row.kind,
        "requested_by": row.requested_by,
        "step": row.step,
        "decision": row.decision,
        "reasons": [str(reason.get("code")) for reason in row.reasons],
        "error": row.error,
        "recipe": (row.recipe or {}).get("name"),
        "objective": (row.recipe or {}).get("objective"),
        "started_at": stamp(row.started_at),
        "finished_at": stamp(row.finished_at),
    }
    before = (Ref("dataset", row.dataset_id),) if row.dataset_id else ()
    return Step(ref, row.created_at, known(facts), before, tuple(Ref("adapter", name) for name in names))


def look_adapter(scope: Scope, ref: Ref) -> Step | None:
    with read(scope.store_engine) as session:
        row = store.find_adapter(session, desk_id=scope.desk_id, name=ref.id)
        if row is None:
            return None
        timeline = store.list_timeline(session, adapter=row)
        duels = store.list_duels_of(session, adapter=row)
        erased_at = find_erased_at(session, adapter=row)
    facts = known(
        {
            "state": row.state,
            "base": row.base_id,
            "manifest": row.manifest_sha256,
            "learned_erased_at": stamp(erased_at),
        }
    )
    parent = Ref("run", row.run_id) if row.run_id else None
    if parent is None and row.dataset_id:
        parent = Ref("dataset", row.dataset_id)
    after = [Ref(kind, id) for kind, id in timeline[:1]]
    after += [Ref("duel", id) for id in duels]
    return Step(ref, row.created_at, facts, (parent,) if parent else (), tuple(after))


def look_report(scope: Scope, ref: Ref) -> Step | None:
    """The offline report that stands with an adapter."""
    with read(scope.store_engine) as session:
        row = store.find_adapter(session, desk_id=scope.desk_id, name=ref.id)
        if row is None or not row.report:
            return None
        before, after = beside(scope, session, row.name, ref)
    return Step(ref, row.created_at, tell_report(row.report), before, after)


def look_decision(scope: Scope, ref: Ref) -> Step | None:
    with read(scope.store_engine) as session:
        event = store.find_event(session, desk_id=scope.desk_id, event_id=as_number(ref.id))
        if event is None:
            return None
        before, after = beside(scope, session, event.adapter, ref)
    facts = {
        "adapter": event.adapter,
        "from": event.from_state,
        "to": event.to_state,
        "reason": event.reason,
        "actor": event.actor,
    }
    return Step(ref, event.at, facts, before, after)


def look_exposure(scope: Scope, ref: Ref) -> Step | None:
    """A decision on the picks in service, with the evidence it was taken on."""
    with read(scope.store_engine) as session:
        found = store.find_exposure(session, desk_id=scope.desk_id, row_id=as_number(ref.id))
        if found is None:
            return None
        before, after = beside(scope, session, found.adapter, ref)
    facts = {
        "adapter": found.adapter,
        "verdict": found.verdict,
        "because": [str(reason.get("code")) for reason in found.reasons],
        "evidence": known(found.evidence),
        "picks_needed": found.picks_needed,
        "policy": found.policy,
        "actor": found.actor,
    }
    return Step(ref, found.at, known(facts), before, after)


def look_approval(scope: Scope, ref: Ref) -> Step | None:
    """What a person said of an adapter."""
    with read(scope.store_engine) as session:
        found = store.find_approval(session, desk_id=scope.desk_id, row_id=as_number(ref.id))
        if found is None:
            return None
        before, after = beside(scope, session, found.adapter, ref)
        actor = name_agent(session, agent=found.actor)
    facts = {"adapter": found.adapter, "verdict": found.kind, "reason": found.reason, "actor": actor}
    return Step(ref, found.at, known(facts), before, after)


def look_deployment(scope: Scope, ref: Ref) -> Step | None:
    """An interval of serving: from its row to the next one of its role."""
    with read(scope.store_engine) as session:
        found = store.find_interval(session, desk_id=scope.desk_id, fence=as_number(ref.id), limit=SHOWN)
        if found is None:
            return None
        before: tuple[Ref, ...] = ()
        after: tuple[Ref, ...] = ()
        if found.row.adapter is not None:
            before, after = beside(scope, session, found.row.adapter, ref)
    sets = tuple(Ref("set", id) for id in found.newest)
    return Step(
        ref,
        found.row.at,
        tell_interval(found),
        before,
        (*after, *sets),
        more_after=found.judged - len(sets),
    )


def beside(scope: Scope, session: Session, name: str, ref: Ref) -> tuple[tuple[Ref, ...], tuple[Ref, ...]]:
    """What stands beside a step in its adapter's story, which begins with the adapter itself."""
    adapter = store.find_adapter(session, desk_id=scope.desk_id, name=name)
    assert adapter is not None, "every row of a story names its adapter by a foreign key"
    timeline = store.list_timeline(session, adapter=adapter)
    story = [Ref("adapter", name), *(Ref(kind, id) for kind, id in timeline)]
    place = story.index(ref)
    return (story[place - 1],), tuple(story[place + 1 : place + 2])


def tell_report(report: Mapping[str, Any]) -> dict[str, Any]:
    """What it found on held-out choices: nats per choice of each rule, and the plain figures."""
    plain = {name: value for name, value in report.items() if isinstance(value, int | float | str)}
    losses = {
        name: round(report[name]["log_loss"], 4)
        for name in BOUNDS
        if isinstance(report.get(name), Mapping) and "log_loss" in report[name]
    }
    return {"n": report.get("n"), "log_loss": losses} | plain


def tell_interval(found: store.Interval) -> dict[str, Any]:
    """Until when it served and why it ended: what the row says that took its place."""
    row, ended = found.row, found.ended
    facts = {
        "role": row.role,
        "adapter": row.adapter,
        "share": row.share if row.adapter else None,
        "since": stamp(row.at),
        "until": stamp(ended.at) if ended else None,
        "actor": row.actor,
        "reason": row.reason,
        "sets": found.sets if row.adapter else None,
        "judged": found.judged if row.adapter else None,
        "ended_by": f"deployment:{ended.fence}" if ended else None,
        "why": ended.reason if ended else None,
    }
    return known(facts)
