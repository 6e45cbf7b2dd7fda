"""What the pages of datasets show beside the rows: counts by language and tag in each split, what came of the
records, and what changed from one version to another.
"""

from collections.abc import Mapping
from pathlib import Path

from flask import Blueprint, render_template, request
from flask_babel import lazy_gettext as _

from feedback.console.labels import refusal_words
from feedback.console.reports import describe_selection
from feedback.datasets.errors import DatasetMissing
from feedback.datasets.layout import SPLITS, dataset_dir
from feedback.datasets.members import SplitCounts, read_members
from feedback.datasets.movements import diff_datasets
from feedback.lineage.graph import Scope
from feedback.lineage.reuse import Reuse, find_reuse
from feedback.store.datasets import find_dataset_before, get_dataset, select_datasets
from feedback.store.engine import read
from feedback.store.tables import Dataset
from feedback.store.tags import read_tag_tree
from feedback.web.auth import allow, current_actor
from feedback.web.services import services

bp = Blueprint("console_datasets", __name__, url_prefix="/console/datasets")

SHOWN_VERSIONS = 50  # that a version may be compared with
# Why a record came into a version or left it, where no refusal says it.
WHY = {
    "new": _("new since then"),
    "not_selected": _("another selection"),
    "gone": _("its import was undone"),
    "by_rule": _("a rule of the build, such as that of copies and twins"),
}


def read_splits(data_dir: Path, dataset: Dataset) -> Mapping[str, SplitCounts]:
    """The records by language and tag in each split; nothing where the files are gone."""
    members = None if dataset.erased_at else read_members(dataset_dir(data_dir, dataset.id))
    return members.splits if members else {}


def read_reuse(scope: Scope, dataset: Dataset) -> Reuse | None:
    """What came of the records; None where the files are gone."""
    try:
        return None if dataset.erased_at else find_reuse(scope, dataset.id)
    except DatasetMissing:
        return None


@bp.get("/<dataset_id>/changes")
@allow("expert")
def show_changes(dataset_id: str) -> str:
    """What changed to this version from another, `since`, or else from the one before it."""
    found, desk_id = services(), current_actor().desk_id
    with read(found.store_engine) as store:
        dataset = get_dataset(store, desk_id=desk_id, dataset_id=dataset_id)
        others = [
            row
            for row in select_datasets(store, desk_id=desk_id, limit=SHOWN_VERSIONS)
            if row.id != dataset_id and not row.erased_at
        ]
        tag_ids = read_tag_tree(store, desk_id=desk_id).meanings
        since = request.args.get("since") or ""
        before = (
            get_dataset(store, desk_id=desk_id, dataset_id=since)
            if since
            else find_dataset_before(store, dataset=dataset)
        )
    difference, ids = None, {"old": before.id, "new": dataset_id} if before else None
    if ids:
        try:
            difference = diff_datasets(
                found.store_engine, data_dir=found.settings.data_dir, desk_id=desk_id, **ids
            )
        except DatasetMissing:  # erased or lost: the page says so
            pass
    return render_template(
        "console/dataset_changes.html",
        dataset=dataset,
        before=before,
        others=others,
        difference=difference,
        tag_ids=tag_ids,
        splits=SPLITS,
        moved_words=moved_words,
        describe_selection=describe_selection,
    )


def moved_words(code: str) -> str:
    return str(WHY[code]) if code in WHY else refusal_words(code)
