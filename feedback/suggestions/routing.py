"""Chooses the adapters that answer in a conversation: none, one, or the canary beside the live one.

Shares are shares of conversations, by a hash of the names and the conversation: a customer keeps the version
that answered first for as long as it serves.
"""

import hashlib

from sqlmodel import Session

from feedback.store import adapters
from feedback.store.deployments import ServingState, serving_state

COMPARED_COUNT = 4
"""Replies of a set in which two versions can stand: two of base, one of each (`2+1+1`)."""


def adapter_for(state: ServingState, conversation_id: str) -> str | None:
    """The canary in its share of conversations, the same ones for good; else the live one, else None."""
    if state.canary is None:
        return state.live
    return state.canary if is_within(state.share, state.canary, conversation_id) else state.live


def assign_adapters(
    session: Session, *, desk_id: str, conversation_id: str, base_id: str, compare_share: float, count: int
) -> tuple[str, ...]:
    """The adapters of the next set of `count` replies; the set is about the first one.

    None if the base serves alone, or if the adapter belongs to a base that has been exchanged. Two, the
    canary and the live one, in `compare_share` of the canary's conversations.
    """
    state = serving_state(session, desk_id=desk_id)
    name, before = adapter_for(state, conversation_id), state.live

    def is_usable(adapter: str) -> bool:
        return adapters.is_of_base(session, name=adapter, base_id=base_id)

    if name is None or not is_usable(name):
        return ()
    if (
        name == state.canary
        and before not in (None, name)
        and count == COMPARED_COUNT
        and is_within(compare_share, f"{before}:{name}", conversation_id)
        and is_usable(before)
    ):
        return (name, before)
    return (name,)


def is_within(share: float, salt: str, conversation_id: str) -> bool:
    """Whether the conversation is in this share of all; another salt gives an independent share."""
    digest = hashlib.sha256(f"{salt}:{conversation_id}".encode()).digest()
    return int.from_bytes(digest[:8]) < share * 2**64
