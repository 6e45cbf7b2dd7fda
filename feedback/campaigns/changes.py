"""Starting a campaign, ending it, and letting it go on again. No commit; every change is kept in `change`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session

from feedback.campaigns.errors import CampaignEndPast, CampaignOfNothing, CampaignOver, NoWeakTags
from feedback.labelling.asking import CUSTOMERS
from feedback.labelling.drafting import draft_task
from feedback.labelling.fill import get_fillable_task
from feedback.labelling.selection import list_weak_tags
from feedback.records.from_label import RATE
from feedback.store import tasks
from feedback.store.campaigns import ENDED, NOTHING, OPEN, QUESTION, get_campaign
from feedback.store.definition_changes import add_definition_change
from feedback.store.engine import save_row
from feedback.store.tables import Campaign
from feedback.store.tags import read_tag_tree

MOST_PICKS = 100_000  # of a target
CAMPAIGN_KIND = "campaign"  # of the rows of `change`


def start_campaign(
    session: Session,
    *,
    desk_id: str,
    name: str,
    tags: Sequence[str],
    languages: Sequence[str],
    weak: bool,
    target: int,
    ends_at: datetime,
    actor: str,
    now: datetime,
    asks: str = NOTHING,
    task_id: str | None = None,
) -> Campaign:
    """Starts a campaign. `weak` adds the tags that are weak by now; later ones are not of it. Raises
    CampaignEndPast, CampaignOfNothing, NoWeakTags, and what keeps its task from being filled.
    """
    if ends_at <= now:
        raise CampaignEndPast(ends_at, now)
    if task_id is not None:
        get_fillable_task(session, desk_id=desk_id, task_id=task_id)
    row = Campaign(
        desk_id=desk_id,
        name=name,
        tags=list_wanted_tags(session, desk_id=desk_id, tags=tags, weak=weak),
        languages=list(dict.fromkeys(languages)),
        target=target,
        ends_at=ends_at,
        asks=asks,
        task_id=task_id,
        created_by=actor,
        created_at=now,
    )
    if not row.tags and not row.languages:
        raise CampaignOfNothing
    if asks == QUESTION:
        row.question_task_id = open_question_task(session, row, now=now)
    save_row(session, row)
    keep_campaign_change(session, row, "start", actor=actor, reason="", now=now)
    return row


def open_question_task(session: Session, row: Campaign, *, now: datetime) -> str:
    """A task of customers' ratings that is open for what belongs to the campaign alone; its id."""
    rules = {"tier": CUSTOMERS, "overlap_min": 1, "overlap_max": 1, "confidence": 0.0, "gold_share": 0.0}
    told: dict[str, Any] = {"name": row.name, "text": "", "tags": [], "created_by": row.created_by, **rules}
    task = draft_task(session, desk_id=row.desk_id, kind=RATE, now=now, **told)
    change_question_task(session, task.id, tasks.OPEN, desk_id=row.desk_id, actor=row.created_by, now=now)
    return task.id


def change_question_task(
    session: Session, task_id: str | None, state: str, *, desk_id: str, actor: str, now: datetime
) -> None:
    """Opens or pauses a campaign's own task; one that somebody closed stays closed."""
    if task_id is None or tasks.get_task(session, desk_id=desk_id, task_id=task_id).state == tasks.CLOSED:
        return
    told: dict[str, Any] = {"task_id": task_id, "state": state, "actor": actor, "reason": "", "now": now}
    tasks.change_task_state(session, desk_id=desk_id, **told)


def list_wanted_tags(session: Session, *, desk_id: str, tags: Sequence[str], weak: bool) -> list[str]:
    """The paths of these tags, with the weak ones of now on request. Raises NoWeakTags."""
    tree = read_tag_tree(session, desk_id=desk_id)
    found = dict.fromkeys(map(tree.resolve, tags))
    if weak:
        poor = list_weak_tags(session, desk_id=desk_id)
        if not poor:
            raise NoWeakTags
        found |= dict.fromkeys(poor)
    return list(found)


def end_campaign(
    session: Session, *, desk_id: str, campaign_id: str, actor: str, reason: str, now: datetime
) -> Campaign:
    """Ends a campaign; one that is ended stays as it is."""
    row = get_campaign(session, desk_id=desk_id, campaign_id=campaign_id, lock=True)
    if row.state == OPEN:
        row.state, row.ended_at, row.ended_by = ENDED, min(now, row.ends_at), actor
        save_row(session, row)
        change_question_task(
            session, row.question_task_id, tasks.PAUSED, desk_id=desk_id, actor=actor, now=now
        )
        keep_campaign_change(session, row, "end", actor=actor, reason=reason, now=now)
    return row


def resume_campaign(
    session: Session, *, desk_id: str, campaign_id: str, actor: str, now: datetime
) -> Campaign:
    """Takes the ending of a campaign back, while its end has not come. Raises CampaignOver."""
    row = get_campaign(session, desk_id=desk_id, campaign_id=campaign_id, lock=True)
    if row.ends_at <= now:
        raise CampaignOver(campaign_id, row.ends_at)
    if row.state == ENDED:
        row.state, row.ended_at, row.ended_by = OPEN, None, None
        save_row(session, row)
        change_question_task(session, row.question_task_id, tasks.OPEN, desk_id=desk_id, actor=actor, now=now)
        keep_campaign_change(session, row, "resume", actor=actor, reason="", now=now)
    return row


def keep_campaign_change(
    session: Session, row: Campaign, did: str, *, actor: str, reason: str, now: datetime
) -> None:
    add_definition_change(
        session,
        desk_id=row.desk_id,
        kind=CAMPAIGN_KIND,
        key=row.id,
        what={"did": did, "named": row.name},
        actor=actor,
        reason=reason,
        now=now,
    )
