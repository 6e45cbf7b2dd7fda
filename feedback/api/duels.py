"""Calls about blind duels: start one, judge its rounds, undo a verdict, close it.

While a duel is open, no answer reveals which contender is on which side, or the score so far.
"""

import secrets
from datetime import datetime
from typing import Annotated, Any, Literal

from flask import Blueprint
from pydantic import Field

from feedback.api.judgements import MAX_DWELL_MS
from feedback.api.routes import EngineCall, Read, Write, call_engine, get, write
from feedback.api.schemas import ALLOWED, Answer, Body, Name, Query, TagPath, Time
from feedback.duels.read import DuelView, read_duel, read_duels
from feedback.duels.start import MAX_ROUNDS, SEED_LIMIT, Wish, start_duel
from feedback.errors import NotFound
from feedback.store import duels
from feedback.store.duel_verdicts import list_active_verdicts, record_verdict, undo_verdict
from feedback.web.services import services

bp = Blueprint("duels", __name__)

EXPERTS = ("expert", "admin")


class NewDuel(Body):
    adapter: Name = Field(description="The adapter whose support rate is measured.")
    rival: Name | None = Field(None, description="Another adapter; the base where none is named.")
    wanted: Annotated[int, Field(ge=1, le=MAX_ROUNDS, description="Number of prompts.")] = 50
    name: Name | None = None
    tag: TagPath | None = Field(None, description="Only prompts with this tag or one below it.")


class DuelStarted(Answer):
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
    next_round: int | None = Field(description="The first round that you have not judged.")
    last_verdict_id: str | None = Field(description="Your last verdict, while it can be taken back.")
    result: DuelResult | None = Field(description="Once it is closed.")
    created_at: datetime
    closed_at: datetime | None


class DuelsAsked(Query):
    limit: int = Field(50, ge=1, le=200)


class DuelList(Answer):
    duels: list[DuelShown] = Field(description="Newest first.")


class RoundShown(Answer):
    round: int
    messages: list[dict[str, str]] = Field(description="The prompt, as both contenders had it.")
    a: str
    b: str
    verdict: str | None = Field(description="What you said of it.")
    verdict_id: str | None
    judged: int = Field(description="Rounds of the duel that you judged.")
    ready: int = Field(description="Rounds of the duel that can be judged.")


class NewVerdict(Body):
    verdict: Literal["a", "b", "tie", "both_bad"]
    dwell_ms: Annotated[int, Field(ge=0, le=MAX_DWELL_MS)] | None = Field(
        None, description="Milliseconds from the reveal to the decision."
    )
    occurred_at: Time | None = None


class VerdictStored(Answer):
    verdict_id: str


class NewVerdictUndo(Body):
    pass


class VerdictTakenBack(Answer):
    undo_id: str
    round: int = Field(description="The round, which can be judged again.")


class CloseDuel(Body):
    pass


class DuelClosed(Answer):
    duel_id: str
    state: str


@call_engine(bp, "/v1/duels", roles=EXPERTS, body=NewDuel, answer=DuelStarted, status=201)
def start(call: EngineCall, body: NewDuel) -> DuelStarted:
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
    return DuelStarted(duel_id=duel.id, state=duel.state)


@get(bp, "/v1/duels", roles=EXPERTS, answer=DuelList, query=DuelsAsked)
def list_duels(call: Read[DuelsAsked]) -> DuelList:
    """The latest duels."""
    with call.read() as session:
        views = read_duels(
            session, desk_id=call.actor.desk_id, judge=call.actor.agent_name(), limit=call.query.limit
        )
    return DuelList(duels=[show(view) for view in views])


@get(bp, "/v1/duels/<duel_id>", roles=EXPERTS, answer=DuelShown)
def show_duel(call: Read[Query], duel_id: str) -> DuelShown:
    """How far a duel is; once it is closed, its result."""
    judge = call.actor.agent_name()
    with call.read() as session:
        return show(read_duel(session, desk_id=call.actor.desk_id, duel_id=duel_id, judge=judge))


def show(view: DuelView) -> DuelShown:
    duel, result = view.duel, view.result
    return DuelShown(
        duel_id=duel.id,
        name=duel.name,
        state=duel.state,
        adapter=duel.adapter,
        rival=duel.rival,
        arm=duel.arm,
        wanted=duel.wanted,
        error=duel.error,
        rounds=view.rounds,
        judged=view.judged,
        judges=view.judges,
        next_round=view.next_round,
        last_verdict_id=view.last_verdict_id,
        result=None if result is None else DuelResult.model_validate(_shape_result(result)),
        created_at=duel.created_at,
        closed_at=duel.closed_at,
    )


def _shape_result(result: Any) -> dict[str, Any]:
    told = {name: value for name, value in result.to_json().items() if name not in ("adapter", "rival")}
    return told | {"judges": [{"judge": judge, **vars(own)} for judge, own in sorted(result.judges.items())]}


@get(bp, "/v1/duels/<duel_id>/rounds/<number>", roles=EXPERTS, answer=RoundShown)
def show_round(call: Read[Query], duel_id: str, number: str) -> RoundShown:
    """A round as its judges see it: the prompt and the two replies."""
    desk_id, judge = call.actor.desk_id, call.actor.agent_name()
    with call.read() as session:
        duel = duels.get_duel(session, desk_id=desk_id, duel_id=duel_id)
        found = duels.get_round(session, desk_id=desk_id, duel_id=duel_id, number=read_number(number))
        if duel.state == duels.DRAWING:
            raise duels.DuelNotOpen(duel_id, duel.state)
        if found.state != duels.READY:
            raise duels.RoundNotReady(found.position, found.state, found.reason)
        active = list_active_verdicts(session, duel_id=duel_id, judge=judge)
        counts = duels.count_rounds(session, duel_ids=[duel_id])[duel_id]
    own = next((one for one in active if one.position == found.position), None)
    return RoundShown(
        round=found.position,
        messages=found.messages,
        a=found.a_text or "",
        b=found.b_text or "",
        verdict=own.verdict if own else None,
        verdict_id=own.id if own else None,
        judged=len(active),
        ready=counts[duels.READY],
    )


@write(
    bp,
    "/v1/duels/<duel_id>/rounds/<number>/verdicts",
    roles=EXPERTS,
    body=NewVerdict,
    answer=VerdictStored,
)
def judge_round(call: Write, body: NewVerdict, duel_id: str, number: str) -> VerdictStored:
    """Say which reply is better, that both are equal, or that both are bad."""
    row = record_verdict(
        call.session,
        desk_id=call.actor.desk_id,
        duel_id=duel_id,
        number=read_number(number),
        verdict=body.verdict,
        judge=call.actor.agent_name(),
        dwell_ms=body.dwell_ms,
        occurred_at=body.occurred_at,
        now=call.now,
    )
    return VerdictStored(verdict_id=row.id)


@write(bp, "/v1/duel-verdicts/<verdict_id>/undo", roles=EXPERTS, body=NewVerdictUndo, answer=VerdictTakenBack)
def undo_duel_verdict(call: Write, body: NewVerdictUndo, verdict_id: str) -> VerdictTakenBack:
    """Undo one's own verdict; the round can be judged again."""
    undo_id, number = undo_verdict(
        call.session,
        desk_id=call.actor.desk_id,
        verdict_id=verdict_id,
        judge=call.actor.agent_name(),
        now=call.now,
    )
    return VerdictTakenBack(undo_id=undo_id, round=number)


@write(bp, "/v1/duels/<duel_id>/close", roles=EXPERTS, body=CloseDuel, answer=DuelClosed, status=200)
def close(call: Write, body: CloseDuel, duel_id: str) -> DuelClosed:
    """End a duel: it takes no more verdicts, shows its result, and its verdicts may be used for training."""
    duel = duels.close_duel(
        call.session, desk_id=call.actor.desk_id, duel_id=duel_id, actor=call.actor.name, now=call.now
    )
    return DuelClosed(duel_id=duel.id, state=duel.state)


def read_number(text: str) -> int:
    """The number of a round from the path. Raises NotFound if the text is not one."""
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise NotFound("round", text)
    return int(text)
