"""Which subjects a task is filled from: what an expert asks for, as keys in the store.

sources, tags, languages     as for datasets; a tag asks for those below it, too
contradictions               records that say the opposite of another one, as the last dataset build found
weak                         tags in which what serves now is supported in less than half of its picks
since                        what came then or later
report                       held-out picks that the adapter of this run did not predict, worst first
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine
from sqlmodel import Session

from feedback.datasets.duplicates_report import find_last_report
from feedback.errors import Conflict
from feedback.labelling.missed import read_missed
from feedback.records.from_label import RATE, REWRITE, TAG
from feedback.store.deployments import serving_state
from feedback.store.engine import read
from feedback.store.fits import find_fit
from feedback.store.label_subjects import (
    Subject,
    Wanted,
    find_named_subjects,
    list_conversation_subjects,
    list_records,
    list_sets,
)
from feedback.store.runs import get_run
from feedback.store.tags import read_tag_tree

LEAST_PICKS = 10  # below which nothing is said of a tag
HALF = 0.5
Name = tuple[str, str, str]  # of a record of a dataset: form, source, id


class MissedPicksUnknown(Conflict):
    def __init__(self, run_id: str) -> None:
        super().__init__(
            "missed_picks_unknown",
            f"Run {run_id} has no list of held-out picks that its adapter did not predict: it measured none, "
            "its texts were erased, or its files are on another machine.",
            "Name another run, or write the list with `rejoinder evaluate ADAPTER` where its files are.",
        )


@dataclass(frozen=True)
class ItemSelection:
    """What a task is filled with. An empty wish asks for nothing."""

    sources: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    contradictions: bool = False
    weak: bool = False
    report: str = ""  # the id of a run
    since: datetime | None = None  # from when on what came is asked for

    def to_json(self) -> dict[str, Any]:
        told = {
            name: list(value) if isinstance(value, tuple) else value for name, value in vars(self).items()
        } | {"since": self.since and self.since.isoformat()}
        return {name: value for name, value in told.items() if value}


def list_subjects(
    store_engine: Engine, *, desk_id: str, kind: str, selection: ItemSelection, data_dir: Path
) -> list[Subject]:
    """All that a task of this kind may ask about: conversations to tag, else sets and imported records.
    Raises NotFound, MissedPicksUnknown.
    """
    named = _name_records(store_engine, desk_id=desk_id, selection=selection, data_dir=data_dir)
    with read(store_engine) as session:
        wanted = _want(session, desk_id=desk_id, selection=selection, named=named)
        if kind == TAG:
            return list_conversation_subjects(session, desk_id=desk_id, wanted=wanted)
        forms = ("choice", "pair", "thumb") if kind in (RATE, REWRITE) else ("choice", "pair")
        return [
            *list_sets(session, desk_id=desk_id, wanted=wanted),
            *list_records(session, desk_id=desk_id, wanted=wanted, forms=forms),
        ]


def list_weak_tags(session: Session, *, desk_id: str) -> list[str]:
    """The tags in which an adapter that serves is supported in less than half of ten or more picks."""
    found: set[str] = set()
    for adapter in sorted(serving_state(session, desk_id=desk_id).named):
        fit = find_fit(session, desk_id=desk_id, adapter=adapter)
        cells = fit.value["fitted"]["breakdown"].get("tags", {}) if fit else {}
        found |= {
            tag for tag, cell in cells.items() if cell["counted"] >= LEAST_PICKS and cell["rate"] < HALF
        }
    return sorted(found)


def _want(
    session: Session, *, desk_id: str, selection: ItemSelection, named: Mapping[Name, float] | None
) -> Wanted:
    tree = read_tag_tree(session, desk_id=desk_id)
    tags = [tree.expand(selection.tags)] if selection.tags else []
    if selection.weak:
        tags.append(tree.expand(list_weak_tags(session, desk_id=desk_id)))
    if named is None:
        return Wanted(selection.sources, tags, selection.languages, since=selection.since)
    among: dict[tuple[str, str], float] = {}
    for name, key in find_named_subjects(session, desk_id=desk_id, named=named.keys()).items():
        among[key] = max(among.get(key, 0.0), named[name])  # a set may have been judged twice
    return Wanted(selection.sources, tags, selection.languages, among, selection.since)


def _name_records(
    store_engine: Engine, *, desk_id: str, selection: ItemSelection, data_dir: Path
) -> dict[Name, float] | None:
    """The records of datasets that are asked for by name, with their nats; None if none are."""
    named = None
    if selection.contradictions:
        found = _list_contradicting(store_engine, desk_id=desk_id, data_dir=data_dir)
        named = dict.fromkeys(found, 0.0)
    if selection.report:
        missed = _list_missed(store_engine, desk_id=desk_id, run_id=selection.report, data_dir=data_dir)
        named = {name: nats for name, nats in missed.items() if named is None or name in named}
    return named


def _list_missed(store_engine: Engine, *, desk_id: str, run_id: str, data_dir: Path) -> dict[Name, float]:
    with read(store_engine) as session:
        run = get_run(session, desk_id=desk_id, run_id=run_id)
    missed = read_missed(data_dir, run.id)
    if missed is None:
        raise MissedPicksUnknown(run.id)
    return {(each.form, each.source, each.id): each.nats for each in missed}


def _list_contradicting(store_engine: Engine, *, desk_id: str, data_dir: Path) -> set[Name]:
    last = find_last_report(store_engine, desk_id=desk_id, data_dir=data_dir)
    sides = [side for pair in last[1].listed for side in pair] if last else []
    return {(record.form, record.source, record.id) for side in sides for record in side.records}
