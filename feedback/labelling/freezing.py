"""What an item shows of a subject, for ever: texts without personal data, and which replies of several. Pure.

A hash of the task's seed chooses the replies and which of two is called a, so neither the order in which they
were generated nor who wrote them says anything. Who did is hidden in the item.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from feedback.canonical import hash_text
from feedback.records.from_label import COMPARE, PICK, SIDES, TAG
from feedback.records.redact import Redactor
from feedback.records.text import normalise
from feedback.store.label_subjects import Material, SubjectReply


@dataclass(frozen=True)
class Frozen:
    shown: dict[str, Any]
    hidden: dict[str, Any]


def freeze(kind: str, material: Material, *, seed: str, redactor: Redactor) -> Frozen | str:
    """What the item of a kind holds, or the code of why there is nothing to label."""

    def redact(text: str) -> str:
        return redactor.redact(text, material.conversation, material.known)

    messages = [{"role": said["role"], "content": redact(said["content"])} for said in material.messages]
    if not any(said["content"].strip() for said in messages):
        return "no_turns" if kind == TAG else "empty_prompt"
    shown: dict[str, Any] = {"messages": messages}
    if kind == TAG:
        return Frozen(shown, {})
    replies = choose_replies(kind, material.replies, seed)
    if not replies:
        return "fewer_than_two_replies" if kind in (COMPARE, PICK) else "no_reply"
    texts = [redact(reply.text) for reply in replies]
    hidden: dict[str, Any] = {"chat_template_kwargs": dict(material.chat_template_kwargs)}
    if kind == COMPARE:
        for side, text, reply in zip(SIDES, texts, replies, strict=True):
            shown[side] = text
            hidden |= {
                f"{side}_arm": reply.arm,
                f"{side}_adapter": reply.adapter,
                f"{side}_place": reply.place,
            }
        return Frozen(shown, hidden)
    shown |= {"replies": texts} if kind == PICK else {"reply": texts[0]}
    written = [{"arm": reply.arm, "adapter": reply.adapter, "place": reply.place} for reply in replies]
    return Frozen(shown, hidden | {"replies": written})


def choose_replies(kind: str, replies: Sequence[SubjectReply], seed: str) -> list[SubjectReply]:
    """The replies that are shown, in the order of a hash: all different ones to pick from, two to compare,
    else one. Empty where there are too few.
    """
    different = {normalise(reply.text): reply for reply in reversed(replies) if reply.text.strip()}
    drawn = sorted(different.values(), key=lambda reply: hash_text(f"{seed}:{reply.place}"))
    if kind == PICK:
        return drawn if len(drawn) > 1 else []
    if kind == COMPARE:
        return drawn[:2] if len(drawn) > 1 else []
    return drawn[:1]
