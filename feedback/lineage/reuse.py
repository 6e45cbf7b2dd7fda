"""What came of the records of a dataset: the versions that hold them, too, the adapters that were trained on
each, and what those reached, in all and by tag. A tag takes in all below it, as in the fits
that the results by tag are from.

Which records are in two datasets is read from their indexes, not from their files. A version whose records
were erased is left out. Reads only; files are read outside transactions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session

from feedback.datasets.errors import DatasetMissing
from feedback.datasets.layout import dataset_dir
from feedback.datasets.members import Members, read_members
from feedback.datasets.reuse import SharedRecords, count_shared_records
from feedback.experiments.account import read_account
from feedback.lineage.graph import Scope
from feedback.store.datasets import get_dataset, list_adapters_on, select_datasets
from feedback.store.engine import read
from feedback.store.tables import Adapter
from feedback.store.tags import read_tag_tree
from feedback.tags.tree import TagTree

VERSIONS = 20  # the newest that are compared


@dataclass(frozen=True)
class SupportRate:
    """The share of picks that fell on an adapter, with its 95 % interval; None before the first pick."""

    rate: float | None
    low: float
    high: float
    picks: int


@dataclass(frozen=True)
class AdapterResult:
    """What an adapter reached. `log_loss` and `base_log_loss` are those of the gate, in nats per held-out
    choice, of which there were `held_out`. `support_by_tag` is that of the last fit.
    """

    name: str
    state: str
    support: SupportRate
    support_by_tag: Mapping[str, SupportRate]
    held_out: int | None
    log_loss: float | None
    base_log_loss: float | None


@dataclass(frozen=True)
class VersionUse:
    """A dataset that holds some of the records, and the adapters that learned from it."""

    id: str
    created_at: datetime
    shared: int
    records: int  # that it holds in all
    by_tag: Mapping[str, int]
    adapters: Sequence[AdapterResult]


@dataclass(frozen=True)
class TagUse:
    """The records with a tag or one below it: how many versions hold some, and the adapters of these."""

    tag: str
    versions: int
    adapters: Sequence[str]


@dataclass(frozen=True)
class Reuse:
    """`versions` are the newest first, the dataset itself among them; `tags` are by their name."""

    id: str
    versions: list[VersionUse] = field(default_factory=list)
    tags: list[TagUse] = field(default_factory=list)

    @property
    def results(self) -> dict[str, AdapterResult]:
        return {result.name: result for version in self.versions for result in version.adapters}

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def find_reuse(scope: Scope, dataset_id: str) -> Reuse:
    """What came of the records of a dataset. Raises NotFound, and DatasetMissing where its index is gone."""
    with read(scope.store_engine) as session:
        get_dataset(session, desk_id=scope.desk_id, dataset_id=dataset_id)
        rows = [
            row
            for row in select_datasets(session, desk_id=scope.desk_id)
            if row.erased_at is None or row.id == dataset_id
        ]
    members = read_members(dataset_dir(scope.data_dir, dataset_id))
    if members is None:
        raise DatasetMissing(dataset_dir(scope.data_dir, dataset_id))
    found: list[tuple[str, datetime, int, SharedRecords]] = []
    for row in sorted(rows, key=lambda row: row.id != dataset_id)[: VERSIONS + 1]:
        other = members if row.id == dataset_id else read_members(dataset_dir(scope.data_dir, row.id))
        shared = count_shared_records(members, other) if other else SharedRecords(0, {})
        if other is not None and shared.total:
            found.append((row.id, row.created_at, sum(other.counts.values()), shared))
    with read(scope.store_engine) as session:
        results = read_results(session, desk_id=scope.desk_id, dataset_ids=[id for id, *_ in found])
        tree = read_tag_tree(session, desk_id=scope.desk_id)
    versions = [
        VersionUse(id, at, shared.total, records, shared.by_tag, results.get(id, []))
        for id, at, records, shared in sorted(found, key=lambda use: use[1], reverse=True)
    ]
    return Reuse(dataset_id, versions, sum_up_tags(members, versions, tree))


def sum_up_tags(members: Members, versions: Sequence[VersionUse], tree: TagTree) -> list[TagUse]:
    tags = []
    for tag in sorted(tree.lift(members.splits.get("tag", {}))):
        strings = tree.expand([tag])
        holders = [version for version in versions if any(version.by_tag.get(each) for each in strings)]
        names = [result.name for version in holders for result in version.adapters]
        tags.append(TagUse(tag, len(holders), names))
    return tags


def read_results(
    session: Session, *, desk_id: str, dataset_ids: Sequence[str]
) -> dict[str, list[AdapterResult]]:
    """The adapters that learned from these datasets, by dataset, the newest first."""
    found: dict[str, list[AdapterResult]] = {}
    for adapter in list_adapters_on(session, desk_id=desk_id, dataset_ids=dataset_ids):
        found.setdefault(str(adapter.dataset_id), []).append(read_adapter_result(session, adapter))
    return found


def read_adapter_result(session: Session, adapter: Adapter) -> AdapterResult:
    account = read_account(session, adapter.name, desk_id=adapter.desk_id)
    cells = account.fit.value["fitted"]["breakdown"].get("tags", {}) if account.fit else {}
    report: Mapping[str, Any] = adapter.report or {}
    return AdapterResult(
        name=adapter.name,
        state=adapter.state,
        support=read_rate(account.support.tally.to_json()),
        support_by_tag={tag: read_rate(cell) for tag, cell in cells.items()},
        held_out=report.get("n"),
        log_loss=(report.get("adapter") or {}).get("log_loss"),
        base_log_loss=(report.get("base") or {}).get("log_loss"),
    )


def read_rate(tally: Mapping[str, Any]) -> SupportRate:
    return SupportRate(tally["rate"], tally["low"], tally["high"], tally["counted"])
