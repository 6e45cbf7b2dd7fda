"""What the helper wrote for children of training records: calls that are named after the child. Erasure finds
them by their subject, as all calls about a record. Keyword-only, session first, no commit.
"""

import json
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import select
from sqlmodel import Session, col

from feedback.store import helper_calls
from feedback.store.helper_subjects import CallSubject, add_subjects
from feedback.store.tables import HelperCall, HelperSubject


class WrittenText(NamedTuple):
    """A text, and the key of the call that it came by."""

    text: str
    call: str


def name_text_of_child(session: Session, *, desk_id: str, key: str, subject: CallSubject) -> None:
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
    """By the address of a child the text that was written for it last."""
    found: dict[str, WrittenText] = {}
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
            found[name] = WrittenText(json.loads(answer)["text"].strip(), key)
    return found
