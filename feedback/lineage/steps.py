"""One step of lineage by its address: what it is, and its neighbours in both directions.

Each kind has a function in the module that is named with it below. What one of them names as `after`, the
other names as `before`. A step is read in one short transaction.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from feedback.errors import NotFound
from feedback.lineage import duels, records, service, talk
from feedback.lineage.graph import Ref, Scope, Step

# Which facts of a step tell most, for the command line and the console alike.
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


class Tracer(Scope):
    """Looks steps up."""

    def look(self, ref: Ref) -> Step:
        """Raises NotFound, also for a kind that there is not."""
        looked = LOOKS.get(ref.kind)
        step = looked(self, ref) if looked else None
        if step is None:
            raise NotFound(ref.kind if looked else "step", ref.id)
        return step


LOOKS: Mapping[str, Callable[[Scope, Ref], Step | None]] = {
    "message": talk.look_message,
    "set": talk.look_set,
    "judgement": talk.look_judgement,
    "choice": records.look_record,
    "pair": records.look_record,
    "thumb": records.look_record,
    "dataset": records.look_dataset,
    "run": service.look_run,
    "adapter": service.look_adapter,
    "duel": duels.look_duel,
    "verdict": duels.look_verdict,
    "report": service.look_report,
    "decision": service.look_decision,
    "exposure": service.look_exposure,
    "approval": service.look_approval,
    "deployment": service.look_deployment,
}


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
