"""Turns what an agent did with a set into a choice in its record form, or into the reason why there is none.
Pure.

The store passes in what a set showed and one judgement; `normalise.py` then applies the rules that imported
choices obey too.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from feedback.records.normalise import merge_replies, settle_choice
from feedback.records.rejections import Refusal
from feedback.records.schemas import Arm, ChatMessage, ChoiceForm, Kind, OfferedReply

CLOSING = ("pick", "edit", "own", "tie")
LIVE = "live"
DUEL = "duel"
LABEL = "label"
OWN_SOURCES = (LIVE, DUEL, LABEL)  # sources of what people do here; no import may use these names


@dataclass(frozen=True)
class ShownReply:
    """One candidate in its slot: ready, unavailable or merged (its text is in an earlier slot)."""

    id: str
    slot: int
    text: str | None
    arm: str
    adapter: str | None = None
    state: str = "ready"
    token_ids: list[int] | None = None


@dataclass(frozen=True)
class ShownSet:
    """What was on the screen, with all the facts of the set that a record keeps."""

    conversation: str
    prompt: list[dict[str, str]]
    replies: Sequence[ShownReply]
    design: str = "4+0"
    adapter: str | None = None
    revealed: bool = True
    prompt_token_ids: list[int] | None = None
    base_id: str | None = None
    chat_template_kwargs: dict[str, Any] = field(default_factory=dict)
    language: str | None = None
    tags: Sequence[str] = ()
    known: Sequence[str] = ()  # what stands for the customer, to be replaced


@dataclass(frozen=True)
class Judged:
    """One judgement as stored; `undone` is true when a later row took it back."""

    id: str
    kind: str
    agent: str | None
    at: datetime
    candidate_id: str | None = None
    candidate_ids: Sequence[str] = ()
    text: str | None = None
    dwell_ms: int | None = None
    undone: bool = False
    unblinded: bool = False
    reasons: Sequence[str] = ()


def derive_choice(judged: Judged, shown: ShownSet) -> ChoiceForm | Refusal:
    """The settled choice of one judgement. A `none` before an own text stays a `none`."""
    if judged.undone:
        return Refusal("undone")
    if judged.kind not in CLOSING:
        return Refusal(judged.kind)
    if judged.unblinded:
        return Refusal("unblinded")
    if not shown.revealed:
        return Refusal("set_not_ready", "judged before its replies were shown")
    ready, offered = offer_replies(shown)
    if any(reply.text is None for reply in ready) or (judged.kind in ("edit", "own") and judged.text is None):
        return Refusal("erased")
    if not shown.prompt:
        return Refusal("set_not_ready", "judged before its replies were shown")
    index_of = {reply.id: index for index, reply in enumerate(ready)}
    named = name_picked(judged)
    if any(candidate not in index_of for candidate in named):
        return Refusal("reply_unavailable")
    picked = sorted({index_of[candidate] for candidate in named})
    return settle_choice(make_choice(judged, shown, cast(Kind, judged.kind), offered, picked))


def compose_choice(
    judged: Judged, shown: ShownSet, *, settled: Kind, slots: Collection[int]
) -> ChoiceForm | Refusal:
    """The choice as its record has it: its kind and its picked slots. No texts are compared again."""
    ready, offered = offer_replies(shown)
    if not shown.prompt or any(reply.text is None for reply in ready):
        return Refusal("erased")  # the texts were erased after the record was read
    named = name_picked(judged)
    replies, places = merge_replies(
        offered, [index for index, reply in enumerate(ready) if reply.id in named]
    )
    found = zip(ready, places, strict=True)
    picked = {place for reply, place in found if place is not None and reply.slot in slots}
    return make_choice(judged, shown, settled, replies, sorted(picked))


def offer_replies(shown: ShownSet) -> tuple[list[ShownReply], list[OfferedReply]]:
    """The replies that could be picked, in slot order, and the corresponding replies in record form."""
    # A merged reply has no card; an unavailable one has an empty card, and so takes a place.
    cards = sorted((reply for reply in shown.replies if reply.state != "merged"), key=lambda card: card.slot)
    placed = [(place, card) for place, card in enumerate(cards) if card.state == "ready"]
    offered = [
        OfferedReply.model_construct(
            text=reply.text or "",
            arm=cast(Arm, reply.arm),
            adapter=reply.adapter,
            slot=place if place != index else None,
            token_ids=reply.token_ids,
        )
        for index, (place, reply) in enumerate(placed)
    ]
    return [reply for _, reply in placed], offered


def name_picked(judged: Judged) -> list[str]:
    """The ids of the candidates that were picked or edited."""
    if judged.kind == "tie":
        return list(judged.candidate_ids)
    return [] if judged.kind == "own" else [judged.candidate_id or ""]


def make_choice(
    judged: Judged, shown: ShownSet, kind: Kind, candidates: list[OfferedReply], picked: list[int]
) -> ChoiceForm:
    return ChoiceForm.model_construct(
        id=judged.id,
        source=LIVE,
        conversation=shown.conversation,
        prompt=[ChatMessage.model_validate(message) for message in shown.prompt],
        candidates=candidates,
        kind=kind,
        picked=picked,
        edited=judged.text if kind == "edit" else None,
        own=judged.text if kind == "own" else None,
        annotator=judged.agent,
        language=shown.language,
        tags=list(shown.tags),
        at=judged.at,
        dwell_ms=judged.dwell_ms,
        reasons=list(judged.reasons) or None,
        prompt_token_ids=shown.prompt_token_ids,
        base_id=shown.base_id,
        chat_template_kwargs=shown.chat_template_kwargs,
    )
