"""Reads what people did, for the derivation of records: judgements with their sets, and thumbs with their
prompts. The rules are in `feedback/records/derived.py`.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Engine, select, tuple_
from sqlmodel import Session, col

from feedback.records.from_judgement import Judged, ShownReply, ShownSet
from feedback.records.from_thumb import ThumbedReply
from feedback.records.personal import list_known
from feedback.store.conversations import CONVERSATION_COLUMNS
from feedback.store.engine import columns_of, read
from feedback.store.judgement_reasons import reasons_that_count
from feedback.store.live_judgements import is_judgement, is_undone
from feedback.store.tables import Candidate, Conversation, Judgement, Message, SuggestionSet, Thumb

PAGE = 500

JudgedSet = tuple[Judged, ShownSet]
Key = tuple[Any, ...]
Item = TypeVar("Item")

JUDGEMENT_COLUMNS = columns_of(Judgement, "id kind agent created_at candidate_id candidate_ids text dwell_ms")
SET_COLUMNS = columns_of(
    SuggestionSet, "id conversation_id messages design adapter base_id chat_template_kwargs revealed_at"
)
THUMB_COLUMNS = columns_of(Thumb, "id message_id value created_at reasons comment")
MARKED_COLUMNS = columns_of(Message, "id conversation_id text origin")
CARD_COLUMNS = columns_of(Candidate, "set_id id slot text arm adapter state")


def read_judged(
    session: Session, *, which: ColumnElement[bool], with_tokens: bool = False
) -> list[JudgedSet]:
    """Reads these judgements (without undo rows) with what was on the screen, oldest first: one page at most.

    Without `with_tokens` the long lists of token ids stay on disk.
    """
    tokens = [col(SuggestionSet.prompt_token_ids)] if with_tokens else []
    query = (
        select(
            *JUDGEMENT_COLUMNS,
            is_undone(),
            col(Judgement.unblinded),
            reasons_that_count(),
            *SET_COLUMNS,
            *CONVERSATION_COLUMNS,
            *tokens,
        )
        .join(SuggestionSet, col(SuggestionSet.id) == col(Judgement.set_id))
        .join(Conversation, col(Conversation.id) == col(SuggestionSet.conversation_id))
        .where(which, is_judgement())
        .order_by(col(Judgement.created_at), col(Judgement.id))
    )
    rows = session.execute(query).all()
    at_set = len(JUDGEMENT_COLUMNS) + 3
    set_ids = sorted({row[at_set] for row in rows})
    replies = read_cards(session, set_ids=set_ids, with_tokens=with_tokens)
    judged: list[JudgedSet] = []
    for row in rows:
        set_id, conversation, messages, design, tuned, base_id, kwargs, revealed_at, *told = row[at_set:]
        shown = ShownSet(
            conversation=conversation,
            prompt=messages,
            replies=replies.get(set_id, ()),
            design=design,
            adapter=tuned,
            revealed=revealed_at is not None,
            prompt_token_ids=told[4] if with_tokens else None,
            base_id=base_id or None,
            chat_template_kwargs=kwargs,
            language=told[0],
            tags=tuple(told[1]),
            known=tuple(list_known(*told[2:4])),
        )
        judged.append((Judged(*row[:at_set]), shown))
    return judged


def read_cards(session: Session, *, set_ids: list[str], with_tokens: bool) -> dict[str, list[ShownReply]]:
    """The candidates of each set in slot order."""
    tokens = [col(Candidate.token_ids)] if with_tokens else []
    query = select(*CARD_COLUMNS, *tokens).where(col(Candidate.set_id).in_(set_ids))
    query = query.order_by(col(Candidate.set_id), col(Candidate.slot))
    replies: dict[str, list[ShownReply]] = {}
    for set_id, *values in session.execute(query):
        replies.setdefault(set_id, []).append(ShownReply(*values))
    return replies


def read_thumbed(session: Session, *, message_ids: Sequence[str]) -> list[ThumbedReply]:
    """The last thumb of each of these messages that has one, by message id."""
    thumbs = select(*THUMB_COLUMNS).where(col(Thumb.message_id).in_(message_ids))
    in_order = thumbs.order_by(col(Thumb.created_at), col(Thumb.id))
    last = {row.message_id: row for row in session.execute(in_order)}
    query = (
        select(
            *MARKED_COLUMNS,
            *CONVERSATION_COLUMNS,
            *columns_of(Candidate, "arm adapter"),
            *columns_of(SuggestionSet, "messages chat_template_kwargs"),
        )
        .join(Conversation, col(Conversation.id) == col(Message.conversation_id))
        .outerjoin(Candidate, col(Candidate.id) == col(Message.candidate_id))
        .outerjoin(SuggestionSet, col(SuggestionSet.turn_id) == col(Message.turn_id))
        .where(col(Message.id).in_(list(last)))
        .order_by(col(Message.id))
    )
    found: list[ThumbedReply] = []
    for message_id, conversation, text, origin, language, tags, *rest in session.execute(query):
        customer_id, details, arm, adapter, prompt, kwargs = rest
        thumb, verbatim = last[message_id], origin == "verbatim"
        found.append(
            ThumbedReply(
                id=thumb.id,
                message_id=message_id,
                conversation=conversation,
                value=thumb.value,
                at=thumb.created_at,
                text=text,
                prompt=prompt or None,
                arm=arm if verbatim else None,
                adapter=adapter if verbatim else None,
                chat_template_kwargs=kwargs or {},
                language=language,
                tags=tags,
                reasons=thumb.reasons,
                comment=thumb.comment,
                known=list_known(customer_id, details),
            )
        )
    return found


def iterate_query(
    store_engine: Engine,
    query: Any,
    *,
    place: tuple[Any, ...],
    limit: int = PAGE,
    complete: Callable[[Session, Sequence[Any]], Iterable[Any]] = lambda session, rows: rows,
) -> Iterator[Any]:
    """Yields the rows of a query in the order of `place`, its first columns; each page is a transaction.
    `complete` makes of a page of rows what is yielded.
    """
    page = ordered = query.order_by(*place).limit(limit)
    while True:
        with read(store_engine) as session:
            rows = session.execute(page).all()
            found = list(complete(session, rows))
        if not rows:
            return
        yield from found
        page = ordered.where(tuple_(*place) > tuple(rows[-1][: len(place)]))


def iterate_pages(
    store_engine: Engine, fetch: Callable[[Session, Key | None], list[Item]], key_of: Callable[[Item], Key]
) -> Iterator[Item]:
    """Yields every item of a paged query, with a transaction for each page."""
    after: Key | None = None
    while True:
        with read(store_engine) as session:
            page = fetch(session, after)
        if not page:
            return
        yield from page
        after = key_of(page[-1])
