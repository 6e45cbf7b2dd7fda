"""A step in one line: which of its facts tell most, for the command line and the console alike."""

import json
from typing import Any

from feedback.lineage.graph import Step

TELLING: dict[str, tuple[str, ...]] = {
    "message": ("role", "text", "origin"),
    "set": ("state", "design", "adapter"),
    "judgement": ("kind", "slots", "undone", "unblinded"),
    "choice": ("kind", "refused", "source"),
    "pair": ("refused", "source"),
    "thumb": ("value", "refused", "source"),
    "dataset": ("records", "files"),
    "run": ("state", "decision", "error"),
    "adapter": ("state",),
    "duel": ("name", "state", "adapter", "rival"),
    "verdict": ("verdict", "undone"),
    "report": ("n", "log_loss"),
    "decision": ("to", "reason", "actor"),
    "exposure": ("verdict", "because", "picks_needed", "actor"),
    "approval": ("verdict", "reason", "actor"),
    "deployment": ("role", "adapter", "share", "until", "why", "judged"),
}
HASH = 64  # hex digits: a dataset's id, of which the first ones do for a person


def pick_telling(step: Step) -> dict[str, Any]:
    return {name: step.facts[name] for name in TELLING[step.ref.kind] if name in step.facts}


def show_fact(value: Any) -> str:
    """A fact as words: lists with commas, tables as `name value`, the rest as it is."""
    if isinstance(value, dict):
        return ", ".join(f"{name or '–'} {show_fact(each)}" for name, each in value.items())
    if isinstance(value, list):
        return ", ".join(map(show_fact, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def shorten(id: str) -> str:
    return id[:12] if len(id) == HASH else id
