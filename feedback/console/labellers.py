"""The page of labellers: how much each has labelled, how often they are right, how long they take; pause one,
leave out what one said, and undo both.
"""

from flask import Blueprint, render_template
from flask_babel import gettext
from flask_babel import lazy_gettext as _

from feedback.console.label_words import PAGE_WORDS
from feedback.labelling.labeller_figures import read_labellers
from feedback.labelling.labellers import PAUSE, RESUME
from feedback.store.definition_changes import list_definition_changes
from feedback.store.engine import read
from feedback.store.exclusions import CHANGED, EXCLUDE, INCLUDE
from feedback.store.tables import Reliability
from feedback.store.users import name_agents
from feedback.web.auth import allow, current_actor
from feedback.web.services import services

bp = Blueprint("console_labellers", __name__, url_prefix="/console/labellers")

SHOWN_CHANGES = 30
DID = {
    PAUSE: _("paused"),
    RESUME: _("resumed"),
    EXCLUDE: _("labels left out"),
    INCLUDE: _("labels taken in again"),
}


@bp.get("")
@allow("expert")
def show_labellers() -> str:
    """Everybody who has labelled, by name and kind of task."""
    desk_id = current_actor().desk_id
    with read(services().store_engine) as store:
        figures = read_labellers(store, desk_id=desk_id)
        changes = list_definition_changes(store, desk_id=desk_id, kind=CHANGED, limit=SHOWN_CHANGES)
        names = name_agents(store, desk_id=desk_id, agents={change.key for change in changes})
    return render_template(
        "console/labellers.html",
        labellers=figures,
        changes=changes,
        names=names,
        did=DID,
        pause_words=pause_words,
        words=PAGE_WORDS,
    )


def pause_words(row: Reliability) -> str:
    """Why somebody is paused: by a person, or by what known answers say."""
    if row.paused_by is None:
        return str(gettext("By what known answers say."))
    return str(gettext("By %(person)s: %(reason)s", person=row.paused_by, reason=row.pause_reason or ""))
