"""Says why a record came into a dataset or left it: another selection, a source that was paused or withdrawn,
something that was undone or erased, or a rule of the build.

The rows of today are compared with two datasets, so a reason is the one that holds now. No row tells of a
copy, a twin of a held-out prompt or a verdict of a duel: they are `by_rule`, and the counts of refusals tell
more. Writes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine

from feedback.augment.names import split_child
from feedback.datasets.diff import DatasetDifference, compare_datasets
from feedback.datasets.layout import dataset_dir
from feedback.datasets.members import ANY_SOURCE, Member
from feedback.datasets.selection import Selection
from feedback.records.derived import IMPORT
from feedback.records.from_judgement import DUEL, LABEL
from feedback.records.pairs import settle_import
from feedback.records.rejections import Refusal
from feedback.store.datasets import get_dataset
from feedback.store.engine import read
from feedback.store.own_records import read_shown_sources
from feedback.store.record_facts import find_by_identity
from feedback.store.records import TextFacts, find_text_facts
from feedback.store.sources import read_left_out
from feedback.store.tables import Dataset, Record

TEXT = "text"  # a form whose rows are messages
NEW, NOT_SELECTED, GONE, BY_RULE = "new", "not_selected", "gone", "by_rule"


def diff_datasets(
    store_engine: Engine, *, data_dir: Path, desk_id: str, old: str, new: str
) -> DatasetDifference:
    """What changed from one dataset of a desk to another. Raises NotFound and DatasetMissing."""
    with read(store_engine) as session:
        before, after = (get_dataset(session, desk_id=desk_id, dataset_id=id) for id in (old, new))
        left_out = read_left_out(session, desk_id=desk_id)
    came = Reasons(store_engine, before, before.created_at, {}, is_coming=True)
    shown = read_shown_sources(store_engine, desk_id=desk_id)
    left = Reasons(store_engine, after, after.created_at, left_out, is_coming=False, shown=shown)
    return compare_datasets(
        dataset_dir(data_dir, old), dataset_dir(data_dir, new), why_came=came.find, why_left=left.find
    )


@dataclass(frozen=True)
class Reasons:
    """Finds why `other` does not hold a record that another dataset holds."""

    store_engine: Engine
    other: Dataset
    built_at: datetime
    left_out: dict[str, str]  # the sources that no dataset takes today, each with the code of why
    is_coming: bool
    shown: Mapping[str, str] = field(default_factory=dict)  # by item, the source of the record that it shows

    def find(self, members: Sequence[Member]) -> list[str]:
        """A code for each of these records."""
        rows: dict[tuple[str, str, str], Record | TextFacts] = {}
        with read(self.store_engine) as session:
            for form in {member.form for member in members}:
                asked = {id for member in members if member.form == form for _, id in member.keys()}
                if form == TEXT:
                    found = find_text_facts(session, desk_id=self.other.desk_id, ids=asked)
                    rows |= {(form, *named): text for named, text in found.items()}
                    continue
                for row in find_by_identity(session, desk_id=self.other.desk_id, form=form, identities=asked):
                    rows[form, row.source, row.identity] = rows[form, ANY_SOURCE, row.identity] = row
            session.expunge_all()
        return [self._explain(member, rows) for member in members]

    def _explain(self, member: Member, rows: Mapping[tuple[str, str, str], Record | TextFacts]) -> str:
        row = next(
            (rows[key] for key in ((member.form, *named) for named in member.keys()) if key in rows), None
        )
        selection = Selection.from_json(self.other.selection)
        at = selection.since  # of a verdict in a duel the time is not known here
        if row is not None:
            at = row.at if row.origin_kind == IMPORT else row.created_at
        is_asked = not selection.sources or member.source in selection.sources
        if not is_asked or not selection.takes(list(member.tags), at, member.language):
            return NOT_SELECTED
        made = split_child(member.id) if row is None else None
        if made is not None:
            return BY_RULE if made[1] in selection.augment else NOT_SELECTED
        if self.is_coming:
            return NEW if row is not None and row.created_at >= self.built_at else BY_RULE
        source = self.shown.get(member.id, LABEL) if member.source == LABEL else member.source
        if source in self.left_out:
            return self.left_out[source]
        if row is None:
            return BY_RULE if member.source == DUEL else GONE
        if row.erased_at is not None:
            return "erased"
        if row.rejection is not None:
            return row.rejection
        if row.origin_kind == IMPORT and isinstance(row, Record):
            settled = settle_import(f"{member.form}s", dict(row.body))
            if isinstance(settled, Refusal):
                return settled.reason
        return BY_RULE
