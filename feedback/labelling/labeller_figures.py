"""What the page of labellers shows of each: their labels, how often they are right, how long they take, and
whether they are paused or left out. Reads the store and writes nothing.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from feedback.labelling.quality import median_seconds
from feedback.store.exclusions import read_all_excluded
from feedback.store.label_counts import DwellOnLabel, list_dwells
from feedback.store.reliabilities import list_reliabilities
from feedback.store.tables import Reliability
from feedback.store.users import name_agents

CUSTOMER = "visitor:"  # each customer is a labeller of their own, who answers once


@dataclass(frozen=True)
class LabellerFigures:
    """One labeller in one kind of task. `reliability` is None before it was estimated for the first time."""

    labeller: str
    name: str
    kind: str
    labels: int
    seconds: float | None
    last_at: datetime | None
    reliability: Reliability | None
    is_excluded: bool


def read_labellers(session: Session, *, desk_id: str) -> Sequence[LabellerFigures]:
    """Everybody but customers by name, with a row for each kind of task that they have labelled."""
    given: defaultdict[tuple[str, str], list[DwellOnLabel]] = defaultdict(list)
    for label in list_dwells(session, desk_id=desk_id):
        given[label.labeller, label.kind].append(label)
    rows = {(row.labeller, row.kind): row for row in list_reliabilities(session, desk_id=desk_id)}
    excluded = read_all_excluded(session, desk_id=desk_id)
    keys = {key for key in (*given, *rows) if not key[0].startswith(CUSTOMER)}
    names = name_agents(session, desk_id=desk_id, agents={labeller for labeller, _ in keys})
    figures = [
        LabellerFigures(
            labeller,
            names[labeller],
            kind,
            len(given[labeller, kind]),
            median_seconds(given[labeller, kind]),
            max((label.created_at for label in given[labeller, kind]), default=None),
            rows.get((labeller, kind)),
            (labeller, kind) in excluded,
        )
        for labeller, kind in keys
    ]
    return sorted(figures, key=lambda each: (each.name.casefold(), each.labeller, each.kind))
