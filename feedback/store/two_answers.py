"""A reply with two texts to choose from: held until its customer has picked one, so that nobody ever reads
another text in the conversation than that.

    held for the undo window -> shown, still held -> answered: released with the picked text, or taken back

A message that was taken back or erased is offered no more, whatever its row says.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from feedback.canonical import hash_text
from feedback.errors import Conflict
from feedback.records.from_judgement import ShownReply
from feedback.store.changes import conversation_topic, note_change
from feedback.store.engine import of_desk
from feedback.store.tables import Candidate, Message, TwoAnswers, new_id

FIRST, SECOND, BOTH, NEITHER = "first", "second", "both", "neither"  # what a customer says
WROTE_ON, RELEASED = "wrote_on", "released"  # somebody wrote on, or an agent sent the first
HELD = (col(Message.release_no).is_(None), col(Message.retracted_at).is_(None))
OFFERED = (col(TwoAnswers.shown_at).is_not(None), col(TwoAnswers.answer).is_(None))
NEW = insert(TwoAnswers.__table__)  # type: ignore[attr-defined]


class TwoAnswersOff(Conflict):
    def __init__(self, set_id: str) -> None:
        super().__init__(
            "two_answers_off",
            f"Both replies of set {set_id} cannot be sent: customers are not given two answers here.",
            "Send one of them, or let an admin switch on two_answers in the settings.",
        )


class TwoAnswersGiven(Conflict):
    def __init__(self, set_id: str) -> None:
        super().__init__(
            "two_answers_given",
            f"The customer has had two answers of set {set_id} to choose from already.",
            "Send one reply, or write an own text.",
        )


@dataclass(frozen=True)
class Offered:
    """What a customer may pick from. `id` is the message that waits for it."""

    row: TwoAnswers
    first: str
    second: str

    @property
    def id(self) -> str:
        return self.row.message_id


def put_in_order(replies: Sequence[ShownReply], ids: Collection[str], set_id: str) -> list[str]:
    """These replies in the order in which a customer sees them: a hash's, which says nothing of who wrote
    them, nor of which one the agent named first.
    """
    offered = [reply for reply in replies if reply.id in ids]
    return [reply.id for reply in sorted(offered, key=lambda reply: hash_text(f"{set_id}:{reply.slot}"))]


def check_both(connection: Connection, *, set_id: str, is_on: bool) -> None:
    """Whether two replies of a set may be sent: a set is asked about once. Raises TwoAnswersOff,
    TwoAnswersGiven.
    """
    if not is_on:
        raise TwoAnswersOff(set_id)
    given = select(col(TwoAnswers.id)).where(TwoAnswers.set_id == set_id, col(TwoAnswers.answer).is_not(None))
    if connection.execute(given.limit(1)).first() is not None:
        raise TwoAnswersGiven(set_id)


def add_two_answers(
    connection: Connection,
    *,
    desk_id: str,
    conversation_id: str,
    set_id: str,
    message_id: str,
    candidate_ids: Sequence[str],
) -> None:
    """`candidate_ids`: the first and the second, as they are shown."""
    first_id, second_id = candidate_ids
    row = {"desk_id": desk_id, "conversation_id": conversation_id, "set_id": set_id, "message_id": message_id}
    connection.execute(NEW, {"id": new_id(), "first_id": first_id, "second_id": second_id, **row})


def find_offered(session: Session, *, desk_id: str, conversation_id: str) -> Offered | None:
    """The two answers that the customer sees now."""
    first, second = aliased(Candidate), aliased(Candidate)
    query = (
        select(TwoAnswers, first.text, second.text)
        .join(Message, col(Message.id) == TwoAnswers.message_id)
        .join(first, col(first.id) == TwoAnswers.first_id)
        .join(second, col(second.id) == TwoAnswers.second_id)
        .where(
            TwoAnswers.desk_id == desk_id,
            TwoAnswers.conversation_id == conversation_id,
            *OFFERED,
            col(Message.retracted_at).is_(None),
            col(Message.text).is_not(None),
        )
        .order_by(col(TwoAnswers.shown_at).desc(), col(TwoAnswers.id))
    )
    found = session.exec(query.limit(1)).first()
    return None if found is None else Offered(found[0], found[1] or "", found[2] or "")


def is_offered(session: Session, *, message_id: str) -> bool:
    """Whether the customer sees the two texts of this message now."""
    query = select(TwoAnswers.id).where(TwoAnswers.message_id == message_id, *OFFERED)
    return session.exec(query).first() is not None


def list_offered(session: Session, *, desk_id: str) -> Sequence[str]:
    """The messages of which a customer sees two texts now."""
    query = (
        select(TwoAnswers.message_id)
        .join(Message, col(Message.id) == TwoAnswers.message_id)
        .where(TwoAnswers.desk_id == desk_id, *OFFERED, *HELD)
    )
    return session.exec(query).all()


def offer_both(session: Session, *, message_id: str, now: datetime) -> bool:
    """Shows the customer both texts of a held message of a locked conversation; tells whether they are to
    pick. They are not where somebody wrote on during the undo window: then the first is the answer.
    """
    query = select(TwoAnswers, Message).join(Message, col(Message.id) == TwoAnswers.message_id)
    still_open = query.where(TwoAnswers.message_id == message_id, col(TwoAnswers.answer).is_(None), *HELD)
    found = session.exec(still_open.execution_options(populate_existing=True)).one_or_none()
    if found is None:
        return False
    row, message = found
    later = select(Message.id).where(
        Message.conversation_id == row.conversation_id,
        Message.position > message.position,
        col(Message.retracted_at).is_(None),
    )
    if row.shown_at is None and session.exec(later.limit(1)).first() is not None:
        row.answer, row.answered_at = WROTE_ON, now
    else:
        row.shown_at = row.shown_at or now
    session.add(row)
    session.flush()
    note_change(session, conversation_topic(row.conversation_id))
    return row.answer is None


def close_offered(session: Session, *, offered: Offered, answer: str, now: datetime) -> None:
    """Writes what became of the two answers, and gives the held message the text that was picked."""
    row = offered.row
    row.answer, row.answered_at = answer, now
    session.add(row)
    if answer == SECOND:
        message = session.exec(of_desk(Message, row.desk_id).where(Message.id == row.message_id)).one()
        message.text, message.candidate_id = offered.second, row.second_id
        session.add(message)
    session.flush()
    note_change(session, conversation_topic(row.conversation_id))
