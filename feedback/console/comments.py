"""The page of the comments that people gave with their thumbs and judgements."""

from collections import Counter

from flask import Blueprint, render_template
from flask_babel import lazy_gettext as _

from feedback.store.engine import read
from feedback.store.feedback_comments import list_feedback_comments
from feedback.web.auth import allow, current_actor
from feedback.web.services import services

bp = Blueprint("console_comments", __name__, url_prefix="/console/comments")

SHOWN_AT_ONCE = 200
# The reasons that our own pages offer; an app's are shown as they are.
REASONS = {
    "wrong": _("wrong"),
    "not_asked": _("not what was asked"),
    "too_long": _("too long"),
    "other": _("something else"),
    "facts_wrong": _("facts wrong"),
    "not_answered": _("did not answer"),
    "tone": _("tone"),
    "unsafe": _("unsafe"),
}


@bp.get("")
@allow("expert")
def show_comments() -> str:
    """Reasons and comments of thumbs and judgements, newest first, and how often each reason was given."""
    with read(services().store_engine) as store:
        comments = list_feedback_comments(store, desk_id=current_actor().desk_id, limit=SHOWN_AT_ONCE)
    counts = Counter(reason for comment in comments for reason in comment.reasons)
    return render_template(
        "console/comments.html", comments=comments, counts=counts, limit=SHOWN_AT_ONCE, reasons=REASONS
    )
