"""The blinding of a suggestion set: order of slots, equal texts, and what may be shown. No store, no network.

What an agent receives depends on the texts and two random numbers of the set (slot seed, resample arm), never
on which arm a text came from: exchanging the arms of a set with fixed texts changes nothing but the arms.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from feedback.records.candidate import BOTH, MERGED, READY, UNAVAILABLE
from feedback.records.text import normalise
from serving.client.client import Reply

THOUGHTS, CUT_OFF, EMPTY = "thoughts", "cut_off", "empty"
SPOILT = (EMPTY, CUT_OFF)  # what generating again may mend


@dataclass(frozen=True)
class GeneratedCandidate:
    """A reply of the engine and the arm and adapter that were asked for it. `reason` says why it cannot be
    shown; None means that it can. Once the reply has a place, `slot` and `state` say how it is stored:
    ready, unavailable, or merged into an earlier slot.
    """

    arm: str
    adapter: str | None
    request_no: int
    sample_no: int
    reply: Reply | None = None
    reason: str | None = None
    slot: int = 0
    state: str = READY

    @property
    def text(self) -> str | None:
        return None if self.reply is None else self.reply.text


def find_fault(reply: Reply) -> str | None:
    """Why a reply must not be shown or trained on: `thoughts`, `empty` or `cut_off`; None if nothing is wrong
    with it.

    Only a reply that the model itself ended is whole; `length` and `abort` leave it in mid-sentence.
    """
    if not reply.text.strip():
        return THOUGHTS if reply.is_thought else EMPTY
    return None if reply.finish_reason == "stop" else CUT_OFF


def order_slots(slot_seed: int, count: int) -> list[int]:
    """The reply in each slot, by hashes: unlike `random`, any language and version recomputes them."""
    return sorted(range(count), key=lambda index: hashlib.sha256(f"{slot_seed}:{index}".encode()).digest())


def choose_resamples(generated: Sequence[GeneratedCandidate], resampled_arm: str) -> list[int]:
    """The replies to generate again: of texts that occur more than once all but one, and replies that are
    empty or were cut off, which a base gets by chance when it falls into a loop.

    Across arms the equal text that stays is of the arm not named by `resampled_arm`; within one, the
    earliest. Where half of the replies and more are empty or cut off, the settings do not suit the base, and
    generating again would cost the time of another set for nothing.
    """
    spoilt = [index for index, reply in enumerate(generated) if reply.reason in SPOILT]
    again = spoilt if 2 * len(spoilt) < len(generated) else []
    for group in _group_equals(generated):
        keeper = min(group, key=lambda index: (generated[index].arm == resampled_arm, index))
        again.extend(index for index in group if index != keeper)
    return sorted(again)


def place(generated: Sequence[GeneratedCandidate], slot_seed: int) -> list[GeneratedCandidate]:
    """Puts every reply in its slot, in slot order; texts still equal merge into the first of their slots.

    The others keep their own adapter, so that all versions that wrote a text can be told from the rows.
    """
    shown = [generated[index] for index in order_slots(slot_seed, len(generated))]
    placed = [
        replace(reply, slot=slot, state=UNAVAILABLE if reply.reason else READY)
        for slot, reply in enumerate(shown)
    ]
    for group in _group_equals(shown):
        first, *others = group
        if len({shown[slot].arm for slot in group}) > 1:
            tuned = next(shown[slot].adapter for slot in group if shown[slot].adapter is not None)
            placed[first] = replace(placed[first], arm=BOTH, adapter=tuned)
        for slot in others:
            placed[slot] = replace(placed[slot], state=MERGED, reason=f"slot {first}")
    return placed


def _group_equals(generated: Sequence[GeneratedCandidate]) -> list[list[int]]:
    groups: dict[str, list[int]] = {}
    for index, reply in enumerate(generated):
        if reply.reason is None and reply.text is not None:
            groups.setdefault(normalise(reply.text), []).append(index)
    return [group for group in groups.values() if len(group) > 1]
