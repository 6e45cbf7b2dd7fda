"""Calls about the queue: which customers wait, who reads a turn, claiming a turn and releasing it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from flask import Blueprint
from pydantic import Field
from sqlalchemy import ColumnElement
from sqlmodel import Session

from feedback.api.routes import NoQuery, Read, Write, get, write
from feedback.api.schemas import Answer, Body, Id, Language, Name, Plain, Query, TagPath
from feedback.store.campaigns import TWO_ANSWERS, Scenario, list_scenarios
from feedback.store.presence import list_readers
from feedback.store.queue_filters import QueueFilter, count_kinds, count_queue, is_beside, is_of
from feedback.store.turns import Queued, claim_turn, list_queue, release_turn
from feedback.store.users import name_agents
from feedback.suggestions.views import NEXT, QueueView
from feedback.web.services import services

bp = Blueprint("turns", __name__)

MAX_PAGE = 1000
PREVIEW = 240  # characters of the waiting message that the queue shows


class QueueAsked(Query):
    agent: Name | None = Field(None, description="The agent an app acts for.")
    after: Id | None = Field(None, description="Only turns behind this one: the `next` of the page before.")
    limit: Annotated[int, Field(ge=1, le=MAX_PAGE)] = 200
    language: Language | None = Field(
        None,
        description="Only conversations in this language; without a region: in all of its regions; "
        "und: those whose language is unknown.",
    )
    tag: TagPath | None = Field(None, description="Only conversations with this tag or one below it.")
    mine: bool = Field(False, description="Only turns that this agent holds or has an unsent text for.")
    opened: Id | None = Field(None, description="The turn that the agent has open.")

    @property
    def only(self) -> QueueFilter:
        return QueueFilter(self.language, self.tag)


class TurnShown(Answer):
    turn_id: str
    conversation_id: str
    language: str | None
    tags: list[str]
    customer: str | None = Field(description="The name, else the id, that an app passed along.")
    by_stranger: bool = Field(description="Whether anybody opened it on the public page, not an app.")
    text: str = Field(description="The beginning of the customer's message.")
    created_at: datetime
    due_at: datetime | None = Field(description="When the app that handed it over wants it answered.")
    waiting_s: float
    set_state: str | None
    claimed_by: str | None
    claimed_by_me: bool
    claimed_by_name: str | None = Field(description="What people call whoever answers it.")
    readers: list[str] = Field(description="The names of others who look at it now; they hold nothing.")
    campaigns: list[str] = Field(description="The names of open campaigns that it belongs to.")
    two_answers: bool = Field(description="Whether both of two equal suggestions may be sent.")


class Queue(Answer):
    agent: str = Field(description="Who asks, as `claimed_by` would say it.")
    turns: list[TurnShown]
    total: int = Field(description="Turns that wait, on all pages; with a filter, of those that it leaves.")
    opened: TurnShown | None = Field(
        description="What waits in the conversation of the turn that is open, on any page and through any "
        "filter: that turn, a newer one, or None."
    )
    next: str | None = Field(description="What the next page begins behind; None on the last one.")


class LanguageWaiting(Answer):
    language: str = Field(description="Without its region; und where it is unknown.")
    count: int


class TagWaiting(Answer):
    tag: str
    count: int


class Kinds(Answer):
    languages: list[LanguageWaiting]
    tags: list[TagWaiting]


class OwnTaking(Body):
    take_over: bool = Field(False, description="Also from a colleague, who is told.")


class TurnTaken(OwnTaking):
    agent: Name | None = Field(None, description="The agent an app acts for.")


class TurnLeft(Body):
    agent: Name | None = Field(None, description="The agent an app acts for.")


class TurnHeld(Answer):
    turn_id: str
    claimed_by: str | None


@get(bp, "/v1/queue", roles=("agent", "app"), answer=Queue, query=QueueAsked)
def queue(call: Read[QueueAsked]) -> Queue:
    """Turns that wait for a reply, oldest first; suggestions are prepared for the next ten of them."""
    asked, desk_id = call.query, call.actor.desk_id
    agent = call.actor.agent_name(asked.agent)
    claim_minutes = services().settings.claim_minutes

    def read_rows(
        session: Session, conditions: list[ColumnElement[bool]], limit: int, after: str | None = None
    ) -> Sequence[Queued]:
        return list_queue(
            session,
            desk_id=desk_id,
            now=call.now,
            claim_minutes=claim_minutes,
            after=after,
            limit=limit,
            conditions=conditions,
        )

    with call.read() as session:
        conditions = asked.only.list_conditions(session, desk_id=desk_id)
        if asked.mine:
            conditions.append(is_of(agent, now=call.now, claim_minutes=claim_minutes))
        rows = read_rows(session, conditions, asked.limit + 1, asked.after)  # one more: is there a next page?
        opened = read_rows(session, [is_beside(asked.opened)], 1) if asked.opened else []
        total = count_queue(session, desk_id=desk_id, conditions=conditions)
        others = find_others(session, [*rows, *opened], agent, desk_id=desk_id, now=call.now)
        scenarios = list_scenarios(session, desk_id=desk_id, now=call.now)
    shown = rows[: asked.limit]
    if not asked.mine:  # suggestions for an agent's own turns are prepared when opened
        generate_ahead(QueueView(desk_id, asked.after, min(NEXT, asked.limit), asked.only), shown)
    return Queue(
        agent=agent,
        turns=[show_turn(row, agent, others, scenarios, call.now) for row in shown],
        total=total,
        opened=next((show_turn(row, agent, others, scenarios, call.now) for row in opened), None),
        next=shown[-1].turn.id if len(rows) > asked.limit else None,
    )


@get(bp, "/v1/queue/kinds", roles=("agent", "app"), answer=Kinds)
def queue_kinds(call: Read[NoQuery]) -> Kinds:
    """The languages and tags of the waiting turns, each with its count, as choices for a filter."""
    with call.read() as session:
        found = count_kinds(session, desk_id=call.actor.desk_id)
    return Kinds(
        languages=[LanguageWaiting(language=code, count=count) for code, count in found.languages.items()],
        tags=[TagWaiting(tag=tag, count=count) for tag, count in found.tags.items()],
    )


def generate_ahead(view: QueueView, shown: Sequence[Queued]) -> None:
    """Prepares suggestions for the next turns of this view. Claimed turns are skipped: theirs are prepared
    when the agent opens them.
    """
    suggester = services().suggester
    if suggester is not None:
        following = [row for row in shown if row.claimed_by is None][: view.count]
        suggester.show_view(view, [row.turn.id for row in following if row.set_state is None])


@dataclass(frozen=True)
class Others:
    """Other agents at work on the turns shown."""

    readers: dict[str, list[str]]  # turn id -> agents
    names: dict[str, str]


def find_others(
    session: Session, rows: Sequence[Queued], agent: str, *, desk_id: str, now: datetime
) -> Others:
    readers = {
        turn_id: [reader for reader in found if reader != agent]
        for turn_id, found in list_readers(session, desk_id=desk_id, now=now).items()
    }
    seen = {row.claimed_by for row in rows if row.claimed_by}.union(*readers.values())
    return Others(readers, name_agents(session, desk_id=desk_id, agents=seen))


def show_turn(
    row: Queued, agent: str, others: Others, scenarios: Sequence[Scenario], now: datetime
) -> TurnShown:
    theirs = [each for each in scenarios if each.includes(row.tags, row.language)]
    return TurnShown(
        turn_id=row.turn.id,
        conversation_id=row.turn.conversation_id,
        language=row.language,
        tags=row.tags,
        customer=row.customer,
        by_stranger=row.by_stranger,
        text=(row.text or "")[:PREVIEW],
        created_at=row.turn.created_at,
        due_at=row.turn.due_at,
        waiting_s=max(0.0, (now - row.turn.created_at).total_seconds()),
        set_state=row.set_state,
        claimed_by=row.claimed_by,
        claimed_by_me=row.claimed_by == agent,
        claimed_by_name=others.names[row.claimed_by] if row.claimed_by else None,
        readers=sorted(others.names[reader] for reader in others.readers.get(row.turn.id, ())),
        campaigns=[each.campaign.name for each in theirs],
        two_answers=services().settings.two_answers or any(each.asks(TWO_ANSWERS) for each in theirs),
    )


@write(
    bp,
    "/v1/turns/<turn_id>/claim",
    roles=("agent", "app"),
    body=TurnTaken,
    own={"agent": OwnTaking},
    answer=TurnHeld,
    status=200,
)
def claim_waiting_turn(call: Write, body: TurnTaken, turn_id: str) -> TurnHeld:
    """Claim a turn for a while, also from a colleague; claiming again prolongs it."""
    turn = claim_turn(
        call.session,
        desk_id=call.actor.desk_id,
        turn_id=turn_id,
        agent=call.actor.agent_name(body.agent),
        now=call.now,
        claim_minutes=services().settings.claim_minutes,
        take_over=body.take_over,
    )
    return TurnHeld(turn_id=turn.id, claimed_by=turn.claimed_by)


@write(
    bp,
    "/v1/turns/<turn_id>/release",
    roles=("agent", "app"),
    body=TurnLeft,
    own={"agent": Plain},
    answer=TurnHeld,
    status=200,
)
def release(call: Write, body: TurnLeft, turn_id: str) -> TurnHeld:
    """Release a claimed turn back to the queue."""
    turn = release_turn(
        call.session,
        desk_id=call.actor.desk_id,
        turn_id=turn_id,
        agent=call.actor.agent_name(body.agent),
    )
    return TurnHeld(turn_id=turn.id, claimed_by=turn.claimed_by)
