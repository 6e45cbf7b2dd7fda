"""Gathers what is there of each tag and source: rows of the store, indexes of datasets, difficulties."""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Engine
from sqlmodel import Session

from feedback.collection.alphas import Alphas, read_alphas
from feedback.collection.rows import Collection, CollectionRow
from feedback.collection.uses import Use, Uses
from feedback.datasets.difficulty import Difficulty, read_difficulty
from feedback.datasets.errors import DifficultyUnknown
from feedback.experiments.support import support_of
from feedback.experiments.tally import Tally, sum_tallies
from feedback.store.collection_counts import count_records_by_source
from feedback.store.deployments import serving_state
from feedback.store.engine import read
from feedback.store.fits import find_fit
from feedback.store.run_history import list_evaluated
from feedback.store.source_views import count_held
from feedback.store.tag_counts import count_tags_of
from feedback.store.tags import read_tag_tree

RUNS = 20  # the newest, that are looked into


def gather_collection(store_engine: Engine, *, data_dir: Path, desk_id: str) -> Collection:
    difficulty = find_difficulty(store_engine, data_dir=data_dir, desk_id=desk_id)
    with read(store_engine) as session:
        serving = serving_state(session, desk_id=desk_id)
        adapter = serving.live or serving.canary
        uses = Uses(read_tag_tree(session, desk_id=desk_id))
        uses.add_datasets(session, data_dir, desk_id=desk_id)
        if difficulty is not None:
            uses.add_difficulty(session, difficulty, desk_id=desk_id)
        by_tag, by_source = read_alphas(session, desk_id=desk_id)
        tags = list_tag_rows(session, uses, adapter, by_tag, desk_id=desk_id)
        return Collection(tags, list_source_rows(session, uses, by_source, desk_id=desk_id), adapter)


def find_difficulty(store_engine: Engine, *, data_dir: Path, desk_id: str) -> Difficulty | None:
    try:
        return read_difficulty(store_engine, data_dir=data_dir, desk_id=desk_id)
    except DifficultyUnknown:
        return None


def list_tag_rows(
    session: Session, uses: Uses, adapter: str | None, alphas: Alphas, *, desk_id: str
) -> list[CollectionRow]:
    """A row for each tag, and for each string that means none."""
    counts = count_tags_of(session, desk_id=desk_id, tree=uses.tree)
    picks = read_picks_by_tag(session, adapter, desk_id=desk_id) if adapter else {}
    nats = read_nats(session, desk_id=desk_id)
    return [
        CollectionRow(
            name,
            conversations=count.conversations,
            records=count.records,
            **uses.tags.get(name, Use()).to_row(),
            alpha=alphas.get(name),
            tally=picks.get(name),
            nats=nats.get(name),
        )
        for name, count in sorted(counts.items())
    ]


def list_source_rows(session: Session, uses: Uses, alphas: Alphas, *, desk_id: str) -> list[CollectionRow]:
    """A row for each source. Its picks are those of the adapters that learned from it, taken together."""
    learned = set().union(*(use.adapters for use in uses.sources.values()))
    picks = {name: support_of(session, name, desk_id=desk_id).tally for name in learned}
    records = count_records_by_source(session, desk_id=desk_id)
    held = count_held(session, desk_id=desk_id)
    return [
        CollectionRow(
            name,
            conversations=held.get(name, {}).get("conversation", 0),
            records=records.get(name, Counter()),
            **(use := uses.sources.get(name, Use())).to_row(),
            alpha=alphas.get(name),
            tally=sum_tallies(picks[adapter] for adapter in use.adapters),
        )
        for name in sorted(set(held) | set(records))
    ]


def read_picks_by_tag(session: Session, adapter: str, *, desk_id: str) -> dict[str, Tally]:
    """The picks by tag as the trainer counted them last; none before its first fit."""
    fit = find_fit(session, desk_id=desk_id, adapter=adapter)
    cells = fit.value["fitted"]["breakdown"].get("tags", {}) if fit is not None else {}
    return {tag: Tally(cell["tuned"], cell["base"], cell["halves"]) for tag, cell in cells.items()}


def read_nats(session: Session, *, desk_id: str) -> dict[str, float]:
    """Nats per held-out choice by tag, of the newest report that measured it."""
    runs = list_evaluated(session, desk_id=desk_id, limit=RUNS)
    return dict(pair for run in runs for pair in iterate_nats(run.report or {}))


def iterate_nats(report: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for tag, figures in (report.get("tags") or {}).items():
        if figures.get("adapter") is not None:
            yield tag, figures["adapter"]
