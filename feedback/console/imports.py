"""The pages of imports: the list with a form that sends files, and the page of one import in each of its
states. Files are sent, started, cancelled and undone through the HTTP API.
"""

import json
from typing import Any

from flask import Blueprint, render_template
from flask_babel import gettext
from flask_babel import lazy_gettext as _

from feedback.formats.report import NOTES
from feedback.imports.uploads import read_look, upload_file
from feedback.store import uploads
from feedback.store.engine import read
from feedback.store.import_tallies import name_sources_of
from feedback.store.imports import DONE, INTERRUPTED, RUNNING, find_added, name_state, select_imports
from feedback.store.sources import list_sources
from feedback.store.tables import Import
from feedback.web.auth import allow, current_actor
from feedback.web.refusals import find_sentence
from feedback.web.services import services

bp = Blueprint("console_imports", __name__, url_prefix="/console/imports")

SHOWN_AT_ONCE = 50
ENCODINGS = ("utf-8", "gb18030", "windows-1252", "utf-16")
MOVING = (uploads.RECEIVING, uploads.RECEIVED, uploads.WAITING, RUNNING, uploads.CANCELLING)
# Why an import failed, and what to do.
WHY = {
    "nothing_recognised": _(
        "What the file holds is in none of the known forms. If it is a CSV file, send it again and say which "
        "column is what; if its letters are unreadable, choose its encoding."
    ),
    "columns_missing": _(
        "A column that was named is not in the file. Send it again with a name of the list below."
    ),
    "upload_gone": _("The file is not here any more. Send it again."),
    "import_failed": _("Something went wrong on our side. Try again; the log says more."),
}


@bp.get("")
@allow("expert")
def list_imports() -> str:
    """What was brought in, newest first, and a form to send files."""
    desk_id = current_actor().desk_id
    found = services()
    with read(found.store_engine) as store:
        rows = select_imports(store, desk_id=desk_id, limit=SHOWN_AT_ONCE)
        sources = list_sources(store, desk_id=desk_id)
        brought = name_sources_of(store, desk_id=desk_id, import_ids=[row.id for row in rows])
    now = found.clock.now()
    return render_template(
        "console/imports.html",
        rows=[(row, name_state(row, now=now)) for row in rows],
        brought=brought,
        sources=[source.name for source in sources if source.kind != "own"],
        encodings=ENCODINGS,
        largest=found.settings.max_upload_bytes,
        show_size=show_size,
    )


@bp.get("/<import_id>")
@allow("expert")
def show_import(import_id: str) -> str:
    """The page of one import: what a look showed, how far it is, or what it came to."""
    return render_template("console/import.html", **gather_import(import_id))


@bp.get("/<import_id>/live")
@allow("expert")
def show_import_progress(import_id: str) -> str:
    """The part of the page that is refreshed while a file is looked at or imported."""
    return render_template("console/import_live.html", **gather_import(import_id))


def gather_import(import_id: str) -> dict[str, Any]:
    """The values that the templates need."""
    found = services()
    with read(found.store_engine) as store:
        row = uploads.get_import(store, desk_id=current_actor().desk_id, import_id=import_id)
        has_added = row.state == uploads.FAILED and not find_added(store, row=row).is_empty
    if row.state in (uploads.RECEIVED, uploads.WAITING):
        found.imports.enqueue(row.id)  # another process may have left it
    state = name_state(row, now=found.clock.now())
    look = read_look(found.settings.data_dir, row.id)
    return {
        "row": row,
        "state": state,
        "is_moving": state in MOVING,
        "may_cancel": state in MOVING and state != uploads.CANCELLING and row.actor is not None,
        "may_repeat": uploads.may_repeat(row, now=found.clock.now()) and is_upload_kept(row),
        "may_undo": state in (DONE, INTERRUPTED) or has_added,
        "told": row.counts or look,
        "shown": [write_record(record) for record in look.get("shown", [])],
        "is_whole": look.get("is_whole", True),
        "fields": look.get("fields", []),
        "why": WHY.get(row.error or "") or find_sentence(row.error or ""),
        "notes": NOTES,
        "lines_of": {one["reason"]: one for one in reversed((row.counts or look).get("examples", []))},
        "show_size": show_size,
    }


def is_upload_kept(row: Import) -> bool:
    """Whether the uploaded file is still there."""
    return upload_file(services().settings.data_dir, row.id, row.file).is_file()


def write_record(shown: dict[str, Any]) -> dict[str, Any]:
    return shown | {"text": json.dumps(shown["record"], indent=2, ensure_ascii=False)}


def show_size(size: int) -> str:
    """A size for people: 12 kB, 3.4 MB."""
    if size < 1_000:
        return str(gettext("%(count)s bytes", count=size))
    for unit, scale in (("kB", 1e3), ("MB", 1e6), ("GB", 1e9)):
        if size < scale * 1_000 or unit == "GB":
            return f"{size / scale:.3g} {unit}"
    raise AssertionError("the largest unit has no end")
