"""Reads one conversation for the console: its messages, and the cards that were shown before each reply.

The arm and version of a card are shown only when nobody can take the set's judgement back into an open set
(`row_selection.py`). Before its judgement only the state of a set is shown. Reads only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlmodel import Session, col

from feedback.records.candidate import READY
from feedback.records.derived import JUDGEMENT, THUMB
from feedback.store.engine import get_row, leave_out, of_desk
from feedback.store.live_judgements import is_judgement
from feedback.store.row_facts import RowVerdict, describe_row_verdict
from feedback.store.row_selection import select_held
from feedback.store.sets import LARGE
from feedback.store.tables import Candidate, Conversation, Judgement, Message, Record, SuggestionSet, Turn

SHOWN = 500  # most messages that are shown


@dataclass(frozen=True)
class ShownCard:
    """A card of a set. `arm` and `version` are None where they must stay hidden."""

    slot: int
    text: str | None
    is_picked: bool
    arm: str | None = None
    version: str | None = None


@dataclass(frozen=True)
class JudgementView:
    """What one agent did with a set."""

    row: Judgement
    verdict: RowVerdict


@dataclass(frozen=True)
class SetView:
    """What was offered for one customer message. `cards` is empty until the set is judged."""

    id: str
    state: str
    cards: list[ShownCard]
    judged: list[JudgementView]


@dataclass(frozen=True)
class ConversationView:
    """A conversation. `sets` and `closed` are keyed by the customer's message, `thumbs` by the reply."""

    conversation: Conversation
    messages: Sequence[Message]
    sets: Mapping[str, SetView]
    closed: Mapping[str, str]
    thumbs: Mapping[str, str]


def read_conversation(session: Session, *, desk_id: str, conversation_id: str) -> ConversationView:
    """The conversation with everything that the console shows of it. Raises NotFound."""
    row = get_row(session, Conversation, conversation_id, desk_id=desk_id, what="conversation")
    said = of_desk(Message, desk_id).where(col(Message.conversation_id) == row.id)
    newest = session.exec(said.order_by(col(Message.position).desc()).limit(SHOWN)).all()
    turns = session.exec(of_desk(Turn, desk_id).where(col(Turn.conversation_id) == row.id)).all()
    drawn = of_desk(SuggestionSet, desk_id).where(col(SuggestionSet.conversation_id) == row.id)
    sets = {shown.turn_id: shown for shown in session.exec(drawn.options(*leave_out(LARGE)))}
    judged = _read_judged(session, desk_id, [shown.id for shown in sets.values()])
    thumbs = select(Record).where(
        col(Record.desk_id) == desk_id,
        col(Record.origin_kind) == THUMB,
        col(Record.origin_id).in_([message.id for message in newest]),
    )
    return ConversationView(
        conversation=row,
        messages=newest[::-1],
        sets={
            turn.message_id: _describe_set(session, sets[turn.id], judged.get(sets[turn.id].id, []))
            for turn in turns
            if turn.id in sets
        },
        closed={turn.message_id: turn.closed_as for turn in turns if turn.closed_as},
        thumbs={thumb.origin_id or "": thumb.given or "" for thumb in session.scalars(thumbs)},
    )


def _read_judged(session: Session, desk_id: str, set_ids: Sequence[str]) -> dict[str, list[JudgementView]]:
    query = (
        select(Judgement, Record)
        .join(
            Record,
            (col(Record.desk_id) == desk_id)
            & (col(Record.origin_kind) == JUDGEMENT)
            & (col(Record.origin_id) == col(Judgement.id)),
        )
        .where(col(Judgement.set_id).in_(set_ids), is_judgement())
        .order_by(col(Judgement.created_at), col(Judgement.id))
    )
    held = set(session.scalars(select_held(desk_id=desk_id)))
    found: dict[str, list[JudgementView]] = {}
    for row, record in session.execute(query):
        found.setdefault(row.set_id, []).append(JudgementView(row, describe_row_verdict(record, held)))
    return found


def _describe_set(session: Session, shown: SuggestionSet, judged: list[JudgementView]) -> SetView:
    if shown.state != "judged":
        return SetView(shown.id, shown.state, [], judged)
    active = [each for each in judged if not each.verdict.is_undone]
    picked = {id for each in active for id in (each.row.candidate_id, *each.row.candidate_ids) if id}
    is_revealed = any(each.verdict.is_settled for each in active)
    offered = select(Candidate).where(col(Candidate.set_id) == shown.id, col(Candidate.state) == READY)
    cards = [
        ShownCard(
            slot=card.slot,
            text=card.text,
            is_picked=card.id in picked,
            arm=card.arm if is_revealed else None,
            version=card.adapter if is_revealed else None,
        )
        for card in session.scalars(offered.order_by(col(Candidate.slot)))
    ]
    return SetView(shown.id, shown.state, cards, judged)
