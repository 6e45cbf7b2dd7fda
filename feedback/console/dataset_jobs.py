"""What pages show of builds and checks of datasets: the form of a build, how far one is, what a check found.
They are asked for and cancelled through the HTTP API.
"""

from typing import Any, NamedTuple

from flask import Blueprint, render_template, request
from flask_babel import lazy_gettext as _
from sqlmodel import Session

from feedback.augment.names import BY_HELPER
from feedback.console.reports import describe_selection
from feedback.console.tag_choice import list_tag_paths
from feedback.datasets.difficulty import QUARTERS, is_difficulty_known
from feedback.store import dataset_jobs
from feedback.store.datasets import get_dataset
from feedback.store.engine import read
from feedback.store.record_facts import list_languages_of_records
from feedback.store.sources import list_sources, read_left_out
from feedback.store.tables import DatasetJob
from feedback.web.auth import allow, current_actor
from feedback.web.languages import show_language, translate_known
from feedback.web.refusals import find_sentence
from feedback.web.services import services

bp = Blueprint("console_dataset_jobs", __name__, url_prefix="/console/dataset-jobs")

SHOWN_AT_ONCE = 5  # builds on the list of datasets
# Why a build or a check failed, where no refusal says it.
WHY = {
    "dataset_files_gone": _("Its files are gone or cannot be read, so nothing can be said of them."),
    "dataset_job_failed": _("Something went wrong on our side. Try again; the log says more."),
}
STEPS = {
    "reading": _("Records are read and compared"),
    "writing choices": _("Choices are written"),
    "writing pairs": _("Pairs are written"),
}
FAULTS = {
    "file_changed": _("files with other content than the manifest says"),
    "wrong_id": _("names that are not the hash of the files"),
    "two_splits": _("conversations in two splits"),
    "leak": _("records with a near-duplicate in a split held out from theirs"),
}
ENDS = {1: _("1, the easiest for the base"), 4: _("4, the hardest")}
OPERATIONS = {
    "synonym": _("Synonyms: one to three words are swapped"),
    "order": _("Order: sentences or clauses change their places"),
    "back_translate": _("Translated and back"),
    "paraphrase": _("In other words"),
    "question": _("Another message that the reply answers"),
}
LEFT_OUT = {
    "source_paused": _("paused"),
    "source_withdrawn": _("withdrawn"),
    "source_grade": _("grade D, taken where it is chosen"),
}


NOT_MEASURED = _("not measured, texts of the helper")


class Choice(NamedTuple):
    """A box of the form: what it stands for, its words, and a mark beside them."""

    value: str | int
    words: object
    mark: object = None


def gather_form(store: Session, *, desk_id: str) -> dict[str, Any]:
    """What a build may be selected by, and with `again` in the address what an earlier one was."""
    again = request.args.get("again", "").replace("\0", "")
    row = dataset_jobs.get_job(store, desk_id=desk_id, job_id=again) if again else None
    left_out = read_left_out(store, desk_id=desk_id)
    sources = [row.name for row in list_sources(store, desk_id=desk_id)]
    spoken = list_languages_of_records(store, desk_id=desk_id)
    quarters = QUARTERS if is_difficulty_known(services().settings.data_dir) else ()
    return {
        "sources": [Choice(name, name, LEFT_OUT.get(left_out.get(name, ""))) for name in sources],
        "languages": [Choice(code, show_language(code)) for code in spoken],
        "tags": [Choice(path, path) for path in list_tag_paths(store, desk_id=desk_id)],
        "quarters": [Choice(quarter, ENDS.get(quarter, quarter)) for quarter in quarters],
        "operations": [
            Choice(name, words, NOT_MEASURED if name in BY_HELPER else None)
            for name, words in OPERATIONS.items()
        ],
        "given": (row.selection | {"note": row.note}) if row else {},
    }


def list_builds(store: Session, *, desk_id: str) -> list[tuple[DatasetJob, str]]:
    """The newest builds, each with its state."""
    rows = dataset_jobs.select_builds(store, desk_id=desk_id, limit=SHOWN_AT_ONCE)
    return [(row, dataset_jobs.name_job_state(row, services().datasets.holder)) for row in rows]


@bp.get("/<job_id>")
@allow("expert")
def show_job(job_id: str) -> str:
    """The page of one build: how far it is, or what it came to and what the check of it found."""
    return render_template("console/dataset_job.html", **gather_job(job_id))


@bp.get("/<job_id>/live")
@allow("expert")
def show_progress(job_id: str) -> str:
    """The part of a build's page that is refreshed while it goes on."""
    return render_template("console/dataset_job_live.html", **gather_job(job_id))


@bp.get("/<job_id>/check/live")
@allow("expert")
def show_check(job_id: str) -> str:
    """What the check of a build, or this check, found, refreshed while it goes on."""
    return render_template("console/dataset_check.html", **gather_job(job_id))


def gather_job(job_id: str) -> dict[str, Any]:
    """The values that the templates need."""
    found, desk_id = services(), current_actor().desk_id
    with read(found.store_engine) as store:
        row = dataset_jobs.get_job(store, desk_id=desk_id, job_id=job_id)
        dataset = get_dataset(store, desk_id=desk_id, dataset_id=row.dataset_id) if row.dataset_id else None
        check = gather_check(store, desk_id=desk_id, dataset_id=row.dataset_id) if row.dataset_id else {}
    if row.state == dataset_jobs.WAITING:
        found.datasets.enqueue(row.id)  # another process may have left it
    return check | {
        "row": row,
        "dataset": dataset,
        "state": dataset_jobs.name_job_state(row, found.datasets.holder),
        "moving": dataset_jobs.MOVING,
        "may_cancel": dataset_jobs.may_cancel(row, found.datasets.holder),
        "why": find_why(row),
        "steps": STEPS,
        "describe_selection": describe_selection,
    }


def gather_check(store: Session, *, desk_id: str, dataset_id: str) -> dict[str, Any]:
    """The newest check of a dataset, as the templates need it."""
    check = dataset_jobs.find_check(store, desk_id=desk_id, dataset_id=dataset_id)
    if check is None:
        return {"check": None}
    found = services().datasets
    if check.state == dataset_jobs.WAITING:
        found.enqueue(check.id)
    state = dataset_jobs.name_job_state(check, found.holder)
    is_moving = state in dataset_jobs.MOVING
    return {
        "check": check,
        "check_state": state,
        "is_checking": is_moving,
        "check_why": find_why(check),
        "fault_words": FAULTS,
    }


def find_why(row: DatasetJob) -> str:
    said = WHY.get(row.error or "")
    return str(said) if said else translate_known(find_sentence(row.error or ""))
