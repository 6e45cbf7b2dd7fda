"""Judgements: what an agent did with a set, and taking it back. Append-only; what changes is the turn and
its set.

    pick, edit, own, tie   close the attempt and send a message, held back for the undo window
    none                   says that all are bad and leaves the set open for an own text
    skip                   gives the turn back to the queue
    undo                   a row of its own; before the release the message is retracted and the same set
    opens again

What they touch is locked and read by `judgement_locks.py`.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, insert
from sqlmodel import Session, col

from feedback.errors import ApiError, Conflict
from feedback.records.from_judgement import CLOSING, Judged
from feedback.store.changes import conversation_topic, note_change, turn_topic
from feedback.store.conversations import IncomingMessage, compose_message
from feedback.store.derived_records import add_judgement_record, take_back_record
from feedback.store.engine import get_row, of_desk, sent_together
from feedback.store.judgement_locks import LockedSet, change, lock_set
from feedback.store.judgement_rules import Verdict, check_verdict
from feedback.store.retractions import AlreadyUndone, NotYours, Retracted, retract_message
from feedback.store.tables import Judgement, Message, SuggestionSet, Turn, new_id
from feedback.store.turns import TurnAnswered, check_claim, check_waiting
from feedback.store.two_answers import add_two_answers, check_both, put_in_order

NEW_MESSAGE = insert(Message.__table__)  # type: ignore[attr-defined]
NEW_JUDGEMENT = insert(Judgement.__table__)  # type: ignore[attr-defined]
ORIGINS = {"pick": "verbatim", "tie": "verbatim", "edit": "edited", "own": "own"}


class CandidateNotInSet(ApiError):
    def __init__(self, candidate_id: str, set_id: str) -> None:
        super().__init__(
            422,
            "candidate_not_in_set",
            f"Candidate {candidate_id} is not one of set {set_id}.",
            "Take ids from this set's suggestions.",
        )


class CandidateUnavailable(ApiError):
    def __init__(self, candidate_id: str, state: str) -> None:
        super().__init__(
            422,
            "candidate_unavailable",
            f"Candidate {candidate_id} is {state} and cannot be judged.",
            "Take one whose state is ready, or write an own text.",
        )


class SetNotShown(Conflict):
    def __init__(self, set_id: str, state: str) -> None:
        super().__init__(
            "set_not_shown",
            f"The suggestions of set {set_id} ({state}) have not been shown.",
            "Fetch them first, or send an own text.",
        )


class UndoNotUndoable(Conflict):
    def __init__(self, judgement_id: str) -> None:
        super().__init__(
            "undo_not_undoable", f"Row {judgement_id} is an undo itself.", "Judge the turn again."
        )


@dataclass(frozen=True)
class JudgementSettings:
    """The settings that a judgement depends on."""

    undo_window_s: float
    claim_minutes: float
    two_answers: bool = False  # whether both of two equals may be sent


@dataclass(frozen=True)
class Recorded:
    judgement_id: str
    message_id: str | None  # what was sent, if anything
    conversation_id: str


def record_judgement(
    session: Session,
    *,
    desk_id: str,
    set_id: str,
    verdict: Verdict,
    now: datetime,
    settings: JudgementSettings,
) -> Recorded:
    """Stores the judgement and the message that it sends, if any."""
    check_verdict(verdict)
    connection = session.connection()
    locked = lock_set(connection, desk_id=desk_id, set_id=set_id, agent=verdict.agent)
    _check_open(locked)
    check_claim(locked.turn, agent=verdict.agent, now=now, claim_minutes=settings.claim_minutes)
    _check_candidates(locked, verdict)
    if verdict.both:
        check_both(connection, set_id=set_id, is_on=settings.two_answers)
    with sent_together(connection):
        judgement_id, message_id = _write(
            session, locked, verdict, now=now, is_held=verdict.both or settings.undo_window_s > 0
        )
    return Recorded(judgement_id, message_id, locked.conversation_id)


def _write(
    session: Session, locked: LockedSet, verdict: Verdict, *, now: datetime, is_held: bool
) -> tuple[str, str | None]:
    """Writes everything that the judgement changes; returns its id and that of the message it sends."""
    connection, message_id = session.connection(), None
    if verdict.kind in CLOSING:
        message_id = _send(connection, locked, verdict, now=now, is_held=is_held)
        _close(connection, locked, verdict, now=now)
        _note(session, locked)
    elif verdict.kind == "skip":
        change(connection, Turn, locked.turn.id, claimed_by=None, claimed_at=None)
    judgement_id = _insert(
        connection,
        locked,
        kind=verdict.kind,
        closes_attempt=locked.set.attempt if verdict.kind in CLOSING else None,
        agent=verdict.agent,
        candidate_id=verdict.candidate_id,
        candidate_ids=list(verdict.candidate_ids),
        message_id=message_id,
        text=verdict.text,
        reasons=list(verdict.reasons),
        dwell_ms=verdict.dwell_ms,
        unblinded=locked.is_unblinded,
        occurred_at=verdict.occurred_at or now,
        created_at=now,
    )
    judged = to_judged(judgement_id, verdict, at=now, unblinded=locked.is_unblinded)
    add_judgement_record(connection, desk_id=locked.desk_id, judged=judged, shown=locked.shown)
    return judgement_id, message_id


def to_judged(judgement_id: str, verdict: Verdict, *, at: datetime, unblinded: bool) -> Judged:
    return Judged(
        id=judgement_id,
        kind=verdict.kind,
        agent=verdict.agent,
        at=at,
        candidate_id=verdict.candidate_id,
        candidate_ids=verdict.candidate_ids,
        text=verdict.text,
        dwell_ms=verdict.dwell_ms,
        unblinded=unblinded,
        reasons=verdict.reasons,
    )


def _note(session: Session, locked: LockedSet) -> None:
    note_change(session, conversation_topic(locked.conversation_id))
    note_change(session, turn_topic(locked.turn.id))


def _insert(connection: Connection, locked: LockedSet, **values: Any) -> str:
    id = new_id()
    row = {"id": id, "desk_id": locked.desk_id, "set_id": locked.set.id, "turn_id": locked.turn.id, **values}
    connection.execute(NEW_JUDGEMENT, row)
    return id


def _check_open(locked: LockedSet) -> None:
    """Refuses a late judgement and says whether a colleague answered or the customer wrote again."""
    check_waiting(locked.turn)
    if locked.set.state in ("judged", "bypassed"):
        raise TurnAnswered(locked.turn.id, locked.set.state)


def _check_candidates(locked: LockedSet, verdict: Verdict) -> None:
    for candidate_id in dict.fromkeys((*verdict.candidate_ids, verdict.candidate_id)):
        if candidate_id is None:
            continue
        candidate = locked.find_reply(candidate_id)
        if candidate is None:
            raise CandidateNotInSet(candidate_id, locked.set.id)
        if candidate.state != "ready" or candidate.text is None:
            raise CandidateUnavailable(candidate_id, candidate.state)
    if not locked.set.is_shown and verdict.kind not in ("own", "skip"):
        raise SetNotShown(locked.set.id, locked.set.state)


def _send(
    connection: Connection, locked: LockedSet, verdict: Verdict, *, now: datetime, is_held: bool
) -> str:
    offered = put_in_order(locked.shown.replies, verdict.candidate_ids, locked.set.id) if verdict.both else []
    candidate_id = offered[0] if offered else verdict.candidate_id
    candidate = locked.find_reply(candidate_id) if candidate_id else None
    text = verdict.text if verdict.text is not None else candidate.text if candidate is not None else None
    assert text is not None, "check_verdict and _check_candidates let no other through"
    row = compose_message(
        desk_id=locked.desk_id,
        conversation_id=locked.conversation_id,
        last=locked.last,
        said=IncomingMessage("agent", text, verdict.occurred_at),
        now=now,
        is_held=is_held,
        origin=ORIGINS[verdict.kind],
        agent=verdict.agent,
        candidate_id=candidate_id,
        turn_id=locked.turn.id,
    )
    connection.execute(NEW_MESSAGE, row)
    if offered:
        add_two_answers(
            connection,
            desk_id=locked.desk_id,
            conversation_id=locked.conversation_id,
            set_id=locked.set.id,
            message_id=row["id"],
            candidate_ids=offered,
        )
    return str(row["id"])


def _close(connection: Connection, locked: LockedSet, verdict: Verdict, *, now: datetime) -> None:
    """Marks the turn as answered. A set that was never shown is `bypassed`: the own text is no choice."""
    shown = locked.set.is_shown
    change(
        connection,
        SuggestionSet,
        locked.set.id,
        state="judged" if shown else "bypassed",
        judged_at=now if shown else None,
    )
    change(
        connection,
        Turn,
        locked.turn.id,
        state="answered",
        answered_at=now,
        claimed_by=verdict.agent,
        claimed_at=now,
    )


@dataclass(frozen=True)
class Undone:
    undo_id: str
    message: Literal["retracted", "sent"] | None = None  # None: the judgement had sent nothing
    reopened: str | None = None  # the turn that waits again


def undo_judgement(
    session: Session, *, desk_id: str, judgement_id: str, agent: str | None, now: datetime
) -> Undone:
    """Takes a judgement back. With `agent` None it may be anybody's judgement (for admins and programs).

    Before the release the message is retracted and the turn reopens with the same set; afterwards the
    message stays and only the choice is withdrawn (`retractions.py`). If the customer wrote again meanwhile,
    the newer turn stands for both.
    """
    judgement = get_row(session, Judgement, judgement_id, desk_id=desk_id, what="judgement")
    if agent is not None and judgement.agent != agent:
        raise NotYours("judgement", judgement_id)
    if judgement.kind == "undo":
        raise UndoNotUndoable(judgement_id)
    connection = session.connection()
    locked = lock_set(connection, desk_id=desk_id, set_id=judgement.set_id, agent=agent)
    if session.exec(of_desk(Judgement, desk_id).where(col(Judgement.undoes) == judgement_id)).first():
        raise AlreadyUndone("judgement", judgement_id)
    retracted = _retract(session, judgement, now=now)
    take_back_record(connection, desk_id=desk_id, judgement_id=judgement_id)
    undo_id = _insert(
        connection,
        locked,
        kind="undo",
        undoes=judgement_id,
        agent=agent or judgement.agent,
        message_id=judgement.message_id,
        candidate_ids=[],
        reasons=[],
        unblinded=False,
        occurred_at=now,
        created_at=now,
    )
    _note(session, locked)
    return Undone(undo_id, retracted.message, retracted.reopened) if retracted else Undone(undo_id)


def _retract(session: Session, judgement: Judgement, *, now: datetime) -> Retracted | None:
    """Retracts the message that the judgement sent and returns the outcome; None if it sent none."""
    if judgement.message_id is None:
        return None
    message = get_row(
        session, Message, judgement.message_id, desk_id=judgement.desk_id, what="message", lock=True
    )
    return retract_message(session, message=message, now=now)
