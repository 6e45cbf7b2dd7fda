"""What requests to the helper came to, and what follows: an answer, another request, or none. Pure."""

import random
from collections.abc import Sequence
from typing import Any, NamedTuple

from feedback.helper.errors import AnswerInvalid, AnswerRefused, AnswerUnknown, HelperBusy
from feedback.helper.question import CUT_OFF, HelperQuestion, read_value
from feedback.helper.settings import OWN
from feedback.store import helper_calls
from feedback.store.tables import HelperCall
from serving.client import chat
from serving.client.chat import ChatAnswer, ChatFailed

MOST_UNKNOWN = MOST_INVALID = 2
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 60.0
STATES = {
    chat.UNKNOWN: helper_calls.UNKNOWN,
    chat.REFUSED: helper_calls.FAILED,
    chat.BUSY: helper_calls.FAILED,
    chat.UNREACHABLE: helper_calls.UNREACHABLE,
}


class HelperAnswer(NamedTuple):
    """`model`: who answered, by the name that the address gave; of our engine, its base model."""

    value: dict[str, Any]
    model: str
    key: str


def tell_answer(question: HelperQuestion, call: HelperCall) -> HelperAnswer:
    value, _, _ = read_value(question, call.answer or "")
    assert value is not None, "an answer is stored as ok once it was checked"
    return HelperAnswer(value, name_answerer(call), call.key)


def name_answerer(call: HelperCall) -> str:
    """The model behind an answer, by the name that the address gave; of our engine, its base model."""
    return call.model if call.host == OWN else call.answered_by or call.model


def find_answered(before: Sequence[HelperCall], use: str) -> HelperCall | None:
    """The request of a question that was answered, None where it may be asked (again). Raises HelperBusy,
    AnswerRefused, AnswerInvalid, AnswerUnknown.
    """
    states = [call.state for call in before]
    if helper_calls.OK in states:
        return before[states.index(helper_calls.OK)]
    if helper_calls.ASKED in states:
        raise HelperBusy
    if helper_calls.REFUSED in states:
        raise AnswerRefused(use)
    if states.count(helper_calls.INVALID) >= MOST_INVALID:
        raise AnswerInvalid(use)
    if states.count(helper_calls.UNKNOWN) >= MOST_UNKNOWN:
        raise AnswerUnknown(use)
    return None


def settle_request(question: HelperQuestion, came: ChatAnswer | ChatFailed) -> tuple[str, str | None]:
    """The state of a request by what came of it, and the code of its fault."""
    if isinstance(came, ChatFailed):
        return STATES[came.kind], came.code
    if came.is_refusal:
        return helper_calls.REFUSED, "refusal"
    if came.finish_reason == "length":
        return helper_calls.INVALID, CUT_OFF
    value, code, _ = read_value(question, came.text)
    return (helper_calls.INVALID, code) if value is None else (helper_calls.OK, None)


def read_usage(answer: ChatAnswer | None) -> tuple[int, int] | None:
    if answer is None or answer.tokens_in is None or answer.tokens_out is None:
        return None
    return answer.tokens_in, answer.tokens_out


def choose_wait(failures: int, retry_after_s: float | None) -> float:
    """Seconds before the next request: what the address says, else twice as long each time, spread."""
    if retry_after_s is not None:
        return min(retry_after_s, LONGEST_WAIT_S)
    return float(FIRST_WAIT_S * 2 ** (failures - 1) * random.uniform(0.5, 1.5))
