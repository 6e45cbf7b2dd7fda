"""Steps of a desk at work: messages, the sets drawn for them, and what agents said of these."""

from typing import Any

from feedback.lineage.graph import Ref, Scope, Step, excerpt, known, stamp
from feedback.store.engine import read
from feedback.store.lineage import talk as store
from feedback.store.lineage.named import name_agent


def look_message(scope: Scope, ref: Ref) -> Step | None:
    with read(scope.store_engine) as session:
        found = store.find_message(session, desk_id=scope.desk_id, message_id=ref.id)
    if found is None:
        return None
    row = found.message
    facts = {
        "role": row.role,
        "text": excerpt(row.text),
        "origin": row.origin,
        "retracted_at": stamp(row.retracted_at),
        "conversation": row.conversation_id,
        "source": found.source,
        "language": found.language,
        "tags": found.tags,
    }
    after = [Ref("set", found.set_id)] if found.set_id else []
    return Step(
        ref,
        row.created_at,
        known(facts),
        before=(Ref("judgement", found.judgement_id),) if found.judgement_id else (),
        after=(*after, *(Ref("thumb", id) for id in found.thumb_ids)),
    )


def look_set(scope: Scope, ref: Ref) -> Step | None:
    """Arms, adapter and the interval it was drawn in stay hidden until the set is judged."""
    with read(scope.store_engine) as session:
        found = store.find_set_drawn(session, desk_id=scope.desk_id, set_id=ref.id)
    if found is None:
        return None
    row, before = found.row, [Ref("message", found.message_id)]
    facts: dict[str, Any] = {
        "state": row.state,
        "replies": len(found.candidates),
        "prepared_at": stamp(row.prepared_at),
        "revealed_at": stamp(row.revealed_at),
        "judged_at": stamp(row.judged_at),
        "error": row.error,
        "base": row.base_id,
    }
    if found.is_judged:
        facts |= {
            "design": row.design,
            "adapter": row.adapter,
            "arms": [
                {"slot": each.slot, "arm": each.arm, "adapter": each.adapter, "state": each.state}
                for each in found.candidates
            ],
        }
        before += [Ref("deployment", str(fence)) for fence in found.fences]
    after = tuple(Ref("judgement", id) for id in found.judgement_ids)
    return Step(ref, row.created_at, known(facts), tuple(before), after)


def look_judgement(scope: Scope, ref: Ref) -> Step | None:
    with read(scope.store_engine) as session:
        found = store.find_judgement(session, desk_id=scope.desk_id, judgement_id=ref.id)
        if found is None:
            return None
        row, reasons, undone_by = found
        named = [*row.candidate_ids, *([row.candidate_id] if row.candidate_id else [])]
        slots = store.list_slots(session, candidate_ids=named)
        agent = name_agent(session, agent=row.agent)
    facts = {
        "kind": row.kind,
        "slots": slots,
        "agent": agent,
        "text": excerpt(row.text),
        "reasons": reasons,
        "dwell_ms": row.dwell_ms,
        "undone": undone_by is not None or None,
        "unblinded": row.unblinded or None,
    }
    if row.undoes is not None:
        return Step(ref, row.created_at, known(facts), (Ref("judgement", row.undoes),))
    after = [Ref("choice", row.id)]
    after += [Ref("message", row.message_id)] if row.message_id else []
    after += [Ref("judgement", undone_by)] if undone_by else []
    return Step(ref, row.created_at, known(facts), (Ref("set", row.set_id),), tuple(after))
