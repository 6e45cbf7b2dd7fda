"""A reply with two texts to choose from: held until its customer has picked one, so that nobody ever reads
another text in the conversation than that.

    held for the undo window -> shown, still held -> answered: released with the picked text, or taken back

A message that was taken back or erased has no such choice left, whatever its row says.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from feedback.canonical import hash_text
from feedback.errors import Conflict
from feedback.store.changes import conversation_topic, note_change
from feedback.store.engine import of_desk
from feedback.store.tables import Candidate, Message, TwoAnswers, new_id

FIRST, SECOND, BOTH, NEITHER, WROTE_ON = "first", "second", "both", "neither", "wrote_on"
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
class Choice:
    """What a customer may pick from. `id` is the message that waits for it."""

    row: TwoAnswers
    first: str
    second: str

    @property
    def id(self) -> str:
        return self.row.message_id


def put_in_order(set_id: str, slots: Sequence[int]) -> list[int]:
    """The slots in the order in which they are shown: a hash's, which says nothing of who wrote them."""
    return sorted(slots, key=lambda slot: hash_text(f"{set_id}:{slot}"))


def check_not_given(connection: Connection, *, set_id: str) -> None:
    """Raises TwoAnswersGiven: a set is asked about once, so that its item has one label."""
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
    first_id: str,
    second_id: str,
) -> None:
    row = {"desk_id": desk_id, "conversation_id": conversation_id, "set_id": set_id, "message_id": message_id}
    connection.execute(NEW, {"id": new_id(), "first_id": first_id, "second_id": second_id, **row})


def find_choice(session: Session, *, desk_id: str, conversation_id: str) -> Choice | None:
    """The choice that the customer sees now."""
    first, second = aliased(Candidate), aliased(Candidate)
    query = (
        select(TwoAnswers, first.text, second.text)
        .join(Message, col(Message.id) == TwoAnswers.message_id)
        .join(first, col(first.id) == TwoAnswers.first_id)
        .join(second, col(second.id) == TwoAnswers.second_id)
        .where(
            TwoAnswers.desk_id == desk_id,
            TwoAnswers.conversation_id == conversation_id,
            col(TwoAnswers.shown_at).is_not(None),
            col(TwoAnswers.answer).is_(None),
            col(Message.retracted_at).is_(None),
            col(Message.text).is_not(None),
        )
        .order_by(col(TwoAnswers.shown_at).desc(), col(TwoAnswers.id))
    )
    found = session.exec(query.limit(1)).first()
    return None if found is None else Choice(found[0], found[1] or "", found[2] or "")


def is_shown(session: Session, *, message_id: str) -> bool:
    """Whether the customer sees the two texts of this message now."""
    query = select(TwoAnswers.id).where(
        TwoAnswers.message_id == message_id,
        col(TwoAnswers.answer).is_(None),
        col(TwoAnswers.shown_at).is_not(None),
    )
    return session.exec(query).first() is not None


def show_two_answers(session: Session, *, message_id: str, now: datetime) -> bool:
    """Shows the customer both texts of a message, if they are to pick one; tells whether they are."""
    query = select(TwoAnswers).where(TwoAnswers.message_id == message_id, col(TwoAnswers.answer).is_(None))
    row = session.exec(query).one_or_none()
    if row is None:
        return False
    row.shown_at = row.shown_at or now
    session.add(row)
    note_change(session, conversation_topic(row.conversation_id))
    return True


def close_choice(session: Session, *, choice: Choice, answer: str, now: datetime) -> None:
    """Writes what the customer said of the two answers, and gives the held message the text they picked."""
    row = choice.row
    row.answer, row.answered_at = answer, now
    session.add(row)
    message = session.exec(of_desk(Message, row.desk_id).where(Message.id == row.message_id)).one()
    if answer == SECOND:
        message.text, message.candidate_id = choice.second, row.second_id
        session.add(message)
    session.flush()
    note_change(session, conversation_topic(row.conversation_id))
