"""Closes turns that need no reply, many at once, and takes that back.

A closing is a decision about the turn alone: the turn no longer waits and its set is superseded. No judgement
is made of its suggestions, so nothing is learnt from it and no rate counts it. The customer sees nothing of
it: their next message opens a new turn. Erasure also closes turns, without a reason and for good.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import case, update
from sqlmodel import Session, col, func, select

from feedback.errors import NotFound
from feedback.store.changes import note_change, turn_topic
from feedback.store.engine import of_desk, within
from feedback.store.row_selection import is_in_language
from feedback.store.tables import Conversation, Message, SuggestionSet, Turn
from feedback.store.tags import match_tag
from feedback.store.turns import OPEN_SETS, find_claim


def close_turns(
    session: Session,
    *,
    desk_id: str,
    turn_ids: Sequence[str],
    reason: str,
    agent: str,
    now: datetime,
    claim_minutes: float,
) -> list[str]:
    """Closes those of these turns that wait and that no colleague is answering; returns what it closed."""
    closed = [
        turn
        for turn in _lock_turns(session, desk_id=desk_id, turn_ids=turn_ids)
        if turn.state == "waiting" and find_claim(turn, now=now, claim_minutes=claim_minutes) in (None, agent)
    ]
    for turn in closed:
        turn.state, turn.closed_as, turn.closed_by, turn.closed_at = "closed", reason, agent, now
        turn.claimed_by, turn.claimed_at = None, None
    session.add_all(closed)
    ids = _note(session, closed)
    sets = update(SuggestionSet).where(
        col(SuggestionSet.turn_id).in_(ids), col(SuggestionSet.state).in_(OPEN_SETS)
    )
    session.execute(sets.values(state="superseded"))
    return ids


def reopen_turns(session: Session, *, desk_id: str, turn_ids: Sequence[str]) -> list[str]:
    """Reopens these turns and returns those that wait again, each with its former set. The others were not
    closed by a person, or their conversation has gone on since.
    """
    turns = [
        turn
        for turn in _lock_turns(session, desk_id=desk_id, turn_ids=turn_ids)
        if turn.state == "closed" and turn.closed_as is not None
    ]
    active = _find_active_closings(session, [turn.id for turn in turns])
    reopened = [turn for turn in turns if turn.id in active]
    for turn in reopened:
        turn.state, turn.closed_as, turn.closed_by, turn.closed_at = "waiting", None, None, None
    session.add_all(reopened)
    ids = _note(session, reopened)
    state = case(
        (col(SuggestionSet.error).is_not(None), "failed"),
        (col(SuggestionSet.prepared_at).is_not(None), "ready"),
        else_="preparing",
    )
    sets = update(SuggestionSet).where(
        col(SuggestionSet.turn_id).in_(ids), col(SuggestionSet.state) == "superseded"
    )
    session.execute(sets.values(state=state).execution_options(synchronize_session=False))
    return ids


def count_closings(
    session: Session,
    *,
    desk_id: str,
    since: datetime | None,
    until: datetime | None = None,
    agent: str | None = None,
    language: str | None = None,
    tag: str | None = None,
) -> dict[str, int]:
    """Closings that were not taken back, by reason; both ends of the time count, `language` has no region, a
    tag takes in those below it.
    """
    is_closing = Turn.desk_id == desk_id, col(Turn.closed_as).is_not(None)
    query = select(Turn.closed_as, func.count()).where(
        *is_closing, *within(col(Turn.closed_at), since, until)
    )
    if agent is not None:
        query = query.where(Turn.closed_by == agent)
    if language is not None or tag is not None:
        query = query.join(Conversation, col(Conversation.id) == Turn.conversation_id)
    query = query.where(*match_tag(session, desk_id, tag, Conversation.tags))
    if language is not None:
        query = query.where(is_in_language(language, col(Conversation.language)))
    return {str(reason): count for reason, count in session.exec(query.group_by(col(Turn.closed_as)))}


def _lock_turns(session: Session, *, desk_id: str, turn_ids: Sequence[str]) -> Sequence[Turn]:
    """The turns, oldest first, locked together with their conversations until the transaction ends."""
    named = of_desk(Turn, desk_id).where(col(Turn.id).in_(turn_ids))
    found = {turn.id: turn.conversation_id for turn in session.exec(named)}
    for turn_id in turn_ids:
        if turn_id not in found:
            raise NotFound("turn", turn_id)
    conversations = select(Conversation.id).where(col(Conversation.id).in_(set(found.values())))
    session.exec(conversations.order_by(col(Conversation.id)).with_for_update(key_share=True)).all()
    locked = named.order_by(col(Turn.created_at), col(Turn.id)).with_for_update(key_share=True)
    return session.exec(locked.execution_options(populate_existing=True)).all()


def _find_active_closings(session: Session, turn_ids: Sequence[str]) -> set[str]:
    """Those of the turns whose message is the last one of a conversation that was not erased."""
    last = (
        select(Message.conversation_id, func.max(Message.position).label("position"))
        .where(col(Message.retracted_at).is_(None))
        .group_by(col(Message.conversation_id))
        .subquery()
    )
    query = (
        select(Turn.id)
        .join(Message, col(Message.id) == Turn.message_id)
        .join(Conversation, col(Conversation.id) == Turn.conversation_id)
        .join(last, last.c.conversation_id == Turn.conversation_id)
        .where(
            col(Turn.id).in_(turn_ids),
            last.c.position == Message.position,
            col(Conversation.erased_at).is_(None),
        )
    )
    return set(session.exec(query))


def _note(session: Session, turns: Sequence[Turn]) -> list[str]:
    session.flush()
    for turn in turns:
        note_change(session, turn_topic(turn.id))
    return [turn.id for turn in turns]
