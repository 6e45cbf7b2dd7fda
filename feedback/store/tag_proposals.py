"""Tags that patterns propose for conversations, and what people say to them.

A proposal is no row: it is found among what customers wrote, newest first, until somebody decides on it. What
is confirmed goes to the conversation's tags, where every filter and count finds it; the decision is kept.
Keyword-only, session first, no commit.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from feedback.errors import Conflict
from feedback.store.conversations import lock_conversation
from feedback.store.derived_records import renew_conversations
from feedback.store.engine import get_row
from feedback.store.row_selection import spell
from feedback.store.tables import Conversation, Message, Tag, TagDecision
from feedback.store.tags import get_tag, list_tags, read_tag_tree
from feedback.tags.errors import TagState
from feedback.tags.patterns import Hit, longest_word, match_patterns
from feedback.tags.tree import ACTIVE, TagTree

CONFIRM, REJECT, UNDO_DECISION = "confirm", "reject", "undo"
LOOKED_AT_MESSAGES = 5_000  # the newest that a pattern's words are in
AT_A_TIME = 500


class TagDecided(Conflict):
    def __init__(self, decision_id: str) -> None:
        super().__init__(
            "tag_decided",
            f"The decision {decision_id} was taken back already, or is no decision.",
            "Look at what is proposed now.",
        )


@dataclass(frozen=True)
class TagProposal:
    """A tag for a conversation, with the words of a message that a pattern found."""

    tag_id: str
    conversation_id: str
    language: str | None
    at: datetime
    hit: Hit


@dataclass(frozen=True)
class SaidOfTag:
    """What somebody says to one proposal: confirm or reject."""

    tag_id: str
    conversation_id: str
    verdict: str
    pattern: str | None = None


def list_tag_proposals(
    session: Session, *, desk_id: str, tag_id: str | None = None, limit: int = 50
) -> list[TagProposal]:
    """The newest proposals, of all tags or of one and those below it; each tag once for a conversation."""
    tree = read_tag_tree(session, desk_id=desk_id)
    asked = set(tree.paths) if tag_id is None else set(tree.list_below(tag_id))
    rows = list_tags(session, desk_id=desk_id).values()
    tags = [row for row in rows if row.id in asked and row.state == ACTIVE and row.patterns]
    found: dict[tuple[str, str], TagProposal] = {}
    looked = 0
    while tags and len(found) < limit and looked < LOOKED_AT_MESSAGES:
        page = session.execute(_find_messages(desk_id, tags).offset(looked).limit(AT_A_TIME)).all()
        decided = find_decided(session, desk_id=desk_id, conversation_ids=[row[1] for row in page])
        for proposal in propose(page, tags, tree):
            key = proposal.conversation_id, proposal.tag_id
            if key not in decided:
                found.setdefault(key, proposal)
        looked += AT_A_TIME
        if len(page) < AT_A_TIME:
            break
    return list(found.values())[:limit]


def _find_messages(desk_id: str, tags: Sequence[Tag]) -> Any:
    """What customers wrote with one of the words that the patterns have."""
    words = {spelt for row in tags for pattern in row.patterns for spelt in spell(longest_word(pattern))}
    columns = (Message.text, Message.conversation_id, Message.created_at)
    return (
        select(*columns, col(Conversation.language), col(Conversation.tags))  # type: ignore[call-overload]
        .join(Conversation, col(Conversation.id) == col(Message.conversation_id))
        .where(
            col(Message.desk_id) == desk_id,
            col(Message.role) == "customer",
            col(Message.retracted_at).is_(None),
            col(Message.text).is_not(None),
            or_(*(col(Message.text).icontains(word, autoescape=True) for word in sorted(words))),
        )
        .order_by(col(Message.created_at).desc(), col(Message.id).desc())
    )


def propose(page: Sequence[Any], tags: Sequence[Tag], tree: TagTree) -> Iterator[TagProposal]:
    """What the patterns find in these messages, but tags that their conversation has, itself or below."""
    for text, conversation_id, at, language, strings in page:
        has = tree.lift(strings)
        for row in tags:
            hit = None if tree.paths[row.id] in has else match_patterns(row.patterns, text)
            if hit is not None:
                yield TagProposal(row.id, conversation_id, language, at, hit)


def find_decided(session: Session, *, desk_id: str, conversation_ids: Sequence[str]) -> set[tuple[str, str]]:
    """(conversation, tag) of the decisions that nobody took back."""
    taken_back = aliased(TagDecision)
    query = (
        select(col(TagDecision.conversation_id), col(TagDecision.tag_id))
        .outerjoin(taken_back, col(taken_back.undoes) == col(TagDecision.id))
        .where(
            col(TagDecision.desk_id) == desk_id,
            col(TagDecision.conversation_id).in_(set(conversation_ids)),
            col(TagDecision.verdict) != UNDO_DECISION,
            col(taken_back.id).is_(None),
        )
    )
    return {(conversation, tag) for conversation, tag in session.execute(query)}


def decide_tags(
    session: Session, *, desk_id: str, said: Sequence[SaidOfTag], actor: str, now: datetime
) -> list[TagDecision]:
    """Stores decisions and adds what is confirmed to the conversations' tags. What somebody else decided
    meanwhile is left as it is.
    """
    tree = read_tag_tree(session, desk_id=desk_id)
    made: list[TagDecision] = []
    for one in sorted(said, key=lambda each: each.conversation_id):
        tag = get_tag(session, desk_id=desk_id, tag_id=one.tag_id)
        if tag.state != ACTIVE:
            raise TagState(tree.path_of(tag.id), tag.state)
        talk = lock_conversation(session, desk_id=desk_id, conversation_id=one.conversation_id)
        if (talk.id, tag.id) in find_decided(session, desk_id=desk_id, conversation_ids=[talk.id]):
            continue
        path, added = tree.paths[tag.id], None
        if one.verdict == CONFIRM and path not in tree.lift(talk.tags):
            talk.tags, added = [*talk.tags, path], path
        row = TagDecision(
            desk_id=desk_id,
            conversation_id=talk.id,
            tag_id=tag.id,
            verdict=one.verdict,
            pattern=one.pattern,
            added=added,
            actor=actor,
            created_at=now,
        )
        session.add_all([talk, row])
        session.flush()
        made.append(row)
    renew_conversations(session, conversation_ids=[row.conversation_id for row in made if row.added])
    return made


def undo_tag_decisions(
    session: Session, *, desk_id: str, ids: Sequence[str], actor: str, now: datetime
) -> list[TagDecision]:
    """Takes decisions back: their tags leave the conversations and are proposed again. Raises TagDecided."""
    rows = [get_row(session, TagDecision, id, desk_id=desk_id, what="tag_decision") for id in ids]
    made: list[TagDecision] = []
    for row in sorted(rows, key=lambda each: each.conversation_id):
        talk = lock_conversation(session, desk_id=desk_id, conversation_id=row.conversation_id)
        taken_back = select(col(TagDecision.id)).where(col(TagDecision.undoes) == row.id)
        if row.verdict == UNDO_DECISION or session.scalar(taken_back) is not None:
            raise TagDecided(row.id)
        if row.added is not None:
            talk.tags = [tag for tag in talk.tags if tag != row.added]
        undo = TagDecision(
            desk_id=desk_id,
            conversation_id=row.conversation_id,
            tag_id=row.tag_id,
            verdict=UNDO_DECISION,
            undoes=row.id,
            actor=actor,
            created_at=now,
        )
        session.add_all([talk, undo])
        session.flush()
        made.append(undo)
    renew_conversations(session, conversation_ids=[row.conversation_id for row in rows if row.added])
    return made
