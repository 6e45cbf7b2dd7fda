"""Makes the rows of a set: a set in preparation from a plan, and candidates in slots from what was drawn."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from feedback.canonical import canonical_hash, hash_text
from feedback.lease import Lease
from feedback.store.set_writes import TurnContext
from feedback.store.tables import Candidate, SuggestionSet, new_id
from feedback.suggestions.blinding import place
from feedback.suggestions.generation import Drawing
from feedback.suggestions.plan import BaseFacts, Plan, Request, name_design


def make_set(
    context: TurnContext,
    plan: Plan,
    facts: BaseFacts,
    *,
    slot_seed: int,
    lease: Lease,
    now: datetime,
) -> SuggestionSet:
    """Makes a set in preparation, with all values that are needed to recompute its draws."""
    return SuggestionSet(
        desk_id=context.desk_id,
        turn_id=context.turn_id,
        conversation_id=context.conversation_id,
        attempt=context.attempt,
        design=name_requested(plan.requests),
        adapter=plan.adapter,
        slot_seed=slot_seed,
        redraw_arm=plan.redraw_arm,
        messages=plan.messages,
        left_out=plan.left_out,
        chat_template_kwargs=plan.chat_template_kwargs,
        template_hash=facts.template_hash,
        system_prompt_hash=hash_text(context.system_prompt),
        knowledge_hash=canonical_hash(context.knowledge) if context.knowledge else "",
        base_id=facts.base_id,
        sampling=plan.sampling.to_json(),
        requests=[request.to_json() for request in plan.requests],
        lease_owner=lease.owner,
        lease_until=lease.until,
        created_at=now,
    )


def make_candidates(row: SuggestionSet, drawing: Drawing) -> list[Candidate]:
    """Makes the candidates in the order shown, which the set's slot seed decides."""
    return [
        Candidate(
            id=new_id(),
            desk_id=row.desk_id,
            set_id=row.id,
            slot=placed.slot,
            arm=placed.arm,
            adapter=placed.adapter,
            request_no=placed.request_no,
            draw_no=placed.draw_no,
            text=placed.text,
            token_ids=(placed.reply.token_ids or None) if placed.reply else None,
            finish_reason=placed.reply.finish_reason if placed.reply else None,
            state=placed.state,
            reason=placed.reason,
        )
        for placed in place(drawing.drawn, row.slot_seed)
    ]


def list_outcome(drawing: Drawing) -> dict[str, Any]:
    """The fields of the set that are known only after the drawing, since another version may have stood in
    for an adapter.
    """
    return {
        "adapter": drawing.adapter,
        "design": name_requested(drawing.requests),
        "requests": [request.to_json() for request in drawing.requests],
        "prompt_token_ids": drawing.prompt_token_ids,
    }


def name_requested(requests: Iterable[Request]) -> str:
    """The design of the set by the adapters that finally answered. Redraws do not count."""
    return name_design((request.adapter, request.n) for request in requests if not request.replaces)
