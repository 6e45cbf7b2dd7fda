"""Calls about expert scores: have the replies of an adapter and of the base rated, and what came of it.

Labellers see none of this. A round is rated as the items of its task (`labels.py`) and closed as a duel is.
"""

import secrets
from dataclasses import asdict
from datetime import datetime
from typing import Annotated

from flask import Blueprint
from pydantic import Field

from feedback.api.routes import EngineCall, Read, call_engine, get
from feedback.api.schemas import Answer, Body, Query
from feedback.duels.start import MAX_ROUNDS, SEED_LIMIT, Wish, start_duel
from feedback.labelling.adapter_scores import read_scores
from feedback.labelling.scores import ExpertScore
from feedback.store.adapters import get_adapter
from feedback.store.scores import RATE, list_scoring
from feedback.web.services import services

bp = Blueprint("scores", __name__)

EXPERTS = ("expert", "admin")


class NewScores(Body):
    prompts: Annotated[int, Field(ge=1, le=MAX_ROUNDS, description="Number of unseen prompts.")] = 50


class ScoringStarted(Answer):
    duel_id: str = Field(description="POST /v1/duels/{duel_id}/close ends the round.")
    task_id: str = Field(description="The task in which experts rate the replies.")
    state: str


class ScoreShown(Answer):
    mean: float | None = Field(
        description="Mean score of the adapter's reply minus that of the base's to the same prompt."
    )
    low: float | None = Field(description="Lower end of the 95 % interval; null below 20 conversations.")
    high: float | None
    word: str = Field(description="better, worse or not_known")
    prompts: int = Field(description="Of which somebody rated both replies.")
    equal: int = Field(description="With equal replies: a difference of 0 that nobody is asked about.")
    experts: int


class ScoringShown(Answer):
    duel_id: str
    task_id: str
    state: str = Field(description="drawing, open, closed or failed")
    prompts: int
    created_at: datetime


class ScoresShown(Answer):
    adapter: str
    score: ScoreShown = Field(description="Of closed rounds; an open one tells nothing.")
    by_tag: dict[str, ScoreShown] = Field(description="Of each tag with those below it.")
    rounds: list[ScoringShown] = Field(description="Newest first.")


@call_engine(
    bp, "/v1/adapters/<name>/scores", roles=EXPERTS, body=NewScores, answer=ScoringStarted, status=201
)
def start_scoring(call: EngineCall, body: NewScores, name: str) -> ScoringStarted:
    """Have experts rate replies of an adapter and of the base to prompts that it has not seen, without
    telling whose they are.
    """
    found = services()
    duel = start_duel(
        found.store_engine,
        Wish(call.event_id, name, None, body.prompts, kind=RATE),
        data_dir=found.settings.data_dir,
        desk_id=call.actor.desk_id,
        actor=call.actor.name,
        seed=secrets.randbelow(SEED_LIMIT),
        now=call.now,
    )
    if found.duel_drawer is not None:
        found.duel_drawer.enqueue(duel.id)
    return ScoringStarted(duel_id=duel.id, task_id=duel.task_id, state=duel.state)


@get(bp, "/v1/adapters/<name>/scores", roles=EXPERTS, answer=ScoresShown)
def tell_scores(call: Read[Query], name: str) -> ScoresShown:
    """What experts think of an adapter's replies beside the base's, in all and by tag."""
    desk_id = call.actor.desk_id
    with call.read() as session:
        get_adapter(session, desk_id=desk_id, name=name)
        scores = read_scores(session, desk_id=desk_id, adapter=name)
        rounds = [
            ScoringShown(
                duel_id=duel.id,
                task_id=duel.task_id,
                state=duel.state,
                prompts=duel.wanted,
                created_at=duel.created_at,
            )
            for duel in list_scoring(session, desk_id=desk_id, adapter=name)
        ]
    return ScoresShown(
        adapter=name,
        score=show_score(scores.whole),
        by_tag={tag: show_score(score) for tag, score in scores.by_tag.items()},
        rounds=rounds,
    )


def show_score(score: ExpertScore) -> ScoreShown:
    return ScoreShown(**asdict(score), word=score.word)
