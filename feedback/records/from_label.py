"""Turns what an item came to into a record in its form, or into the reason why there is none. Pure.

    compare, pick -> choice    rate -> thumb, up from 4, down to 2    rewrite -> pair: the text over the reply

One outcome is one record, however many people it took. The rules of `normalise.py` apply as for judgements.
Tags go to what was labelled, and a check prefers nothing: items of these kinds have no record.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from statistics import median
from typing import Any

from feedback.records.from_judgement import LABEL
from feedback.records.item_states import SETTLED
from feedback.records.normalise import settle_choice, settle_edit
from feedback.records.rejections import Refusal
from feedback.records.schemas import ChatMessage, ChoiceForm, OfferedReply, PairForm, ThumbForm
from feedback.records.weights import ENOUGH_LABELS, OWN_WEIGHT, weigh_evidence

COMPARE, PICK, RATE, REWRITE, TAG = "compare", "pick", "rate", "rewrite", "tag"  # kinds of task
FORM_OF = {COMPARE: "choice", PICK: "choice", RATE: "thumb", REWRITE: "pair"}
SIDES = ("a", "b")  # the two replies of a comparison
UP_FROM, DOWN_TO = 4, 2  # of the scores 1 to 5
GONE = ("erased", "import_undone")  # why there is nothing left to label
VISITOR = "visitor:"  # begins the key of a customer who labels

LabelForm = ChoiceForm | PairForm | ThumbForm


@dataclass(frozen=True)
class ItemLabel:
    """A label that was not taken back. `accuracy` and `labels` are what is known of who gave it."""

    labeller: str
    value: Mapping[str, Any]
    text: str | None = None
    dwell_ms: int | None = None
    reasons: Sequence[str] = ()
    saw_others: bool = False
    accuracy: float | None = None
    labels: int = 0


@dataclass(frozen=True)
class LabelledItem:
    """An item with its labels in the order given. `at`: when it was settled, or made if it is not settled."""

    id: str
    kind: str
    conversation: str
    state: str
    reason: str | None
    shown: Mapping[str, Any]
    outcome: Mapping[str, Any] | None
    at: datetime
    language: str | None = None
    tags: Sequence[str] = ()
    labels: Sequence[ItemLabel] = ()
    chat_template_kwargs: Mapping[str, Any] = field(default_factory=dict)
    known: Sequence[str] = ()  # what stands for the customer, to be replaced
    helper_agreed: float | None = None  # where the helper settled it alone: its agreement with people


def derive_outcome(item: LabelledItem) -> LabelForm | Refusal:
    """The record of an item, without a weight."""
    if item.reason in GONE:
        return Refusal(item.reason)
    if item.state != SETTLED or item.outcome is None:
        return Refusal("reopened")
    messages = item.shown.get("messages") or []
    if not messages or messages[-1]["role"] not in ("user", "tool"):
        return Refusal("prompt_not_from_user")
    if item.kind == RATE:
        return derive_rate(item, item.outcome["score"])
    if item.kind == REWRITE:
        return derive_rewrite(item, item.outcome)
    return derive_preference(item, item.outcome)


def derive_preference(item: LabelledItem, outcome: Mapping[str, Any]) -> ChoiceForm | Refusal:
    """The choice among the replies of a compare or pick item, settled as that of a judgement."""
    if item.kind == COMPARE:
        texts = [item.shown[side] for side in SIDES]
        picked = [place for place, side in enumerate(SIDES) if outcome["side"] in (side, "tie")]
    else:
        texts, picked = item.shown["replies"], sorted(set(outcome.get("picked") or ()))
    if not picked:
        return Refusal("none")
    form = ChoiceForm.model_construct(
        **share_fields(item),
        candidates=[OfferedReply.model_construct(text=text) for text in texts],
        kind="pick" if len(picked) == 1 else "tie",
        picked=picked,
        edited=None,
        own=None,
        dwell_ms=find_dwell(item),
        prompt_token_ids=None,
        base_id=None,
    )
    return settle_choice(form)


def derive_rate(item: LabelledItem, score: int) -> ThumbForm | Refusal:
    if DOWN_TO < score < UP_FROM:
        return Refusal("unclear_label")
    return ThumbForm.model_construct(
        **share_fields(item),
        completion=[ChatMessage(role="assistant", content=item.shown["reply"])],
        label=score >= UP_FROM,
    )


def derive_rewrite(item: LabelledItem, outcome: Mapping[str, Any]) -> PairForm | Refusal:
    """The text over the reply that it was written for: a choice needs several replies on offer."""
    text = find_text(item)
    if outcome["unchanged"] or text is None:
        return Refusal("unchanged")
    reply = item.shown["reply"]
    customer = [message["content"] for message in item.shown["messages"] if message["role"] == "user"]
    settled = settle_edit(text, 0, [OfferedReply(text=reply)], customer)
    if isinstance(settled, Refusal):
        return settled
    if settled[0] == "pick":
        return Refusal("too_close")
    return PairForm.model_construct(
        **share_fields(item),
        chosen=[ChatMessage(role="assistant", content=text)],
        rejected=[ChatMessage(role="assistant", content=reply)],
        weight=OWN_WEIGHT if settled[0] == "own" else None,
    )


def share_fields(item: LabelledItem) -> dict[str, Any]:
    """What all forms have in common. Several people are no annotator."""
    return {
        "id": item.id,
        "source": LABEL,
        "conversation": item.conversation,
        "prompt": [ChatMessage.model_validate(message) for message in item.shown["messages"]],
        "annotator": find_annotator(item),
        "language": item.language,
        "tags": list(item.tags),
        "at": item.at,
        "reasons": list(dict.fromkeys(each for label in list_supporters(item) for each in label.reasons))
        or None,
        "chat_template_kwargs": dict(item.chat_template_kwargs),
    }


def list_supporters(item: LabelledItem) -> list[ItemLabel]:
    """The labels that say what the item came to; who saw what others had said decides alone, and a text is
    said by who wrote it.
    """
    outcome = item.outcome or {}
    said = [
        label
        for label in item.labels
        if item.outcome is not None
        and agrees(label.value, outcome)
        and outcome.get("text") in (None, label.text)
    ]
    return [label for label in said if label.saw_others] or said


def agrees(value: Mapping[str, Any], outcome: Mapping[str, Any]) -> bool:
    """Whether a label has the value of the outcome: the order of what was picked makes no difference."""
    plain = [
        {name: sorted(part) if isinstance(part, list) else part for name, part in each.items()}
        for each in (value, outcome)
    ]
    return plain[0].items() <= plain[1].items()


def find_annotator(item: LabelledItem) -> str | None:
    """The only person behind an outcome; a customer stands in one conversation, and is not named."""
    people = {label.labeller for label in list_supporters(item)}
    named = next(iter(people)) if len(people) == 1 else None
    return None if named is None or named.startswith(VISITOR) else named


def find_dwell(item: LabelledItem) -> int | None:
    dwells = [label.dwell_ms for label in list_supporters(item) if label.dwell_ms is not None]
    return int(median(dwells)) if dwells else None


def find_text(item: LabelledItem) -> str | None:
    """The text of a rewrite: the one that the outcome names, else the first that was written."""
    written = [label.text for label in list_supporters(item) if label.text is not None]
    named = (item.outcome or {}).get("text")
    return named if isinstance(named, str) else next(iter(written), None)


def weigh_item(item: LabelledItem) -> float:
    """The mean weight of the labellers who said what the item came to; what the helper settled alone weighs
    as if a labeller said it who is right as often as it agrees with people.
    """
    classes = count_answers(item)
    if item.helper_agreed is not None:
        return round(weigh_evidence(item.helper_agreed, ENOUGH_LABELS, classes), 6)
    weights = [
        1.0 if label.accuracy is None else weigh_evidence(label.accuracy, label.labels, classes)
        for label in list_supporters(item)
    ]
    return round(sum(weights) / len(weights), 6) if weights else 1.0


def count_answers(item: LabelledItem) -> int:
    """How many different answers the question has; of a pick, those that take one reply or none."""
    if item.kind == PICK:
        return len(item.shown["replies"]) + 1
    return {COMPARE: 4, RATE: 5}.get(item.kind, 2)
