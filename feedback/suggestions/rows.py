"""Makes the rows of a set: a set in preparation from a plan, and candidates in slots from what was
generated.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from feedback.canonical import canonical_hash, hash_text
from feedback.lease import Lease
from feedback.store.set_writes import TurnContext
from feedback.store.tables import Candidate, SuggestionSet, new_id
from feedback.suggestions.blinding import place
from feedback.suggestions.generation import GeneratedSet
from feedback.suggestions.plan import BaseFacts, Plan, Request, name_design


def make_set(
    context: TurnContext, plan: Plan, facts: BaseFacts, *, slot_seed: int, lease: Lease, now: datetime
) -> SuggestionSet:
    """Makes a set in preparation, with all values that are needed to recompute its replies."""
    return SuggestionSet(
        desk_id=context.desk_id,
        turn_id=context.turn_id,
        conversation_id=context.conversation_id,
        attempt=context.attempt,
        design=name_requested(plan.requests),
        adapter=plan.adapter,
        slot_seed=slot_seed,
        resampled_arm=plan.resampled_arm,
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


def make_candidates(row: SuggestionSet, generated: GeneratedSet) -> list[Candidate]:
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
            sample_no=placed.sample_no,
            text=placed.text,
            token_ids=(placed.reply.token_ids or None) if placed.reply else None,
            finish_reason=placed.reply.finish_reason if placed.reply else None,
            state=placed.state,
            reason=placed.reason,
        )
        for placed in place(generated.replies, row.slot_seed)
    ]


def list_outcome(generated: GeneratedSet) -> dict[str, Any]:
    """What the generation decides of a set: another version may have stood in for an adapter."""
    return {
        "adapter": generated.adapter,
        "design": name_requested(generated.requests),
        "requests": [request.to_json() for request in generated.requests],
        "prompt_token_ids": generated.prompt_token_ids,
    }


def name_requested(requests: Iterable[Request]) -> str:
    """The design of the set by the adapters that finally answered. Resamples do not count."""
    return name_design((request.adapter, request.n) for request in requests if not request.replaces)
