"""What came of records by tag and by source: how hard they are, which datasets hold them, and which adapters
learned from them.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlmodel import Session

from feedback.datasets.difficulty import QUARTERS, Difficulty
from feedback.datasets.layout import dataset_dir
from feedback.datasets.members import read_members
from feedback.store.collection_counts import iterate_named
from feedback.store.datasets import list_adapters_on, select_datasets
from feedback.store.source_marks import list_sources_of
from feedback.store.tables import Dataset
from feedback.tags.tree import TagTree

VERSIONS = 20  # the newest, that are looked into


@dataclass
class Use:
    """What came of the records of one tag or source."""

    hardest: int = 0
    rated: int = 0
    versions: int = 0
    adapters: set[str] = field(default_factory=set)

    def to_row(self) -> dict[str, Any]:
        return {**vars(self), "adapters": tuple(sorted(self.adapters))}


class Uses:
    """The uses by tag and by source; a record counts under each of its tags and those above."""

    def __init__(self, tree: TagTree) -> None:
        self.tree = tree
        self.tags: defaultdict[str, Use] = defaultdict(Use)
        self.sources: defaultdict[str, Use] = defaultdict(Use)

    def find(self, tags: Iterable[str], sources: Iterable[str]) -> Iterator[Use]:
        yield from (self.tags[tag] for tag in self.tree.lift(tags))
        yield from (self.sources[source] for source in sources)

    def add_datasets(self, session: Session, data_dir: Path, *, desk_id: str) -> None:
        """Counts the newest datasets, and notes the adapters that were trained on them."""
        for dataset in select_datasets(session, desk_id=desk_id, limit=VERSIONS):
            learned = list_adapters_on(session, desk_id=desk_id, dataset_ids=[dataset.id])
            for use in self.find(list_tags_in(data_dir, dataset), list_sources_of(dataset)):
                use.versions += 1
                use.adapters |= {adapter.name for adapter in learned}

    def add_difficulty(self, session: Session, difficulty: Difficulty, *, desk_id: str) -> None:
        """Counts the records whose difficulty is known, and those in their language's hardest quarter."""
        rated: Counter[tuple[str, str, bool]] = Counter()
        for each in iterate_named(session, desk_id=desk_id):
            told = {"source": each.source, "id": each.identity, "language": each.language}
            quarter = difficulty.find_quarter(f"{each.form}s", told)
            if quarter is not None:
                rated[each.tags, each.source, quarter == QUARTERS[-1]] += 1
        for (tags, source, is_hardest), count in rated.items():
            for use in self.find(json.loads(tags), [source]):
                use.rated += count
                use.hardest += is_hardest * count


def list_tags_in(data_dir: Path, dataset: Dataset) -> list[str]:
    """The tags of a dataset's records; none where they were erased or its files are gone."""
    members = None if dataset.erased_at else read_members(dataset_dir(data_dir, dataset.id))
    return [tag for tag in members.splits.get("tag", {}) if tag] if members is not None else []
