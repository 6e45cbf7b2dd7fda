"""The page of what the last dataset build found out about copies, twins and contradictions. It computes
nothing: a build keeps its findings beside the dataset's manifest.
"""

from flask import Blueprint, render_template
from flask_babel import lazy_gettext as _

from feedback.console.lineage import address_of
from feedback.console.reports import describe_selection
from feedback.datasets.duplicates_report import ContradictionSide, find_last_report
from feedback.helper.similar import OTHER, SAME, UNSURE, list_marks
from feedback.lineage.graph import Ref
from feedback.store.datasets import select_datasets
from feedback.store.engine import read
from feedback.web.auth import allow, current_actor
from feedback.web.services import services

bp = Blueprint("console_duplicates", __name__, url_prefix="/console/duplicates")

SHOWN_AT_ONCE = 50  # contradictions, and pairs that the helper was asked about
MARKS = {SAME: _("ask the same"), OTHER: _("ask something else"), UNSURE: _("unsure")}


@bp.get("")
@allow("expert")
def show_duplicates() -> str:
    """Copies by pair of sources, twins left out, and contradictions, as the last dataset build found them."""
    found, desk_id = services(), current_actor().desk_id
    last = find_last_report(found.store_engine, desk_id=desk_id, data_dir=found.settings.data_dir)
    with read(found.store_engine) as store:
        has_datasets = bool(select_datasets(store, desk_id=desk_id, limit=1))
        marks = list_marks(store, desk_id=desk_id, limit=SHOWN_AT_ONCE)
    dataset, report = last or (None, None)
    return render_template(
        "console/duplicates.html",
        dataset=dataset,
        report=report,
        has_datasets=has_datasets,
        limit=SHOWN_AT_ONCE,
        marks=marks,
        mark_words=MARKS,
        address_of=address_of,
        link_records=link_records,
        describe_selection=describe_selection,
    )


def link_records(side: ContradictionSide) -> list[tuple[str, str]]:
    """The records of a side that are named, each with the address of its lineage."""
    return [(record.name, address_of(Ref(record.form, record.name))) for record in side.records]
