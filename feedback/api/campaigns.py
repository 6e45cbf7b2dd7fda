"""Calls about campaigns: start one, end it, let it go on, and list them with their progress."""

from datetime import datetime
from typing import Annotated, Literal

from flask import Blueprint
from pydantic import Field, StringConstraints
from sqlmodel import Session

from feedback.api.routes import NoQuery, Read, Write, get, write
from feedback.api.schemas import Answer, Body, Id, Language, Name, Plain, TagPath, Time
from feedback.campaigns.changes import MOST_PICKS, end_campaign, resume_campaign, start_campaign
from feedback.campaigns.progress import read_progress
from feedback.store.campaigns import get_campaign, is_open, list_campaigns
from feedback.store.tables import Campaign
from feedback.store.tags import read_tag_tree
from feedback.tags.tree import TagTree

bp = Blueprint("campaigns", __name__)

EXPERTS = ("expert",)
Outlook = Literal["reached", "over", "unknown", "expected", "late"]


class NewCampaign(Body):
    name: Name = Field(description="Agents read it beside the conversations that belong to it.")
    tags: Annotated[list[TagPath], Field(max_length=100)] = Field(
        default_factory=list, description="These and those below them; any of them is enough."
    )
    languages: Annotated[list[Language], Field(max_length=20)] = Field(default_factory=list)
    weak: bool = Field(
        False,
        description="Also the tags in which what serves is supported in less than half of its picks now.",
    )
    target: Annotated[int, Field(ge=1, le=MOST_PICKS)] = Field(description="How many usable picks.")
    ends_at: Time
    asks: Literal["nothing", "question", "two_answers"] = Field(
        "nothing",
        description="What customers may get where it matches: a question after the conversation, which they "
        "may skip, or two answers to choose from, where an agent sends both.",
    )
    task_id: Id | None = Field(
        None, description="A task of labelling that it fills with what comes in, at most `target` items."
    )


class CampaignEnding(Body):
    reason: Annotated[str, StringConstraints(max_length=1_000)] = ""


class CampaignState(Answer):
    campaign_id: str
    state: Literal["open", "ended"]


class CampaignShown(Answer):
    campaign_id: str
    name: str
    state: Literal["open", "ended"] = Field(description="ended: by a person, or because its end has come.")
    tags: list[str]
    languages: list[str]
    target: int
    usable: int = Field(description="Picks of suggested replies since its start that are learnt from.")
    rate: float = Field(description="Usable picks a day.")
    outlook: Outlook = Field(
        description="expected: the target is reached before the end at this rate; late: only after it; "
        "unknown: no pick yet; over: it ended before its target was reached."
    )
    expected_at: datetime | None = Field(description="When, at this rate. Null unless expected or late.")
    ends_at: datetime
    asks: Literal["nothing", "question", "two_answers"]
    question_task_id: str | None = Field(description="Whose ratings are those of its question.")
    task_id: str | None = Field(description="That it fills.")
    created_by: str
    created_at: datetime
    ended_at: datetime | None
    ended_by: str | None


class Campaigns(Answer):
    campaigns: list[CampaignShown] = Field(description="Newest first.")


@get(bp, "/v1/campaigns", roles=EXPERTS, answer=Campaigns)
def list_all_campaigns(call: Read[NoQuery]) -> Campaigns:
    """The campaigns with their progress, rate and forecast."""
    desk_id = call.actor.desk_id
    with call.read() as session:
        tree = read_tag_tree(session, desk_id=desk_id)
        rows = list_campaigns(session, desk_id=desk_id)
        return Campaigns(campaigns=[show_campaign(session, row, tree, call.now) for row in rows])


@get(bp, "/v1/campaigns/<campaign_id>", roles=EXPERTS, answer=CampaignShown)
def read_one_campaign(call: Read[NoQuery], campaign_id: str) -> CampaignShown:
    """One campaign."""
    desk_id = call.actor.desk_id
    with call.read() as session:
        row = get_campaign(session, desk_id=desk_id, campaign_id=campaign_id)
        return show_campaign(session, row, read_tag_tree(session, desk_id=desk_id), call.now)


def show_campaign(session: Session, row: Campaign, tree: TagTree, now: datetime) -> CampaignShown:
    progress = read_progress(session, campaign=row, tree=tree, now=now)
    told = row.model_dump(include=set(CampaignShown.model_fields) - {"state", "tags"})
    return CampaignShown(
        **told,
        campaign_id=row.id,
        tags=[tree.resolve(tag) for tag in row.tags],
        state="open" if is_open(row, now=now) else "ended",
        usable=progress.usable,
        rate=progress.rate,
        outlook=progress.outlook,
        expected_at=progress.find_expected(now),
    )


@write(bp, "/v1/campaigns", roles=EXPERTS, body=NewCampaign, answer=CampaignState)
def start_one(call: Write, body: NewCampaign) -> CampaignState:
    """Start a campaign: what is collected, how many picks of it, and until when."""
    said = body.model_dump(exclude={"event_id"})
    row = start_campaign(
        call.session, desk_id=call.actor.desk_id, actor=call.actor.name, now=call.now, **said
    )
    return CampaignState(campaign_id=row.id, state="open")


@write(
    bp,
    "/v1/campaigns/<campaign_id>/end",
    roles=EXPERTS,
    body=CampaignEnding,
    answer=CampaignState,
    status=200,
)
def end_one(call: Write, body: CampaignEnding, campaign_id: str) -> CampaignState:
    """End a campaign before its time: it marks and asks for nothing more."""
    row = end_campaign(
        call.session,
        desk_id=call.actor.desk_id,
        campaign_id=campaign_id,
        actor=call.actor.name,
        reason=body.reason,
        now=call.now,
    )
    return CampaignState(campaign_id=row.id, state="ended")


@write(bp, "/v1/campaigns/<campaign_id>/resume", roles=EXPERTS, body=Plain, answer=CampaignState, status=200)
def resume_one(call: Write, body: Plain, campaign_id: str) -> CampaignState:
    """Take the ending of a campaign back, while its time runs."""
    row = resume_campaign(
        call.session,
        desk_id=call.actor.desk_id,
        campaign_id=campaign_id,
        actor=call.actor.name,
        now=call.now,
    )
    return CampaignState(campaign_id=row.id, state="open")
