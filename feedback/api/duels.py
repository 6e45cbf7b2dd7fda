"""Calls about blind duels: start one, see how far it is, close it. Its rounds are labelled as the items of
its task (`labels.py`).

While a duel is open, no answer reveals which contender is on which side, or the score so far.
"""

import secrets
from datetime import datetime
from typing import Annotated, Any

from flask import Blueprint
from pydantic import Field

from feedback.api.routes import EngineCall, Read, Write, call_engine, get, write
from feedback.api.schemas import ALLOWED, Answer, Body, Name, Query, TagPath
from feedback.duels.read import DuelView, read_duel, read_duels
from feedback.duels.start import MAX_ROUNDS, SEED_LIMIT, Wish, start_duel
from feedback.store import duels
from feedback.web.services import services

bp = Blueprint("duels", __name__)

EXPERTS = ("expert", "admin")


class NewDuel(Body):
    adapter: Name = Field(description="The adapter whose support rate is measured.")
    rival: Name | None = Field(None, description="Another adapter; the base where none is named.")
    wanted: Annotated[int, Field(ge=1, le=MAX_ROUNDS, description="Number of prompts.")] = 50
    name: Name | None = None
    tag: TagPath | None = Field(None, description="Only prompts with this tag or one below it.")


class DuelState(Answer):
    duel_id: str
    state: str


class JudgeScore(Answer):
    judge: str
    won: int
    lost: int
    tied: int
    both_bad: int


class DuelResult(Answer):
    rate: float | None = Field(description="(won + tied / 2) / counted, in rounds; null before any.")
    low: float = Field(description="Lower end of the 95 % Wilson interval.")
    high: float = Field(description="Upper end of the 95 % Wilson interval.")
    band: str | None = Field(description=ALLOWED)
    counted: int = Field(description="won + lost + tied")
    won: int
    lost: int
    tied: int = Field(description="Also rounds of equal texts, as far as judging came.")
    equal: int = Field(description="The part of tied that nobody was asked about.")
    both_bad: int
    unjudged: int
    left_out: dict[str, int] = Field(description="Rounds and verdicts that do not count, by reason.")
    e_better: float = Field(description="Evidence that the adapter is better; 20 is enough.")
    e_harm: float = Field(description="Evidence that it is worse.")
    shared: int = Field(description="Rounds that two or more judged.")
    agreed: int = Field(description="Of these, those on which all said the same.")
    judges: list[JudgeScore]


class DuelShown(Answer):
    duel_id: str
    name: str
    state: str = Field(description="drawing, open, closed or failed")
    task_id: str = Field(description="The task whose items are the rounds.")
    adapter: str
    rival: str | None = Field(description="Null is the base.")
    arm: str | None = Field(description="Of a rebase, whose rate is measured: new_base or new_tuned.")
    wanted: int
    error: str | None = Field(
        description="Why it failed, or what it waits for while its replies are generated."
    )
    rounds: dict[str, int] = Field(description="By state: waiting, ready, equal, left_out.")
    judged: int = Field(description="Rounds that you judged.")
    judges: int = Field(description="People who judged at least one round.")
    result: DuelResult | None = Field(description="Once it is closed.")
    created_at: datetime
    closed_at: datetime | None


class DuelsAsked(Query):
    limit: int = Field(50, ge=1, le=200)


class DuelList(Answer):
    duels: list[DuelShown] = Field(description="Newest first.")


class CloseDuel(Body):
    pass


@call_engine(bp, "/v1/duels", roles=EXPERTS, body=NewDuel, answer=DuelState, status=201)
def start(call: EngineCall, body: NewDuel) -> DuelState:
    """Compare an adapter with the base, or with another one, on prompts that neither has seen."""
    found = services()
    drawer = found.duel_drawer
    duel = start_duel(
        found.store_engine,
        Wish(call.event_id, body.adapter, body.rival, body.wanted, body.name, body.tag),
        data_dir=found.settings.data_dir,
        desk_id=call.actor.desk_id,
        actor=call.actor.name,
        seed=secrets.randbelow(SEED_LIMIT),
        now=call.now,
    )
    if drawer is not None:
        drawer.enqueue(duel.id)
    return DuelState(duel_id=duel.id, state=duel.state)


@get(bp, "/v1/duels", roles=EXPERTS, answer=DuelList, query=DuelsAsked)
def list_duels(call: Read[DuelsAsked]) -> DuelList:
    """The latest duels."""
    with call.read() as session:
        views = read_duels(
            session, desk_id=call.actor.desk_id, judge=call.actor.agent_name(), limit=call.query.limit
        )
    return DuelList(duels=[tell_duel(view) for view in views])


@get(bp, "/v1/duels/<duel_id>", roles=EXPERTS, answer=DuelShown)
def show_duel(call: Read[Query], duel_id: str) -> DuelShown:
    """How far a duel is; once it is closed, its result."""
    judge = call.actor.agent_name()
    with call.read() as session:
        return tell_duel(read_duel(session, desk_id=call.actor.desk_id, duel_id=duel_id, judge=judge))


def tell_duel(view: DuelView) -> DuelShown:
    return DuelShown(
        **view.duel.model_dump(include=set(DuelShown.model_fields)),
        duel_id=view.duel.id,
        rounds=view.rounds,
        judged=view.judged,
        judges=view.judges,
        result=None if view.result is None else DuelResult.model_validate(_shape_result(view.result)),
    )


def _shape_result(result: Any) -> dict[str, Any]:
    told = {name: value for name, value in result.to_json().items() if name not in ("adapter", "rival")}
    return told | {"judges": [{"judge": judge, **vars(own)} for judge, own in sorted(result.judges.items())]}


@write(bp, "/v1/duels/<duel_id>/close", roles=EXPERTS, body=CloseDuel, answer=DuelState, status=200)
def end_duel(call: Write, body: CloseDuel, duel_id: str) -> DuelState:
    """End a duel: it takes no more labels, shows its result, and its verdicts may be used for training."""
    duel = duels.close_duel(
        call.session, desk_id=call.actor.desk_id, duel_id=duel_id, actor=call.actor.name, now=call.now
    )
    return DuelState(duel_id=duel.id, state=duel.state)
