"""The call for an agent's own day: what they decided, how fast, and what they can still undo."""

from datetime import datetime, timedelta
from statistics import median
from typing import Literal

from flask import Blueprint
from pydantic import Field

from feedback.api.routes import Read, get
from feedback.api.schemas import Answer, Name, Query, Time
from feedback.store.day import Deed, count_decisions, list_deeds
from feedback.web.services import services

bp = Blueprint("day", __name__)

LONGEST = timedelta(hours=26)  # a little more than the longest day (25 h): what a page may ask for
RECENT = timedelta(minutes=10)  # how long undoing is offered
State = Literal["waits", "offered", "sent", "withdrawn", "closed"]
PREVIEW = 240  # characters of the customer's message


class DayAsked(Query):
    agent: Name | None = Field(None, description="The agent an app acts for.")
    since: Time | None = Field(
        None, description="The reader's midnight; 26 hours ago at the most. Default: 24 hours ago."
    )


class DeedShown(Answer):
    kind: Literal["pick", "edit", "own", "tie", "no_reply", "spam"]
    state: State = Field(
        description="waits: the customer does not see it yet; offered: they see it as one of two answers "
        "and have not picked one; withdrawn: they have it, it trains nothing."
    )
    left_s: float = Field(description="Seconds until the customer sees it, about; 0 unless it waits.")
    at: datetime
    turn_ids: list[str] = Field(description="The turn answered, or those closed together.")
    conversation_id: str
    language: str | None
    customer: str | None = Field(description="The name, else the id, that an app passed along.")
    asked: str = Field(description="The beginning of the customer's message.")
    text: str | None = Field(description="The reply; None for a closing.")
    message_id: str | None
    judgement_id: str | None = Field(description="None for a closing and for a reply written by hand.")
    candidate_id: str | None = Field(description="The suggestion that was sent or edited.")


class DayShown(Answer):
    since: datetime
    decisions: dict[str, int] = Field(description="By kind of judgement or reason of closing.")
    median_s: float | None = Field(description="From the suggestions' reveal to the reply.")
    recent: list[DeedShown] = Field(
        description="Of the last ten minutes, and what waits for a pick; the newest first."
    )


@get(bp, "/v1/day", roles=("agent", "app"), answer=DayShown, query=DayAsked)
def day(call: Read[DayAsked]) -> DayShown:
    """The caller's own decisions today, and which of those of the last ten minutes can be undone."""
    asked, desk_id = call.query, call.actor.desk_id
    agent = call.actor.agent_name(asked.agent)
    since = max(asked.since or call.now - timedelta(days=1), call.now - LONGEST)
    with call.read() as session:
        decided = count_decisions(session, desk_id=desk_id, agent=agent, since=since)
        deeds = list_deeds(session, desk_id=desk_id, agent=agent, since=call.now - RECENT)
    return DayShown(
        since=since,
        decisions=dict(sorted(decided.counts.items())),
        median_s=median(decided.dwells_ms) / 1000 if decided.dwells_ms else None,
        recent=[show_deed(deed, call.now) for deed in deeds],
    )


def show_deed(deed: Deed, now: datetime) -> DeedShown:
    window_s = services().settings.undo_window_s
    state = find_state(deed)
    passed_s = (now - deed.at).total_seconds()
    return DeedShown(
        kind=deed.kind,
        state=state,
        left_s=min(window_s, max(0.0, window_s - passed_s)) if state == "waits" else 0.0,
        at=deed.at,
        turn_ids=deed.turn_ids,
        conversation_id=deed.conversation_id,
        language=deed.language,
        customer=deed.customer,
        asked=(deed.asked or "")[:PREVIEW],
        text=deed.text,
        message_id=deed.message_id,
        judgement_id=deed.judgement_id,
        candidate_id=deed.candidate_id,
    )


def find_state(deed: Deed) -> State:
    if deed.message_id is None:
        return "closed"
    if deed.is_offered:
        return "offered"
    if deed.is_held:
        return "waits"
    return "withdrawn" if deed.is_withdrawn else "sent"
