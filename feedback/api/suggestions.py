"""Calls about suggestion sets: the blind view for agents, and for experts the origin of judged sets."""

from dataclasses import asdict
from datetime import datetime

from flask import Blueprint
from pydantic import Field

from feedback.api.routes import Read, get
from feedback.api.schemas import Answer, Query, Wait
from feedback.store.changes import turn_topic
from feedback.store.engine import get_row, unit_of_work
from feedback.store.sets import find_set, list_candidates, read_settings, reveal_set, unblind_set
from feedback.store.tables import Candidate, SuggestionSet, Turn
from feedback.suggestions.empty_sets import explain_empty_set
from feedback.suggestions.generation import RESTS
from feedback.web.services import services
from feedback.web.waiting import Waiting, set_waiting
from serving.errors import EngineResting, ServingError

bp = Blueprint("sets", __name__)

REPEAT_AFTER_S = 5.0  # seconds; a worker may die while an agent waits, then another one starts


class SuggestionsAsked(Query):
    wait: Wait = 0


class CandidateShown(Answer):
    candidate_id: str
    text: str | None = Field(description="None unless the candidate is ready.")
    state: str = Field(description="ready, unavailable, or merged (its text stands in an earlier slot)")


class SetFailure(Answer):
    reason: str = Field(description="cut_off, thoughts, empty, or engine_rests: a run had the model's card.")
    setting: str = Field(description="The setting of [serving] that changes it.")
    value: str | None = Field(
        description="Its value for this set; None where it would name the model, and of a rest."
    )
    until: datetime | None = Field(None, description="About when the model is back from a rest, if known.")


class Suggestions(Answer):
    set_id: str | None = Field(description="None while nobody has begun to prepare the set.")
    state: str = Field(description="preparing, ready, failed, judged, superseded or bypassed")
    candidates: list[CandidateShown] = Field(description="In the order shown; empty until all can be.")
    left_out: int = Field(0, description="Characters of long texts that the suggestions did not see.")
    failure: SetFailure | None = Field(
        None, description="Of a failed set: why no reply was usable, or none was asked for, and the setting."
    )


class CandidateOrigin(CandidateShown):
    arm: str
    adapter: str | None
    reason: str | None


class SetOrigin(Answer):
    set_id: str
    state: str
    design: str
    adapter: str | None
    judged_at: datetime | None
    candidates: list[CandidateOrigin]


@get(
    bp,
    "/v1/turns/<turn_id>/suggestions",
    roles=("agent", "app"),
    answer=Suggestions,
    query=SuggestionsAsked,
)
def suggestions(call: Read[SuggestionsAsked], turn_id: str) -> Suggestions:
    """The suggested replies of a turn, in the order shown and all at once; waits while they are prepared."""
    found = find_set_of(call, turn_id)
    if found is None:
        return Suggestions(set_id=None, state="preparing", candidates=[])
    if found.state == "ready" and found.revealed_at is None:
        with unit_of_work(services().store_engine) as session:
            now = services().clock.now()
            found = reveal_set(session, desk_id=call.actor.desk_id, set_id=found.id, now=now)
    if found.revealed_at is None:
        return Suggestions(
            set_id=found.id, state=found.state, candidates=[], failure=explain_failure(call, found)
        )
    with call.read() as session:
        rows = list_candidates(session, desk_id=call.actor.desk_id, set_id=found.id)
    return Suggestions(
        set_id=found.id,
        state=found.state,
        candidates=[show_blind(row) for row in rows],
        left_out=found.left_out,
    )


def find_set_of(call: Read[SuggestionsAsked], turn_id: str) -> SuggestionSet | None:
    """The turn's set in its current state. While it is being prepared, the reader waits for it."""
    with call.read() as session:
        turn = get_row(session, Turn, turn_id, desk_id=call.actor.desk_id, what="turn")
        found = find_set(session, desk_id=call.actor.desk_id, turn_id=turn_id)
    suggester = services().suggester
    over = turn.state != "waiting" if found is None else found.state != "preparing"
    if suggester is not None and not over:
        suggester.ensure_set(turn_id)  # in case the worker that prepared it has ended; else harmless
    set_waiting(
        Waiting(
            topic=turn_topic(turn_id),
            actor=call.actor,
            seconds=call.query.wait,
            found=suggester is None or over,
            again_in_s=REPEAT_AFTER_S,
        )
    )
    return found


def explain_failure(call: Read[SuggestionsAsked], found: SuggestionSet) -> SetFailure | None:
    if found.error is None:
        return None
    if found.error == RESTS:
        return SetFailure(reason=RESTS, setting="during_training", value=None, until=find_return())
    with call.read() as session:
        sampling, arguments = read_settings(session, set_id=found.id)
    empty = explain_empty_set(found.error, sampling, arguments)
    return None if empty is None else SetFailure(**asdict(empty))


def find_return() -> datetime | None:
    """About when the model is back, while it rests; None if it is back, or nobody knows."""
    find_fleet = services().fleet_factory
    try:
        if find_fleet is not None:
            find_fleet()
    except EngineResting as rest:
        return rest.until
    except ServingError:
        pass
    return None


def show_blind(row: Candidate) -> CandidateShown:
    return CandidateShown(
        candidate_id=row.id, text=row.text if row.state == "ready" else None, state=row.state
    )


@get(bp, "/v1/sets/<set_id>", roles=("expert",), answer=SetOrigin)
def show_origin(call: Read[Query], set_id: str) -> SetOrigin:
    """Where the candidates of a judged set came from. From then on the caller is not blind to this set."""
    with unit_of_work(services().store_engine) as session:
        found = unblind_set(
            session,
            desk_id=call.actor.desk_id,
            set_id=set_id,
            agent=call.actor.agent_name(),
            now=services().clock.now(),
        )
        rows = list_candidates(session, desk_id=call.actor.desk_id, set_id=set_id)
    return SetOrigin(
        set_id=found.id,
        state=found.state,
        design=found.design,
        adapter=found.adapter,
        judged_at=found.judged_at,
        candidates=[
            CandidateOrigin(
                candidate_id=row.id,
                text=row.text,
                state=row.state,
                arm=row.arm,
                adapter=row.adapter,
                reason=row.reason,
            )
            for row in rows
        ],
    )
