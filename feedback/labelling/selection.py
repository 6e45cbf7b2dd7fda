"""Which subjects a task is filled from: what an expert asks for, as keys in the store.

sources, tags, languages     as for datasets; a tag asks for those below it, too
contradictions               records that say the opposite of another one, as the last dataset build found
weak                         tags in which what serves now is supported in less than half of its picks
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine
from sqlmodel import Session

from feedback.datasets.duplicates_report import find_last_report
from feedback.labelling.kinds import RATE, REWRITE, TAG
from feedback.store.deployments import serving_state
from feedback.store.engine import read
from feedback.store.fits import find_fit
from feedback.store.label_subjects import (
    Subject,
    Wanted,
    find_named,
    list_conversations,
    list_records,
    list_sets,
)
from feedback.store.tags import read_tag_tree

LEAST_PICKS = 10  # below which nothing is said of a tag
HALF = 0.5


@dataclass(frozen=True)
class ItemSelection:
    """What a task is filled with. An empty wish asks for nothing."""

    sources: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    contradictions: bool = False
    weak: bool = False

    def to_json(self) -> dict[str, Any]:
        told = {
            name: list(value) if isinstance(value, tuple) else value for name, value in vars(self).items()
        }
        return {name: value for name, value in told.items() if value}


def list_subjects(
    store_engine: Engine, *, desk_id: str, kind: str, selection: ItemSelection, data_dir: Path
) -> list[Subject]:
    """All that a task of this kind may ask about: conversations to tag, else sets and imported records."""
    named: set[tuple[str, str, str]] | None = None
    if selection.contradictions:
        named = _list_contradicting(store_engine, desk_id=desk_id, data_dir=data_dir)
    with read(store_engine) as session:
        wanted = _want(session, desk_id=desk_id, selection=selection, named=named)
        if kind == TAG:
            return list_conversations(session, desk_id=desk_id, wanted=wanted)
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
    session: Session, *, desk_id: str, selection: ItemSelection, named: set[tuple[str, str, str]] | None
) -> Wanted:
    tree = read_tag_tree(session, desk_id=desk_id)
    tags = [tree.expand(selection.tags)] if selection.tags else []
    if selection.weak:
        tags.append(tree.expand(list_weak_tags(session, desk_id=desk_id)))
    among = None if named is None else find_named(session, desk_id=desk_id, named=named)
    return Wanted(selection.sources, tags, selection.languages, among)


def _list_contradicting(store_engine: Engine, *, desk_id: str, data_dir: Path) -> set[tuple[str, str, str]]:
    last = find_last_report(store_engine, desk_id=desk_id, data_dir=data_dir)
    sides = [side for pair in last[1].listed for side in pair] if last else []
    return {(record.form, record.source, record.id) for side in sides for record in side.records}
