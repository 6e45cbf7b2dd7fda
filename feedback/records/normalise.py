"""Turns a choice as it came in into the choice that counts, or into the reason why there is none. Pure.

Equal texts become one reply in the first of their slots, with the layout that was picked; blank texts are
dropped. An edit is judged by its change of meaning and by its distance: it counts as a pick if it hardly
differs, and as an own text if little is left of the candidate. Imported and live choices follow the same
rules.
"""

from feedback.records.distance import FAR, are_near, edit_distance, only_details_changed
from feedback.records.rejections import Refusal
from feedback.records.schemas import ChoiceForm, Kind, OfferedReply
from feedback.records.text import normalise


def settle_choice(form: ChoiceForm) -> ChoiceForm | Refusal:
    """Settles a choice. A settled one is returned as it is."""
    replies, slot_of = merge_replies(form.candidates, form.picked)
    if len(replies) < 2:
        return Refusal("fewer_than_two_replies", f"{len(replies)} different of {len(form.candidates)}")
    if form.kind == "own":
        settled = settle_own(form.own or "", replies)
    else:
        if any(slot_of[index] is None for index in form.picked):
            return Refusal("blank_text", "a picked reply is blank")
        picked = sorted({slot for index in form.picked if (slot := slot_of[index]) is not None})
        if form.kind == "edit":
            customer = [message.content for message in form.prompt if message.role == "user"]
            settled = settle_edit(form.edited or "", picked[0], replies, customer)
        else:
            settled = settle_picks(picked, len(replies))
    if isinstance(settled, Refusal):
        return settled
    kind, picked, text = settled
    written = {"edited": text if kind == "edit" else None, "own": text if kind == "own" else None}
    update = {"candidates": replies, "kind": kind, "picked": picked, **written}
    return form if vars(form) == vars(form) | update else form.model_copy(update=update)


Settled = tuple[Kind, list[int], str | None]


def settle_picks(picked: list[int], count: int) -> Settled | Refusal:
    if len(picked) == count:
        return Refusal("tie_of_all", f"all {count} replies")
    return ("pick" if len(picked) == 1 else "tie", picked, None)


def settle_edit(text: str, index: int, replies: list[OfferedReply], customer: list[str]) -> Settled | Refusal:
    """Settles an edited reply. `index` is the candidate that was inserted last before the text was sent."""
    if not text.strip():
        return Refusal("blank_text", "the edited text is blank")
    equal = find_equal(text, replies)
    if equal is not None:
        return ("pick", [equal], None)
    before = replies[index].text
    if are_near(before, text) or only_details_changed(before, text, customer):
        return ("pick", [index], None)
    return ("own", [], text) if edit_distance(before, text) > FAR else ("edit", [index], text)


def settle_own(text: str, replies: list[OfferedReply]) -> Settled | Refusal:
    """Settles an own text: one that equals a candidate, or hardly differs, is a pick of it."""
    if not text.strip():
        return Refusal("blank_text", "the own text is blank")
    equal = find_equal(text, replies)
    if equal is not None:
        return ("pick", [equal], None)
    distances = [edit_distance(reply.text, text) for reply in replies]
    nearest = min(range(len(replies)), key=distances.__getitem__)
    return ("pick", [nearest], None) if are_near(replies[nearest].text, text) else ("own", [], text)


def find_equal(text: str, replies: list[OfferedReply]) -> int | None:
    key = normalise(text)
    return next((index for index, reply in enumerate(replies) if normalise(reply.text) == key), None)


def merge_replies(
    candidates: list[OfferedReply], picked: list[int]
) -> tuple[list[OfferedReply], list[int | None]]:
    """The different replies in the order shown, and for each candidate its index among them (None for a blank
    one). A reply that moves up keeps the slot in which it was shown. Of equal replies the text of the
    first picked one is kept, since that is the layout that was sent.
    """
    replies: list[OfferedReply] = []
    place_of: dict[str, int] = {}
    slot_of: list[int | None] = []
    for shown_at, candidate in enumerate(candidates):
        key = normalise(candidate.text)
        if not key:
            slot_of.append(None)
            continue
        place = place_of.setdefault(key, len(replies))
        slot_of.append(place)
        if place == len(replies):
            moved = candidate.slot is None and shown_at != place
            replies.append(candidate.model_copy(update={"slot": shown_at}) if moved else candidate)
        elif candidate.arm is not None and candidate.arm != (first := replies[place]).arm:
            update = {"arm": "both", "adapter": first.adapter or candidate.adapter}
            replies[place] = first.model_copy(update=update)
    for index in reversed(picked):
        if (place_of_picked := slot_of[index]) is not None:
            kept = {"text": candidates[index].text, "token_ids": candidates[index].token_ids}
            replies[place_of_picked] = replies[place_of_picked].model_copy(update=kept)
    return replies, slot_of
