"""What each kind of step shows of its row, in which order, and which facts matter most.

A function may add neighbours that no column names: those of an adapter's story, and what was generated while
it served. Choices, pairs and thumbs have rows of several tables: `records.py`.
"""

from collections.abc import Callable, Mapping
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple

from sqlmodel import Session

from feedback.lineage.graph import Ref, TraceStep, excerpt, known
from feedback.lineage.texts import name_written
from feedback.records.from_conversation import PERSON
from feedback.records.item_states import SETTLED
from feedback.store.adapter_story import (
    JUDGED,
    find_end,
    find_generated_sets,
    list_fencing_tokens,
    list_story,
)
from feedback.store.adapters import find_erased_at
from feedback.store.duels import CLOSED, find_task_duel
from feedback.store.engine import get_row
from feedback.store.judgement_reasons import read_reasons
from feedback.store.lineage import find_shown_record, name_agent
from feedback.store.live_judgements import UNDO
from feedback.store.runs import name_other_base
from feedback.store.sets import list_candidates
from feedback.store.source_marks import find_withdrawn_in, find_withdrawn_of
from feedback.store.tables import (
    Adapter,
    AdapterEvent,
    Approval,
    Conversation,
    Dataset,
    Deployment,
    Duel,
    Item,
    Judgement,
    Label,
    Message,
    RolloutDecision,
    Run,
    SuggestionSet,
    Task,
)

SHOWN = 20  # most sets of an interval, or verdicts of a duel, that a step names
BOUNDS = ("uniform", "slot", "base", "adapter", "adapter_slot", "serving")

Facts = dict[str, Any]


def describe_message_step(session: Session, row: Message, step: TraceStep) -> Facts:
    told = get_row(session, Conversation, row.conversation_id, desk_id=row.desk_id, what="conversation")
    if row.origin == PERSON:
        step.after += name_written(session, told, row)
    return {
        "role": row.role,
        "text": excerpt(row.text),
        "origin": row.origin,
        "retracted_at": row.retracted_at,
        "conversation": told.id,
        "source": told.source,
        "language": told.language,
        "tags": told.tags,
    }


def describe_set_step(session: Session, row: SuggestionSet, step: TraceStep) -> Facts:
    """The facts of a set. Arms, adapter and deployment stay hidden until it is judged."""
    cards = list_candidates(session, desk_id=row.desk_id, set_id=row.id)
    facts = {
        "state": row.state,
        "replies": len(cards),
        "prepared_at": row.prepared_at,
        "revealed_at": row.revealed_at,
        "judged_at": row.judged_at,
        "error": row.error,
        "base": row.base_id,
    }
    if row.state != JUDGED:
        return facts
    adapters = {name for name in (row.adapter, *(card.adapter for card in cards)) if name}
    fencing_tokens = list_fencing_tokens(session, generated=row, adapters=adapters)
    step.before += tuple(Ref("deployment", str(fencing_token)) for fencing_token in fencing_tokens)
    arms = [
        {"slot": card.slot, "arm": card.arm, "adapter": card.adapter, "state": card.state} for card in cards
    ]
    return facts | {"design": row.design, "adapter": row.adapter, "arms": arms}


def describe_judgement_step(session: Session, row: Judgement, step: TraceStep) -> Facts:
    picked = {*row.candidate_ids, row.candidate_id}
    cards = list_candidates(session, desk_id=row.desk_id, set_id=row.set_id)
    return {
        "kind": row.kind,
        "slots": [card.slot for card in cards if card.id in picked],
        "agent": name_agent(session, agent=row.agent),
        "text": excerpt(row.text),
        "reasons": read_reasons(session, judgement_id=row.id),
        "dwell_ms": row.dwell_ms,
        "undone": step.leads_to("judgement"),
        "unblinded": row.unblinded or None,
    }


def describe_dataset_step(session: Session, row: Dataset, step: TraceStep) -> Facts:
    """The facts of a dataset's row. `records.py` adds those from its files."""
    return {
        "selection": known(row.selection),
        "refusals": row.refusals,
        "erased_at": row.erased_at,
        "withdrawn": sorted(find_withdrawn_in(session, dataset=row)),
    }


def describe_run_step(session: Session, row: Run, step: TraceStep) -> Facts:
    recipe = row.recipe or {}
    return {
        "state": row.state,
        "started_by": row.kind,
        "base": name_other_base(row),
        "requested_by": row.requested_by,
        "step": row.step,
        "decision": row.decision,
        "reasons": [str(reason.get("code")) for reason in row.reasons],
        "error": row.error,
        "recipe": recipe.get("name"),
        "objective": recipe.get("objective"),
        "method": recipe.get("method"),
        "earlier": recipe.get("earlier"),
        "mix": name_general_set(recipe.get("mix")),
        "started_at": row.started_at,
        "finished_at": row.finished_at,
    }


def name_general_set(mix: Mapping[str, Any] | None) -> str | None:
    """The general set that a run learnt beside its dataset, by its name and what the run noted of it."""
    if not mix or not mix.get("sha256"):
        return None
    return f"{mix.get('source') or Path(mix['general']).name} (sha256 {mix['sha256'][:12]})"


def describe_adapter_step(session: Session, row: Adapter, step: TraceStep) -> Facts:
    """The facts of an adapter. Its history follows it, each step after the one before."""
    story = list_story(session, adapter=row)
    step.after = (*(Ref(*named) for named in story[:1]), *step.after)
    return {
        "state": row.state,
        "base": row.base_id,
        "checkpoint": row.is_checkpoint or None,
        "manifest": row.manifest_sha256,
        "learned_erased_at": find_erased_at(session, adapter=row),
        "learned_withdrawn": sorted(find_withdrawn_of(session, adapter=row)),
    }


def describe_report_step(session: Session, row: Adapter, step: TraceStep) -> Facts:
    """A run's results on held-out choices: the loss of each rule in nats per choice, and plain figures."""
    report: Mapping[str, Any] = row.report or {}
    plain = {name: value for name, value in report.items() if isinstance(value, int | float | str)}
    losses = {
        name: round(report[name]["log_loss"], 4)
        for name in BOUNDS
        if isinstance(report.get(name), Mapping) and "log_loss" in report[name]
    }
    return {"n": report.get("n"), "log_loss": losses} | plain


def describe_decision_step(session: Session, row: AdapterEvent, step: TraceStep) -> Facts:
    return {
        "adapter": row.adapter,
        "from": row.from_state,
        "to": row.to_state,
        "reason": row.reason,
        "actor": row.actor,
    }


def describe_rollout_step(session: Session, row: RolloutDecision, step: TraceStep) -> Facts:
    """A rollout decision in service, with its evidence."""
    return {
        "adapter": row.adapter,
        "verdict": row.verdict,
        "because": [str(reason.get("code")) for reason in row.reasons],
        "evidence": known(row.evidence),
        "picks_needed": row.picks_needed,
        "policy": row.policy,
        "actor": row.actor,
    }


def describe_approval_step(session: Session, row: Approval, step: TraceStep) -> Facts:
    """A person's approval or veto of an adapter."""
    actor = name_agent(session, agent=row.actor)
    return {"adapter": row.adapter, "verdict": row.kind, "reason": row.reason, "actor": actor}


def describe_deployment_step(session: Session, row: Deployment, step: TraceStep) -> Facts:
    """An interval of serving: from its row to the next row of its role, whose reason says why it ended."""
    end = find_end(session, deployment=row)
    generated = find_generated_sets(session, deployment=row, limit=SHOWN) if row.adapter else None
    if generated:
        step.after += tuple(Ref("set", id) for id in generated.newest)
        step.more_after = generated.judged - len(generated.newest)
    return {
        "role": row.role,
        "adapter": row.adapter,
        "share": row.share if row.adapter else None,
        "since": row.at,
        "until": end and end.at,
        "actor": row.actor,
        "reason": row.reason,
        "sets": generated and generated.all,
        "judged": generated and generated.judged,
        "ended_by": end and f"deployment:{end.fencing_token}",
        "why": end and end.reason,
    }


def describe_duel_step(session: Session, row: Duel, step: TraceStep) -> Facts | None:
    """The facts of a duel. Its verdicts are shown only once it is closed."""
    if find_task_duel(session, task_id=row.task_id) is None:
        return None
    step.more_after = max(0, len(step.after) - SHOWN)
    step.after = step.after[:SHOWN]
    return {"name": row.name, "state": row.state, "adapter": row.adapter, "rival": row.rival}


def describe_vote_step(session: Session, row: Label, step: TraceStep) -> Facts | None:
    """A label of a duel's round; None before the duel is closed, and for the label of another task."""
    duel = find_task_duel(session, task_id=row.task_id)
    if duel is None or duel.state != CLOSED:
        return None
    verdict = UNDO if row.undoes is not None else row.value and row.value["side"]
    agent = name_agent(session, agent=row.labeller)
    return {"verdict": verdict, "agent": agent, "undone": step.leads_to("verdict")}


def describe_item_step(session: Session, row: Item, step: TraceStep) -> Facts:
    """The facts of an item, and what it came to once it is settled."""
    task = get_row(session, Task, row.task_id, desk_id=row.desk_id, what="task")
    subject = find_shown_record(session, item=row)
    if subject is not None:
        step.before = (Ref(*subject), *step.before)
    facts = {"task": task.name, "kind": task.kind, "state": row.state, "reason": row.reason}
    if row.state != SETTLED:
        return facts
    confidence = None if row.confidence is None else round(row.confidence, 3)
    return facts | {"outcome": row.outcome, "confidence": confidence, "settled_at": row.settled_at}


def describe_label_step(session: Session, row: Label, step: TraceStep) -> Facts | None:
    """What somebody said of an item; None before the item is settled."""
    if get_row(session, Item, row.item_id, desk_id=row.desk_id, what="item").state != SETTLED:
        return None
    return {
        "said": row.value,
        "agent": name_agent(session, agent=row.labeller),
        "role": row.role,
        "text": excerpt(row.text),
        "reasons": row.reasons,
        "dwell_ms": row.dwell_ms,
        "undone": step.leads_to("label"),
    }


class Kind(NamedTuple):
    """A kind of step. `key_facts` are its most important facts, for command line and console. `describe`
    returns all facts, or None if they must stay hidden. `name_adapter` gives the adapter in whose history the
    step stands.
    """

    key_facts: tuple[str, ...]
    describe: Callable[[Session, Any, TraceStep], Facts | None] | None = None
    name_adapter: Callable[[Any], str | None] = lambda row: None


_of_adapter = attrgetter("adapter")
KINDS: Mapping[str, Kind] = {
    "message": Kind(("role", "text", "origin"), describe_message_step),
    "set": Kind(("state", "design", "adapter"), describe_set_step),
    "judgement": Kind(("kind", "slots", "undone", "unblinded"), describe_judgement_step),
    "choice": Kind(("kind", "refused", "source")),
    "pair": Kind(("refused", "source")),
    "thumb": Kind(("value", "refused", "source")),
    "text": Kind(("source",)),
    "dataset": Kind(("records", "files"), describe_dataset_step),
    "run": Kind(("state", "decision", "error"), describe_run_step),
    "adapter": Kind(("state",), describe_adapter_step),
    "duel": Kind(("name", "state", "adapter", "rival"), describe_duel_step),
    "verdict": Kind(("verdict", "undone"), describe_vote_step),
    "item": Kind(("task", "kind", "state", "outcome"), describe_item_step),
    "label": Kind(("said", "undone"), describe_label_step),
    "report": Kind(("n", "log_loss"), describe_report_step, attrgetter("name")),
    "decision": Kind(("to", "reason", "actor"), describe_decision_step, _of_adapter),
    "rollout": Kind(("verdict", "because", "picks_needed", "actor"), describe_rollout_step, _of_adapter),
    "approval": Kind(("verdict", "reason", "actor"), describe_approval_step, _of_adapter),
    "deployment": Kind(
        ("role", "adapter", "share", "until", "why", "judged"), describe_deployment_step, _of_adapter
    ),
}
