"""One step of lineage by its address: what it is, and its neighbours in both directions.

What one step names as `after`, the other names as `before`. A step is read in one short transaction.
"""

import json
from typing import Any

from sqlmodel import Session

from feedback.errors import NotFound
from feedback.lineage.graph import Ref, Scope, TraceStep, known
from feedback.lineage.kinds import KINDS, Kind
from feedback.lineage.records import open_dataset, trace_record
from feedback.store.adapter_story import list_story
from feedback.store.engine import read
from feedback.store.lineage import find_row, list_made, list_makers

HASH = 64  # hex digits: a dataset's id, of which the first ones do for a person


class Tracer(Scope):
    """Looks up steps of lineage."""

    def find_step(self, ref: Ref) -> TraceStep:
        """The step with this address. Raises NotFound, also for an unknown kind."""
        kind = KINDS.get(ref.kind)
        if kind is None:
            raise NotFound("step", ref.id)
        step = self._trace_row(ref, kind) if kind.describe else trace_record(self, ref)
        if step is None:
            raise NotFound(ref.kind, ref.id)
        return step

    def _trace_row(self, ref: Ref, kind: Kind) -> TraceStep | None:
        with read(self.store_engine) as session:
            row = find_row(session, desk_id=self.desk_id, kind=ref.kind, id=ref.id)
            if row is None:
                return None
            step = TraceStep(ref, row.created_at if hasattr(row, "created_at") else row.at)
            adapter = kind.name_adapter(row)
            if adapter:
                if not self._place_in_story(session, step, adapter):
                    return None
            else:
                step.before = tuple(Ref(*named) for named in list_makers(session, kind=ref.kind, id=ref.id))
                step.after = tuple(Ref(*named) for named in list_made(session, kind=ref.kind, id=ref.id))
            assert kind.describe is not None
            facts = kind.describe(session, row, step)
        if facts is None:
            return None
        if ref.kind == "dataset":
            facts |= open_dataset(self, row, step)
        step.facts = known(facts)
        return step

    def _place_in_story(self, session: Session, step: TraceStep, name: str) -> bool:
        """Adds the neighbours of a step in the history of this adapter. False if the step is not in it,
        because it belongs to another desk or is a decision without effect.
        """
        adapter = find_row(session, desk_id=self.desk_id, kind="adapter", id=name)
        told = list_story(session, adapter=adapter) if adapter else []
        story = [Ref("adapter", name), *(Ref(*named) for named in told)]
        if step.ref not in story:
            return False
        place = story.index(step.ref)
        step.before, step.after = (story[place - 1],), tuple(story[place + 1 : place + 2])
        return True


def pick_key_facts(step: TraceStep) -> dict[str, Any]:
    return {name: step.facts[name] for name in KINDS[step.ref.kind].key_facts if name in step.facts}


def show_fact(value: Any) -> str:
    """A fact as text: lists with commas, tables as `name value`, other values as they are."""
    if isinstance(value, dict):
        return ", ".join(f"{name or '–'} {show_fact(each)}" for name, each in value.items())
    if isinstance(value, list):
        return ", ".join(map(show_fact, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def shorten_id(id: str) -> str:
    return id[:12] if len(id) == HASH else id
