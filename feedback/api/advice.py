"""Calls that say what would help a desk, and what to change in the recipe of a run. They show no text."""

from typing import Any

from flask import Blueprint
from pydantic import Field

from feedback.advice.gather import advise_on_run
from feedback.advice.said import Advice
from feedback.api.routes import Read, get
from feedback.api.schemas import Answer, Query
from feedback.errors import RunNotEnded
from feedback.store import runs
from feedback.web.services import services

bp = Blueprint("advice", __name__)


class GivenAdvice(Answer):
    what: str = Field(
        description="prompt, collect, sft, dpo or nothing; of a run over_fit, under_fit, rate_too_high, "
        "rate_too_low, replies_shrink, sound or nothing_trained."
    )
    text: str = Field(description="One paragraph, in English.")
    sentences: list[dict[str, Any]] = Field(description="Its sentences as codes with their values.")
    figures: dict[str, Any] = Field(description="What the rules went by; null where it is not known.")
    command: str = Field(description="The next command.")

    @classmethod
    def of(cls, advice: Advice) -> "GivenAdvice":
        return cls(**advice.to_json())


@get(bp, "/v1/advice", roles=("expert", "admin"), answer=GivenAdvice)
def show_advice(call: Read[Query]) -> GivenAdvice:
    """What would help now: another prompt, more data, fine-tuning, preferences, or nothing."""
    found = services()
    with call.read() as session:
        advice = found.advice.read(session, found.outlook, now=call.now, desk_id=call.actor.desk_id)
    return GivenAdvice.of(advice)


@get(bp, "/v1/runs/<run_id>/advice", roles=("expert", "admin"), answer=GivenAdvice)
def show_run_advice(call: Read[Query], run_id: str) -> GivenAdvice:
    """What a run that has ended shows about its recipe; 409 before that."""
    with call.read() as session:
        run = runs.get_run(session, desk_id=call.actor.desk_id, run_id=run_id)
        if run.state not in runs.FINISHED:
            raise RunNotEnded(run.id, run.state)
        return GivenAdvice.of(advise_on_run(session, run, services().outlook))
