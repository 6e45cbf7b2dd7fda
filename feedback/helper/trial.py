"""One question that says whether the helper can be asked, and what that took. It is paid like any other."""

from typing import Any, NamedTuple

from sqlalchemy import Engine

from feedback.clock import Clock
from feedback.helper.ask import Helper
from feedback.helper.question import HelperQuestion
from feedback.labelling.kinds import ValueUnknown
from feedback.store import helper_calls
from feedback.store.engine import read
from feedback.store.tables import DEFAULT_DESK

TRIAL = "check"  # use
READY = ("yes", "no")
SCHEMA = {
    "type": "object",
    "properties": {"ready": {"type": "string", "enum": list(READY)}},
    "required": ["ready"],
    "additionalProperties": False,
}


class TrialCall(NamedTuple):
    """What one question took in all, and what of the day is spent with it."""

    host: str
    model: str
    answered_by: str | None
    requests: int
    seconds: float
    tokens: int
    cost: float
    spent: int
    daily_tokens: int


def ask_trial(
    helper: Helper, store_engine: Engine, *, clock: Clock, desk_id: str = DEFAULT_DESK
) -> TrialCall:
    """Asks whether the model is ready, each time anew. Raises HelperError."""
    at = clock.now().isoformat()
    question = HelperQuestion(
        use=TRIAL,
        version=1,
        instruction='Answer {"ready": "yes"}.',
        material={"at": at},
        conversation=at,
        schema=SCHEMA,
        check=check_ready,
    )
    key = helper.ask(question).key
    with read(store_engine) as session:
        calls = helper_calls.list_calls(session, desk_id=desk_id, key=key)
        spent = helper_calls.sum_tokens(session, desk_id=desk_id, day=calls[-1].day)
    return TrialCall(
        calls[-1].host,
        calls[-1].model,
        calls[-1].answered_by,
        len(calls),
        sum(call.ms or 0 for call in calls) / 1_000,
        sum(call.tokens for call in calls),
        sum(call.cost for call in calls),
        spent,
        helper.settings.daily_tokens,
    )


def check_ready(told: dict[str, Any]) -> dict[str, Any]:
    if told.get("ready") not in READY or len(told) != 1:
        raise ValueUnknown("ready", told.get("ready"), ", ".join(READY))
    return told
