"""The pages about campaigns: all of them with their progress and a form for a new one, and each by itself.
What people decide there goes through the HTTP API.
"""

from datetime import timedelta

from flask import Blueprint, render_template, request
from flask_babel import lazy_gettext as _

from feedback.api.campaigns import show_campaign
from feedback.campaigns.changes import CAMPAIGN_KIND, MOST_PICKS
from feedback.console.tag_choice import asked_tag
from feedback.labelling.fill import is_fillable
from feedback.labelling.selection import list_weak_tags
from feedback.store.campaigns import NOTHING, QUESTION, TWO_ANSWERS, get_campaign, list_campaigns
from feedback.store.definition_changes import list_definition_changes
from feedback.store.engine import read
from feedback.store.overview import list_languages
from feedback.store.tag_counts import count_tags_of
from feedback.store.tags import read_tag_tree
from feedback.store.tasks import get_task, list_tasks
from feedback.web.auth import allow, current_actor
from feedback.web.services import services

bp = Blueprint("console_campaigns", __name__, url_prefix="/console/campaigns")

ASKS = {
    NOTHING: _("nothing"),
    QUESTION: _("a question after the conversation, which they may skip"),
    TWO_ANSWERS: _("two answers to choose from, where an agent sends both"),
}
USUAL_TARGET, USUAL_DAYS = 100, 30


@bp.get("")
@allow("expert")
def show_campaigns() -> str:
    """All campaigns, newest first, and a form that the address may fill in: `tag`, `target`."""
    desk_id, now = current_actor().desk_id, services().clock.now()
    with read(services().store_engine) as store:
        tree = read_tag_tree(store, desk_id=desk_id)
        rows = list_campaigns(store, desk_id=desk_id)
        shown = [show_campaign(store, row, tree, now) for row in rows]
        tags = sorted(count_tags_of(store, desk_id=desk_id, tree=tree))
        spoken = list_languages(store, desk_id=desk_id)
        weak = list_weak_tags(store, desk_id=desk_id)
        tasks = list_tasks(store, desk_id=desk_id)
    asked = asked_tag()
    return render_template(
        "console/campaigns.html",
        campaigns=shown,
        tags=tags if asked is None or asked in tags else [asked, *tags],
        asked=asked,
        spoken=spoken,
        weak=weak,
        asks=ASKS,
        tasks=[task for task in tasks if is_fillable(task)],
        target=min(MOST_PICKS, max(1, request.args.get("target", USUAL_TARGET, type=int))),
        ends_at=now + timedelta(days=USUAL_DAYS),
    )


@bp.get("/<campaign_id>")
@allow("expert")
def show_campaign_page(campaign_id: str) -> str:
    """One campaign: how far it is, what it collects, and who changed it."""
    desk_id, now = current_actor().desk_id, services().clock.now()
    with read(services().store_engine) as store:
        row = get_campaign(store, desk_id=desk_id, campaign_id=campaign_id)
        shown = show_campaign(store, row, read_tag_tree(store, desk_id=desk_id), now)
        task = row.task_id and get_task(store, desk_id=desk_id, task_id=row.task_id)
        changes = list_definition_changes(store, desk_id=desk_id, kind=CAMPAIGN_KIND, key=row.id)
    return render_template(
        "console/campaign.html",
        campaign=shown,
        task=task,
        asks=ASKS,
        changes=changes,
        may_resume=row.ends_at > now,
    )
