"""The page of what is there of each tag and source, what came of it, and what to collect next."""

from flask import Blueprint, render_template

from feedback.collection.gather import gather_collection
from feedback.collection.next import NextStep, count_missing, find_next
from feedback.collection.words import SENTENCES
from feedback.console.labels import fill_in
from feedback.store.campaigns import list_scenarios
from feedback.store.engine import read
from feedback.web.auth import allow, current_actor
from feedback.web.services import services

bp = Blueprint("console_collection", __name__, url_prefix="/console/collection")


@bp.get("")
@allow("expert")
def show_collection() -> str:
    """What is there of each tag and source, what came of it, and what to collect next."""
    found, desk_id = services(), current_actor().desk_id
    collection = gather_collection(found.store_engine, data_dir=found.settings.data_dir, desk_id=desk_id)
    step = find_next(collection.tags, collection.adapter)
    with read(found.store_engine) as store:
        scenarios = list_scenarios(store, desk_id=desk_id, now=found.clock.now())
    return render_template(
        "console/collection.html",
        collection=collection,
        said=next_words(step),
        wanted=step.values,
        running=[each.campaign for each in scenarios if step.values.get("tag") in each.strings],
        count_missing=count_missing,
    )


def next_words(step: NextStep) -> str:
    return fill_in(SENTENCES[step.code], step.values)
