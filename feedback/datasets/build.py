"""Builds one immutable dataset from everything that people said: choices, pairs, thumbs and texts with splits
and weights.

    build_dataset -> collect (settled, without personal data) -> sift (copies, twins; children of choices,
    where asked for) -> weigh -> pairs -> match thumbs -> hash -> rename -> row

Records are streamed: memory holds a few words for each record, never the texts (except of thumbs whose prompt
has both an up and a down). The id is the hash of the content, so equal content gives one dataset, written
once. Trains nothing and opens no model. Read a dataset with `read_split(dir, "pairs", "train")`.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from feedback.augment.making import Augmenting
from feedback.augment.names import BY_HELPER
from feedback.clock import Clock
from feedback.datasets.atomic_dir import open_atomic_dir, read_jsonl
from feedback.datasets.building import Building, OnRecord
from feedback.datasets.card import write_data_card
from feedback.datasets.collect import Collected, Collector
from feedback.datasets.difficulty import Difficulty, read_difficulty
from feedback.datasets.duplicates_report import keep_duplicates_report
from feedback.datasets.errors import DatasetMissing, NothingSelected
from feedback.datasets.layout import TEXTS, dataset_dir, dataset_file, datasets_dir
from feedback.datasets.manifest import read_dataset_manifest
from feedback.datasets.part import read_dataset_part
from feedback.datasets.selection import Selection
from feedback.records.redact import open_redactor
from feedback.records.weights import WeightRules
from feedback.store.datasets import add_dataset
from feedback.store.derived_records import renew_all
from feedback.store.engine import read, unit_of_work
from feedback.store.erasures import count_erasures
from feedback.store.own_records import list_labelled_conversations, read_shown_sources
from feedback.store.records import count_records
from feedback.store.sources import list_sources, read_grades, read_left_out
from feedback.store.tables import DEFAULT_DESK, Dataset
from feedback.store.tags import read_tag_tree
from feedback.store.written_texts import read_texts_of_children

__all__ = ["DatasetInfo", "Selection", "build_dataset", "read_dataset_manifest", "read_split"]


@dataclass(frozen=True)
class DatasetInfo:
    """A dataset on disk. `counts`: lines by format and split, kinds, agents and conversations."""

    id: str
    path: Path
    counts: dict[str, Any]
    refusals: dict[str, int]
    is_new: bool


def build_dataset(
    store_engine: Engine,
    *,
    data_dir: Path,
    clock: Clock,
    desk_id: str = DEFAULT_DESK,
    selection: Selection | None = None,
    rules: WeightRules | None = None,
    on_record: OnRecord = lambda step, done, total: None,
) -> DatasetInfo:
    """Builds the dataset of a selection. Raises NothingSelected when no record is left, and
    DifficultyUnknown. It may be repeated or killed at any time; if a customer was erased while it read, it
    builds once more. Of copies the one of the source with the better grade stays.
    """
    renew_all(store_engine)  # nothing, unless the rules changed
    selection, rules, now = selection or Selection(), rules or WeightRules(), clock.now()
    difficulty = (
        read_difficulty(store_engine, data_dir=data_dir, desk_id=desk_id) if selection.difficulty else None
    )
    with read(store_engine) as session:
        erased = count_erasures(session, desk_id=desk_id)
        tree = read_tag_tree(session, desk_id=desk_id)
        expected = count_records(session, desk_id=desk_id, sources=selection.sources, until=now)
        left_out = read_left_out(session, desk_id=desk_id, named=selection.sources)
        written = read_texts_of_children(
            session, desk_id=desk_id, operations=sorted({*selection.augment} & {*BY_HELPER})
        )
        augmenting = Augmenting(selection.augment, written)
        grades = {name: grade.in_force for name, grade in read_grades(session, desk_id=desk_id).items()}
    labelled = list_labelled_conversations(store_engine, desk_id=desk_id)
    shown = read_shown_sources(store_engine, desk_id=desk_id)
    strings, without = tree.expand(selection.tags), tree.expand(selection.without_tags)
    selection = replace(selection, strings=strings, without_strings=without)
    with open_atomic_dir(datasets_dir(data_dir)) as place:
        known = (grades, labelled, shown, augmenting)
        building = Building(place, rules, expected, on_record, *known)
        redactor = open_redactor(data_dir)
        rest = (redactor, building.refusals, left_out, shown)
        collector = Collector(store_engine, desk_id, selection, now, *rest)
        report = building.write(collect_all(collector, difficulty))
        if not building.total:
            raise NothingSelected(selection.to_json(), building.refusals)
        manifest = building.finish(selection, now, difficulty)
        keep_duplicates_report(place.path, report)
        with read(store_engine) as session:
            sources = list_sources(session, desk_id=desk_id)
        write_data_card(place.path, manifest, sources)
        target = dataset_dir(data_dir, manifest["id"])
        is_new = place.move_to(target)
        if not is_new:
            keep_duplicates_report(target, report)
    told = {name: manifest[name] for name in ("selection", "counts", "refusals")}
    with unit_of_work(store_engine) as session:
        is_whole = count_erasures(session, desk_id=desk_id) == erased
        if is_whole:
            dataset = Dataset(id=manifest["id"], desk_id=desk_id, created_at=now, **told)
            add_dataset(session, dataset=dataset)
    if is_whole:
        return DatasetInfo(manifest["id"], target, manifest["counts"], manifest["refusals"], is_new)
    if is_new:
        shutil.rmtree(target)
    again: dict[str, Any] = {"desk_id": desk_id, "selection": selection, "rules": rules}
    return build_dataset(store_engine, data_dir=data_dir, clock=clock, on_record=on_record, **again)


def collect_all(collector: Collector, difficulty: Difficulty | None) -> dict[str, Iterator[Collected]]:
    """The selected records, by the file that they go into."""
    collected = {
        "choices": collector.collect_choices(),
        "pairs": collector.collect_pairs(),
        "thumbs": collector.collect_thumbs(),
        TEXTS: collector.collect_texts(),
    }
    if difficulty is None:
        return collected
    asked, refusals = collector.selection.difficulty, collector.refusals
    return {name: difficulty.keep(name, items, asked, refusals) for name, items in collected.items()}


def read_split(path: Path, kind: str, split: str) -> Iterator[dict[str, Any]]:
    """One split of a dataset's `choices`, `pairs`, `thumbs` or `texts`, by `kind`, or of a part of one. A
    dataset may have no file of texts. Raises DatasetMissing.
    """
    part = read_dataset_part(path)
    file = dataset_file(part.dataset if part else path, kind)
    if kind == TEXTS and not file.is_file():
        return iter(())
    if not file.is_file():
        raise DatasetMissing(path)
    left_out = part.left_out.get(kind, ()) if part else ()
    return (
        record
        for place, record in enumerate(read_jsonl(file))
        if record["split"] == split and place not in left_out
    )
