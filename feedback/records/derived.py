"""Derives the columns of a record from a judgement, a thumb or what an item came to. Pure.

    pick on "2+2"  ->  settled "pick", winner "tuned", its cards        undo  ->  rejection "undone"

A change of any rule that this depends on (`from_judgement`, `from_label`, `normalise`, `distance`, `meaning`,
`pairs`, `arms`, `cards`) must raise RULES_VERSION. Records of older rules are then renewed every night and by
`rejoinder dataset rederive`. Texts stay in their own rows; weights and pairs belong to a dataset.
"""

from collections.abc import Mapping
from typing import Any

from feedback.records.arms import find_incomparable, find_rival, find_winner
from feedback.records.candidate import BOTH, READY
from feedback.records.cards import describe_card
from feedback.records.from_judgement import LABEL, LIVE, Judged, ShownSet, derive_choice
from feedback.records.from_label import FORM_OF, LabelledItem, derive_outcome, find_annotator, find_dwell
from feedback.records.from_thumb import ThumbedReply, derive_thumb
from feedback.records.pairs import pair_choice
from feedback.records.rejections import Refusal
from feedback.records.schemas import ChoiceForm, PairForm
from feedback.records.split import split_of

RULES_VERSION = 1

IMPORT, JUDGEMENT, THUMB = "import", "judgement", "thumb"  # origin_kind; LABEL is one, too
UNDONE, TIE_OF_ALL = "undone", "tie_of_all"
THUMB_WORDS = {1: "up", -1: "down", 0: "taken_back"}

# What a judgement that was taken back prefers: nothing.
UNDO: Mapping[str, Any] = {
    "rejection": UNDONE,
    "settled": None,
    "winner": None,
    "cards": [],
    "pairs": 0,
    "close_pairs": 0,
}


def derive_record(judged: Judged, shown: ShownSet) -> dict[str, Any]:
    """The columns of a judgement's record, except for the desk."""
    return {
        "kind": "choice",
        "source": LIVE,
        "identity": judged.id,
        "origin_kind": JUDGEMENT,
        "origin_id": judged.id,
        "conversation": shown.conversation,
        "split": split_of(shown.conversation),
        "language": shown.language,
        "tags": list(shown.tags),
        "body": {},
        "given": judged.kind,
        "agent": judged.agent,
        "dwell_ms": judged.dwell_ms,
        "design": shown.design,
        "adapter": shown.adapter,
        "rival": find_rival(shown),
        "incomparable": find_incomparable(shown),
        "slot": next((reply.slot for reply in shown.replies if reply.id == judged.candidate_id), None),
        "rules_version": RULES_VERSION,
        "at": judged.at,
        "created_at": judged.at,
        **prefer(derive_choice(judged, shown), shown),
    }


def prefer(choice: ChoiceForm | Refusal, shown: ShownSet) -> dict[str, Any]:
    """The columns that state the preference of a judgement. They are emptied when it is taken back."""
    if isinstance(choice, Refusal):
        is_tie = choice.reason == TIE_OF_ALL
        cards = describe_cards(shown, None) if is_tie else []
        return {**UNDO, "rejection": choice.reason, "winner": BOTH if is_tie else None, "cards": cards}
    pairs = pair_choice(choice.to_record())
    close = sum(isinstance(pair, Refusal) for pair in pairs)
    return {
        "rejection": None,
        "settled": choice.kind,
        "winner": find_winner(choice, shown) if choice.picked else None,
        "cards": describe_cards(shown, {choice.candidates[index].text for index in choice.picked}),
        "pairs": len(pairs) - close,
        "close_pairs": close,
    }


def describe_cards(shown: ShownSet, picked: set[str] | None) -> list[list[Any]]:
    """The cards that could be picked, in slot order. `picked`: the texts picked, None means all."""
    ready = sorted((reply for reply in shown.replies if reply.state == READY), key=lambda reply: reply.slot)
    return [
        describe_card(reply, is_picked=picked is None or reply.text in picked).to_json() for reply in ready
    ]


def derive_thumb_record(reply: ThumbedReply) -> dict[str, Any]:
    """The columns of a message's last thumb; arm and adapter only if it was sent as suggested."""
    form = derive_thumb(reply)
    return {
        "kind": "thumb",
        "source": LIVE,
        "identity": reply.id,
        "origin_kind": THUMB,
        "origin_id": reply.message_id,
        "conversation": reply.conversation,
        "split": split_of(reply.conversation),
        "language": reply.language,
        "tags": reply.tags,
        "body": {},
        "given": THUMB_WORDS[reply.value],
        "rejection": form.reason if isinstance(form, Refusal) else None,
        "winner": reply.arm,
        "adapter": reply.adapter,
        "cards": [],
        "pairs": 0,
        "close_pairs": 0,
        "rules_version": RULES_VERSION,
        "at": reply.at,
        "created_at": reply.at,
    }


def derive_label_record(item: LabelledItem) -> dict[str, Any]:
    """The columns of the record of an item that is settled, or was."""
    form = derive_outcome(item)
    pairs = pair_choice(form.to_record()) if isinstance(form, ChoiceForm) else []
    close = sum(isinstance(pair, Refusal) for pair in pairs)
    settled = form.kind if isinstance(form, ChoiceForm) else None
    if isinstance(form, PairForm):
        settled = "edit" if form.weight is None else "own"
    return {
        "kind": FORM_OF[item.kind],
        "source": LABEL,
        "identity": item.id,
        "origin_kind": LABEL,
        "origin_id": item.id,
        "conversation": item.conversation,
        "split": split_of(item.conversation),
        "language": item.language,
        "tags": list(item.tags),
        "body": {},
        "given": item.kind,
        "agent": find_annotator(item),
        "dwell_ms": find_dwell(item),
        "rejection": form.reason if isinstance(form, Refusal) else None,
        "settled": settled,
        "cards": [],
        "pairs": 1 if isinstance(form, PairForm) else len(pairs) - close,
        "close_pairs": close,
        "rules_version": RULES_VERSION,
        "at": item.at,
        "created_at": item.at,
    }
