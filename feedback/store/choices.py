"""What people did, read back in pieces for the derivation of training records: judgements with their sets,
thumbs with their prompts.

Pages by key, never by offset, each page in a short transaction of its own: a long read would hold up every
commit on SQLite.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Engine, select, tuple_
from sqlmodel import Session, col

from feedback.records.from_judgement import CLOSING, Judged, ShownReply, ShownSet
from feedback.records.personal import list_known
from feedback.store.conversations import TOLD_COLUMNS
from feedback.store.engine import read
from feedback.store.judgement_reasons import reasons_that_count
from feedback.store.tables import Candidate, Conversation, Judgement, Message, SuggestionSet, Thumb

PAGE = 500
MANY = 5_000  # rows of three short columns

JudgedSet = tuple[Judged, ShownSet]
Key = tuple[Any, ...]
Item = TypeVar("Item")


@dataclass(frozen=True)
class ThumbedReply:
    """The thumb that counts on one message: the last one. `prompt` is None where no set was drawn for the
    turn.
    """

    id: str
    message_id: str
    conversation: str
    value: int
    at: datetime
    text: str | None
    prompt: list[dict[str, str]] | None
    arm: str | None
    adapter: str | None
    chat_template_kwargs: dict[str, Any]
    language: str | None
    tags: list[str]
    reasons: list[str]
    comment: str | None
    known: list[str]  # what stands for the customer, to be replaced


def read_judged(
    session: Session,
    *,
    desk_id: str,
    after: Key | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    adapter: str | None = None,
    design: str | None = None,
    judgement_id: str | None = None,
    with_tokens: bool = True,
    limit: int = PAGE,
) -> list[JudgedSet]:
    """Judgements (no undo rows) with what was on the screen, oldest first. `after` is (created_at, id) of the
    last one had.

    `adapter` keeps the sets about one tuned version, `design` those of one design, `judgement_id` one
    judgement; without `with_tokens` the long lists of token ids stay on disk.
    """
    tokens = [col(SuggestionSet.prompt_token_ids)] if with_tokens else []
    query = (
        select(Judgement, reasons_that_count(), *SET_COLUMNS, *TOLD_COLUMNS, *tokens)
        .join(SuggestionSet, col(SuggestionSet.id) == col(Judgement.set_id))
        .join(Conversation, col(Conversation.id) == col(SuggestionSet.conversation_id))
        .where(col(Judgement.desk_id) == desk_id, col(Judgement.kind) != "undo")
        .order_by(col(Judgement.created_at), col(Judgement.id))
        .limit(limit)
    )
    if after is not None:
        query = query.where(tuple_(col(Judgement.created_at), col(Judgement.id)) > after)
    if since is not None:
        query = query.where(col(Judgement.created_at) >= since)
    if until is not None:
        query = query.where(col(Judgement.created_at) <= until)
    if adapter is not None:
        query = query.where(col(SuggestionSet.adapter) == adapter)
    if design is not None:
        query = query.where(col(SuggestionSet.design) == design)
    if judgement_id is not None:
        query = query.where(col(Judgement.id) == judgement_id)
    rows = session.execute(query).all()
    ids = [row[0].id for row in rows]
    taken_back = set(session.scalars(select(col(Judgement.undoes)).where(col(Judgement.undoes).in_(ids))))
    replies = read_replies(session, set_ids=sorted({row[0].set_id for row in rows}), with_tokens=with_tokens)
    judged: list[JudgedSet] = []
    for judgement, reasons, set_id, conversation, messages, design, tuned, base_id, kwargs, *rest in rows:
        shown = ShownSet(
            conversation=conversation,
            prompt=messages,
            replies=replies.get(set_id, ()),
            design=design,
            adapter=tuned,
            revealed=rest[0] is not None,
            prompt_token_ids=rest[5] if with_tokens else None,
            base_id=base_id or None,
            chat_template_kwargs=kwargs,
            language=rest[1],
            tags=tuple(rest[2]),
            known=tuple(list_known(*rest[3:5])),
        )
        judged.append((to_judged(judgement, reasons=reasons, undone=judgement.id in taken_back), shown))
    return judged


SET_COLUMNS = (
    col(SuggestionSet.id),
    col(SuggestionSet.conversation_id),
    col(SuggestionSet.messages),
    col(SuggestionSet.design),
    col(SuggestionSet.adapter),
    col(SuggestionSet.base_id),
    col(SuggestionSet.chat_template_kwargs),
    col(SuggestionSet.revealed_at),
)


def to_judged(row: Judgement, *, reasons: list[str], undone: bool) -> Judged:
    return Judged(
        id=row.id,
        kind=row.kind,
        agent=row.agent,
        at=row.created_at,
        candidate_id=row.candidate_id,
        candidate_ids=tuple(row.candidate_ids),
        text=row.text,
        dwell_ms=row.dwell_ms,
        reasons=tuple(reasons),
        undone=undone,
        unblinded=row.unblinded,
    )


def read_replies(session: Session, *, set_ids: list[str], with_tokens: bool) -> dict[str, list[ShownReply]]:
    """The candidates of each set in slot order."""
    columns = [
        col(Candidate.set_id),
        col(Candidate.id),
        col(Candidate.slot),
        col(Candidate.text),
        col(Candidate.arm),
        col(Candidate.adapter),
        col(Candidate.state),
    ]
    if with_tokens:
        columns.append(col(Candidate.token_ids))
    query = (
        select(*columns)
        .where(col(Candidate.set_id).in_(set_ids))
        .order_by(col(Candidate.set_id), col(Candidate.slot))
    )
    replies: dict[str, list[ShownReply]] = {}
    for set_id, *values in session.execute(query):
        replies.setdefault(set_id, []).append(ShownReply(*values))
    return replies


def read_thumbed(
    session: Session,
    *,
    desk_id: str,
    after: Key | None = None,
    until: datetime | None = None,
    limit: int = PAGE,
) -> list[ThumbedReply]:
    """The last thumb of each message that has one, by message id. `after` is (message id,) of the last one
    had.
    """
    marked = select(col(Thumb.message_id)).where(col(Thumb.desk_id) == desk_id)
    if after is not None:
        marked = marked.where(col(Thumb.message_id) > after[0])
    if until is not None:
        marked = marked.where(col(Thumb.created_at) <= until)
    ids = list(session.scalars(marked.distinct().order_by(col(Thumb.message_id)).limit(limit)))
    thumbs = select(Thumb).where(col(Thumb.message_id).in_(ids))
    if until is not None:
        thumbs = thumbs.where(col(Thumb.created_at) <= until)
    in_order = thumbs.order_by(col(Thumb.created_at), col(Thumb.id))
    last = {thumb.message_id: thumb for thumb in session.scalars(in_order)}
    query = (
        select(
            Message,
            Conversation,
            col(Candidate.arm),
            col(Candidate.adapter),
            col(SuggestionSet.messages),
            col(SuggestionSet.chat_template_kwargs),
        )
        .join(Conversation, col(Conversation.id) == col(Message.conversation_id))
        .outerjoin(Candidate, col(Candidate.id) == col(Message.candidate_id))
        .outerjoin(SuggestionSet, col(SuggestionSet.turn_id) == col(Message.turn_id))
        .where(col(Message.id).in_(ids))
        .order_by(col(Message.id))
    )
    found: list[ThumbedReply] = []
    for message, conversation, arm, adapter, prompt, kwargs in session.execute(query):
        thumb, verbatim = last[message.id], message.origin == "verbatim"
        found.append(
            ThumbedReply(
                id=thumb.id,
                message_id=message.id,
                conversation=message.conversation_id,
                value=thumb.value,
                at=thumb.created_at,
                text=message.text,
                prompt=prompt or None,
                arm=arm if verbatim else None,
                adapter=adapter if verbatim else None,
                chat_template_kwargs=kwargs or {},
                language=conversation.language,
                tags=conversation.tags,
                reasons=thumb.reasons,
                comment=thumb.comment,
                known=list_known(conversation.customer_id, conversation.customer_details),
            )
        )
    return found


def iterate_pages(
    store_engine: Engine, fetch: Callable[[Session, Key | None], list[Item]], key_of: Callable[[Item], Key]
) -> Iterator[Item]:
    """Every item of a paged query, each page read in a transaction of its own."""
    after: Key | None = None
    while True:
        with read(store_engine) as session:
            page = fetch(session, after)
        if not page:
            return
        yield from page
        after = key_of(page[-1])


def iterate_judged(
    store_engine: Engine,
    *,
    desk_id: str,
    since: datetime | None = None,
    until: datetime | None = None,
    adapter: str | None = None,
    with_tokens: bool = True,
) -> Iterator[JudgedSet]:
    """As `read_judged`, page by page to the end."""
    return iterate_pages(
        store_engine,
        lambda session, after: read_judged(
            session,
            desk_id=desk_id,
            after=after,
            since=since,
            until=until,
            adapter=adapter,
            with_tokens=with_tokens,
        ),
        lambda item: (item[0].at, item[0].id),
    )


def list_closings(store_engine: Engine, *, desk_id: str) -> dict[str | None, list[Key]]:
    """When each agent closed a set, oldest first, as (created_at, id) of judgements that nobody took back."""
    taken_back = select(col(Judgement.undoes)).where(
        col(Judgement.desk_id) == desk_id, col(Judgement.undoes).is_not(None)
    )
    query = (
        select(col(Judgement.agent), col(Judgement.created_at), col(Judgement.id))
        .where(
            col(Judgement.desk_id) == desk_id,
            col(Judgement.kind).in_(CLOSING),
            col(Judgement.id).not_in(taken_back),
        )
        .order_by(col(Judgement.created_at), col(Judgement.id))
        .limit(MANY)
    )

    def fetch(session: Session, after: Key | None) -> list[Key]:
        page = query
        if after is not None:
            page = query.where(tuple_(col(Judgement.created_at), col(Judgement.id)) > after)
        return [tuple(row) for row in session.execute(page)]

    closings: dict[str | None, list[Key]] = {}
    for agent, at, id in iterate_pages(store_engine, fetch, lambda row: row[1:]):
        closings.setdefault(agent, []).append((at, id))
    return closings


def iterate_thumbed(store_engine: Engine, *, desk_id: str, until: datetime) -> Iterator[ThumbedReply]:
    return iterate_pages(
        store_engine,
        lambda session, after: read_thumbed(session, desk_id=desk_id, after=after, until=until),
        lambda item: (item.message_id,),
    )
