"""The blinding of a suggestion set: order of slots, equal texts, and what may be shown. No store, no network.

What an agent receives depends on the texts and two random numbers of the set (slot seed, redraw arm), never
on which arm a text came from: exchanging the arms of a set with fixed texts changes nothing but the arms.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from feedback.records.candidate import BOTH, MERGED, READY, UNAVAILABLE
from feedback.records.text import normalise
from serving.client.client import Reply


@dataclass(frozen=True)
class Drawn:
    """A reply of the engine and the arm and adapter that were asked for it. `reason` says why it cannot be
    shown; None means that it can. Once the reply has a place, `slot` and `state` say how it is stored:
    ready, unavailable, or merged into an earlier slot.
    """

    arm: str
    adapter: str | None
    request_no: int
    draw_no: int
    reply: Reply | None = None
    reason: str | None = None
    slot: int = 0
    state: str = READY

    @property
    def text(self) -> str | None:
        return None if self.reply is None else self.reply.text


def find_fault(text: str | None, finish_reason: str | None) -> str | None:
    """Why a reply must not be shown or trained on: `empty` or `cut_off`; None if nothing is wrong with it.

    Only a reply that the model itself ended is whole; `length` and `abort` leave it in mid-sentence.
    """
    if text is None or not text.strip():
        return "empty"
    return None if finish_reason == "stop" else "cut_off"


def order_slots(slot_seed: int, count: int) -> list[int]:
    """The index of the draw in each slot, from hashes: unlike `random`, any language and version recomputes
    them.
    """
    return sorted(range(count), key=lambda draw: hashlib.sha256(f"{slot_seed}:{draw}".encode()).digest())


def choose_redraws(drawn: Sequence[Drawn], redraw_arm: str) -> list[int]:
    """The draws that are repeated because their text occurs more than once: all but one of each group of
    equal texts.

    Across arms the one that stays is of the arm not named by `redraw_arm`; within one, the earliest draw.
    """
    again: list[int] = []
    for group in _group_equals(drawn):
        keeper = min(group, key=lambda index: (drawn[index].arm == redraw_arm, index))
        again.extend(index for index in group if index != keeper)
    return sorted(again)


def place(drawn: Sequence[Drawn], slot_seed: int) -> list[Drawn]:
    """Puts every draw in its slot, in slot order. Texts that are still equal are merged into the first of
    their slots.

    The others keep their own adapter, so that all versions that wrote a text can be told from the rows.
    """
    shown = [drawn[index] for index in order_slots(slot_seed, len(drawn))]
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


def _group_equals(drawn: Sequence[Drawn]) -> list[list[int]]:
    groups: dict[str, list[int]] = {}
    for index, reply in enumerate(drawn):
        if reply.reason is None and reply.text is not None:
            groups.setdefault(normalise(reply.text), []).append(index)
    return [group for group in groups.values() if len(group) > 1]
