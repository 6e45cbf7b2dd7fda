"""The pages of duels: the list with a form to start one, and the page of one duel in each of its states.

The page of an open duel reveals nothing about its contenders, and leads to the page where its rounds are
labelled.
"""

from flask import Blueprint, render_template
from flask_babel import gettext
from flask_babel import lazy_gettext as _

from feedback.console.charts import draw_interval
from feedback.console.tag_choice import list_tag_paths
from feedback.duels.read import DuelView, read_duel, read_duels
from feedback.duels.replies import read_sides
from feedback.duels.start import MAX_ROUNDS
from feedback.records.redact import open_redactor
from feedback.store import adapters, duels, users
from feedback.store.engine import read
from feedback.store.rebases import NEW_TUNED
from feedback.store.tables import Duel
from feedback.web.auth import allow, current_actor
from feedback.web.services import services

bp = Blueprint("console_duels", __name__, url_prefix="/console/duels")

SHOWN_AT_ONCE = 50
USUAL_ROUNDS = 50
# Why a duel failed, what it waits for, and why a round of it does not count.
WHY = {
    "engine_unreachable": _("the model server does not answer; it is asked again until it does"),
    "other_base": _("a contender was trained on another base than the one that serves"),
    "adapter_files_missing": _("the files of a contender are gone"),
    "adapter_not_loadable": _("the model server cannot load a contender"),
    "no_round": _("no prompt gave two usable replies"),
    "thoughts": _("a reply held thoughts and nothing else, twice"),
    "empty": _("a reply was empty, twice"),
    "cut_off": _("a reply was cut off, twice"),
    "prompt_too_long": _("the prompt is longer than the model's window"),
    "engine_timeout": _("the model server took too long, twice"),
    "engine_refused": _("the model server refused the request, twice"),
    "trained_on_it": _("a contender may have been trained on the verdict"),
}


def why_words(code: str) -> str:
    return str(WHY.get(code, code))


@bp.get("")
@allow("expert")
def list_duels() -> str:
    actor = current_actor()
    with read(services().store_engine) as store:
        views = read_duels(store, desk_id=actor.desk_id, judge=actor.agent_name(), limit=SHOWN_AT_ONCE)
        found = adapters.select_adapters(store, desk_id=actor.desk_id)
        tags = list_tag_paths(store, desk_id=actor.desk_id)
    return render_template(
        "console/duels.html", views=views, adapters=found, tags=tags, usual=USUAL_ROUNDS, most=MAX_ROUNDS
    )


@bp.get("/<duel_id>")
@allow("expert")
def show_duel(duel_id: str) -> str:
    """The page of a duel; there is one for each state: being generated, failed, open or closed."""
    view = find_view(duel_id)
    if view.duel.state == duels.OPEN:
        return render_template("console/duel_open.html", view=view)
    return render_template("console/duel.html", view=view, **describe_result(view))


@bp.get("/<duel_id>/live")
@allow("expert")
def show_duel_progress(duel_id: str) -> str:
    """The part of the page that is refreshed while the replies are generated."""
    return render_template("console/duel_live.html", view=find_view(duel_id), why_words=why_words)


def find_view(duel_id: str) -> DuelView:
    actor = current_actor()
    with read(services().store_engine) as store:
        return read_duel(store, desk_id=actor.desk_id, duel_id=duel_id, judge=actor.agent_name())


def name_contenders(duel: Duel) -> tuple[str, str]:
    """Whose rate is measured, and whom it meets; the sides of a rebase have two bases."""
    if duel.arm is None:
        return duel.adapter, duel.rival or gettext("the base")
    new = gettext("the new base alone")
    if duel.arm == NEW_TUNED:
        new = gettext("%(adapter)s on the new base", adapter=duel.adapter)
    return new, duel.rival or gettext("the old base")


def describe_result(view: DuelView) -> dict[str, object]:
    """The values that the template needs besides the view; `told` has the figures of a closed duel."""
    result = view.result
    redactor = open_redactor(services().settings.data_dir)
    with read(services().store_engine) as store:
        people = users.list_users(store, desk_id=current_actor().desk_id)
        sides = read_sides(store, view.duel, redactor)
    told = result.to_json() if result is not None else None
    drawn = draw_interval(told["rate"], told["low"], told["high"]) if told and told["counted"] else None
    return {
        "result": result,
        "told": told,
        "sides": sides,
        "contenders": name_contenders(view.duel),
        "drawn": drawn,
        "names": {person.id: person.name for person in people},
        "why_words": why_words,
    }
