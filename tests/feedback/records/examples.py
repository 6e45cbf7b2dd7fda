"""A set with two replies of each arm, and judgements on it, for the tables of examples."""

from datetime import UTC, datetime

from feedback.records.from_judgement import Judged, ShownReply, ShownSet

AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
TUNED = "tuned-20261121-1"
TEXTS = (
    "Your order A-1042 leaves our warehouse today.",
    "Please wait.",
    "I am sorry for the delay, Alice; I will call the carrier at once.",
    "Read the terms on our page.",
)
ARMS = ("base", "tuned", "tuned", "base")


def shown(texts=TEXTS, arms=ARMS, states=None, **fields):
    replies = [
        ShownReply(
            id=f"c{slot}",
            slot=slot,
            text=text,
            arm=arm,
            adapter=TUNED if arm != "base" else None,
            state=states[slot] if states else "ready",
            token_ids=[slot],
        )
        for slot, (text, arm) in enumerate(zip(texts, arms, strict=True))
    ]
    values = {
        "conversation": "conv-1",
        "prompt": [{"role": "user", "content": "Where is my order A-1042? I am Alice."}],
        "design": "2+2",
        "adapter": TUNED,
        "prompt_token_ids": [1, 2, 3],
        "base_id": "b" * 64,
    }
    return ShownSet(replies=replies, **(values | fields))


def judged(kind, candidate=None, *, text=None, candidates=(), **fields):
    named = None if candidate is None else f"c{candidate}"
    values = {"id": "j1", "agent": "ann", "at": AT, "text": text}
    return Judged(
        kind=kind, candidate_id=named, candidate_ids=[f"c{n}" for n in candidates], **(values | fields)
    )
