"""What the helper wrote for children of training records, and whether the reply still fits: two calls, both
named after the child. Erasure finds them by their subject, as all calls about a record. Keyword-only, session
first, no commit.
"""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlmodel import Session, col

from feedback.store import helper_calls
from feedback.store.helper_subjects import CallSubject, add_subjects
from feedback.store.tables import HelperCall, HelperSubject


class WrittenText(NamedTuple):
    """A text, the key of the call that it came by, and whether the preferred reply answers it."""

    text: str
    call: str
    fits: bool


def name_call_of_child(session: Session, *, desk_id: str, key: str, subject: CallSubject) -> None:
    """Names the answered call with this key after a child, once. Without one, for its texts were erased, it
    does nothing.
    """
    calls = helper_calls.list_calls(session, desk_id=desk_id, key=key)
    answered = [call for call in calls if call.state == helper_calls.OK]
    named = select(col(HelperSubject.id)).where(
        col(HelperSubject.call_id).in_([call.id for call in answered]),
        col(HelperSubject.name) == subject.name,
    )
    if answered and session.scalar(named.limit(1)) is None:
        add_subjects(session, call=answered[-1], subjects=[subject])


def read_texts_of_children(
    session: Session, *, desk_id: str, operations: Sequence[str]
) -> dict[str, WrittenText]:
    """By the address of a child the text that was written for it last, where it was said whether it fits."""
    found: dict[str, dict[str, Any]] = {}
    for operation in operations:
        query = (
            select(col(HelperSubject.name), col(HelperCall.answer), col(HelperCall.key))
            .join(HelperCall, col(HelperSubject.call_id) == col(HelperCall.id))
            .where(
                col(HelperSubject.desk_id) == desk_id,
                col(HelperSubject.name).endswith(f"~{operation}", autoescape=True),
                col(HelperCall.state) == helper_calls.OK,
                col(HelperCall.answer).is_not(None),
            )
            .order_by(col(HelperCall.created_at), col(HelperCall.id))
        )
        for name, answer, key in session.execute(query):
            told = json.loads(answer)
            found.setdefault(name, {}).update(told | {"call": key} if "text" in told else told)
    return {
        name: WrittenText(told["text"].strip(), told["call"], told["fits"])
        for name, told in found.items()
        if "text" in told and "fits" in told
    }
