"""The workbench page, and the home address, which redirects each person to the page for their role."""

from flask import Blueprint, redirect, render_template, url_for
from werkzeug.wrappers import Response

from feedback.actor import LABELLER
from feedback.api.schemas import MAX_TEXT
from feedback.store.campaigns import TWO_ANSWERS, list_scenarios
from feedback.store.engine import read
from feedback.web.auth import allow, current_actor, find_actor
from feedback.web.services import services

bp = Blueprint("workbench", __name__)


@bp.get("/")
def home() -> Response:
    """Redirects labellers to the page Label, agents to the workbench, experts and admins to the console,
    others to sign-in.
    """
    actor = find_actor()
    if actor is None:
        return redirect(url_for("sign_in.show"))
    if actor.role in ("expert", "admin"):
        return redirect(url_for("console.today"))
    if actor.role == LABELLER:
        return redirect(url_for("label.list_offered_tasks"))
    return redirect(url_for("workbench.desk"))


@bp.get("/workbench")
@allow("agent")
def desk() -> str:
    """The workbench page: queue, conversation, cards and composer."""
    found, settings = services(), services().settings
    with read(found.store_engine) as store:
        campaigns = list_scenarios(store, desk_id=current_actor().desk_id, now=found.clock.now())
    return render_template(
        "workbench/desk.html",
        cards=settings.candidates,
        undo_seconds=settings.undo_window_s,
        max_text=MAX_TEXT,
        two_answers=settings.two_answers or any(each.asks(TWO_ANSWERS) for each in campaigns),
    )
