"""Writes the records that follow from judgements, thumbs and settled items, in the transaction of each
judgement, undo, thumb or label. Also renews, in pages, records that are missing or follow older rules. The
rules are in `feedback/records/derived.py`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Engine, bindparam, delete, func, insert, or_, select, update
from sqlmodel import Session, col

from feedback.records.derived import (
    JUDGEMENT,
    RULES_VERSION,
    THUMB,
    UNDO,
    derive_label_record,
    derive_record,
    derive_thumb_record,
)
from feedback.records.from_judgement import LABEL, Judged, ShownSet
from feedback.records.item_states import SETTLED
from feedback.store.choices import PAGE, read_judged, read_thumbed
from feedback.store.engine import unit_of_work
from feedback.store.labelled_items import ITEM_KEYS, has_record_kind, read_labelled
from feedback.store.live_judgements import is_judgement
from feedback.store.tables import Conversation, Item, Judgement, Message, Record, SuggestionSet, Thumb

JUDGED = (col(Judgement.id), col(Judgement.desk_id))
MARKED = (col(Thumb.message_id), col(Thumb.desk_id))
_RECORD: Any = Record.__table__  # type: ignore[attr-defined]
_NEW = insert(_RECORD).inline()  # the number that a record gets is not read back
_TAKE_BACK = (
    update(_RECORD)
    .where(
        _RECORD.c.desk_id == bindparam("of_desk"),
        _RECORD.c.origin_kind == JUDGEMENT,
        _RECORD.c.origin_id == bindparam("judgement_id"),
    )
    .values(**UNDO)
)


def add_judgement_record(connection: Connection, *, desk_id: str, judged: Judged, shown: ShownSet) -> None:
    """Adds the record of a new judgement. The caller has locked the set."""
    connection.execute(_NEW, {"desk_id": desk_id, **derive_record(judged, shown)})


def take_back_record(connection: Connection, *, desk_id: str, judgement_id: str) -> None:
    """Updates the record of a judgement that was undone."""
    connection.execute(_TAKE_BACK, {"of_desk": desk_id, "judgement_id": judgement_id})


def write_thumb_record(session: Session, *, desk_id: str, message_id: str) -> None:
    """Writes the record of a message's last thumb. The caller has locked the message."""
    _renew_thumbs(session, [(message_id, desk_id)])


def write_item_record(session: Session, *, desk_id: str, item_id: str) -> None:
    """Writes the record of what an item has come to; of one that is open again, that it is reopened. The
    caller has locked the item.
    """
    _renew_items(session, [(item_id, desk_id)])


def renew_items(session: Session, *, which: ColumnElement[bool]) -> None:
    """Derives the records of items anew after their tags or texts changed."""
    has_record = col(Item.id).in_(select(col(Record.origin_id)).where(col(Record.origin_kind) == LABEL))
    found = session.execute(select(*ITEM_KEYS).where(which, has_record)).all()
    for start in range(0, len(found), PAGE):
        _renew_items(session, found[start : start + PAGE])


def renew_set(session: Session, *, set_id: str) -> None:
    """Derives anew the records of a locked set that was judged before its replies came."""
    of_it = col(Judgement.set_id) == set_id, is_judgement()
    _renew_judgements(session, session.execute(select(*JUDGED).where(*of_it)).all())


def renew_conversations(session: Session, *, conversation_ids: Sequence[str]) -> None:
    """Derives the records of these locked conversations anew after their texts were erased."""
    sets = select(col(SuggestionSet.id)).where(col(SuggestionSet.conversation_id).in_(conversation_ids))
    of_them = col(Judgement.set_id).in_(sets), is_judgement()
    judged = session.execute(select(*JUDGED).where(*of_them)).all()
    for start in range(0, len(judged), PAGE):
        _renew_judgements(session, judged[start : start + PAGE])
    messages = select(col(Message.id)).where(col(Message.conversation_id).in_(conversation_ids))
    marked = select(*MARKED).where(col(Thumb.message_id).in_(messages)).distinct()
    thumbed = session.execute(marked).all()
    for start in range(0, len(thumbed), PAGE):
        _renew_thumbs(session, thumbed[start : start + PAGE])
    renew_items(session, which=col(Item.conversation_id).in_(conversation_ids))


class RenewalCursor(NamedTuple):
    """How far a renewal has come, and how many records its last page renewed."""

    judgement_id: str = ""
    message_id: str = ""
    item_id: str = ""
    renewed: int = 0


def renew_page(session: Session, *, after: RenewalCursor, limit: int = PAGE) -> RenewalCursor | None:
    """Writes the next page of missing or outdated records; the place after it, None at the end."""
    newer = _join_stale(select(*JUDGED), JUDGEMENT, JUDGED[0]).where(JUDGED[0] > after.judgement_id)
    found = session.execute(newer.order_by(JUDGED[0]).limit(limit)).all()
    if found:
        _lock_conversations(session, [row[0] for row in found])
        _renew_judgements(session, found)
        return after._replace(judgement_id=found[-1][0], renewed=len(found))
    newer = _join_stale(select(*MARKED), THUMB, MARKED[0]).where(MARKED[0] > after.message_id)
    found = session.execute(newer.distinct().order_by(MARKED[0]).limit(limit)).all()
    if found:
        _lock(session, col(Message.id), [row[0] for row in found])
        _renew_thumbs(session, found)
        return after._replace(message_id=found[-1][0], renewed=len(found))
    newer = _join_stale(select(*ITEM_KEYS), LABEL, ITEM_KEYS[0]).where(ITEM_KEYS[0] > after.item_id)
    found = session.execute(newer.order_by(ITEM_KEYS[0]).limit(limit)).all()
    if found:
        _lock(session, ITEM_KEYS[0], [row[0] for row in found])
        _renew_items(session, found)
        return after._replace(item_id=found[-1][0], renewed=len(found))
    return None


def renew_all(
    store_engine: Engine, *, limit: int = PAGE, on_page: Callable[[int], None] = lambda count: None
) -> None:
    """Renews every record that is missing or follows older rules, with a transaction for each page, so that
    it can be killed and continued. `on_page` gets the number of records of each page.
    """
    after: RenewalCursor | None = RenewalCursor()
    while after is not None:
        with unit_of_work(store_engine) as session:
            after = renew_page(session, after=after, limit=limit)
        if after is not None:
            on_page(after.renewed)


def count_stale(session: Session) -> int:
    """The number of judgements, thumbed messages and settled items whose record is missing or follows older
    rules.
    """
    stale = (
        _join_stale(select(JUDGED[0]), JUDGEMENT, JUDGED[0]),
        _join_stale(select(MARKED[0]).distinct(), THUMB, MARKED[0]),
        _join_stale(select(ITEM_KEYS[0]), LABEL, ITEM_KEYS[0]),
    )
    return sum(session.scalar(select(func.count()).select_from(query.subquery())) or 0 for query in stale)


def _join_stale(query: Any, origin_kind: str, origin_id: Any) -> Any:
    on = (
        (col(Record.desk_id) == origin_id.class_.desk_id)
        & (col(Record.origin_kind) == origin_kind)
        & (col(Record.origin_id) == origin_id)
    )
    is_stale = or_(col(Record.id).is_(None), col(Record.rules_version) != RULES_VERSION)
    is_settled = or_(col(Item.state) == SETTLED, col(Record.id).is_not(None))
    is_said = {JUDGEMENT: [is_judgement()], LABEL: [has_record_kind(), is_settled]}.get(origin_kind, [])
    return query.outerjoin(Record, on).where(is_stale, *is_said)


def _lock_conversations(session: Session, judgement_ids: Sequence[str]) -> None:
    """Takes the lock that every judgement and undo takes."""
    of_them = (
        select(col(SuggestionSet.conversation_id))
        .join(Judgement, col(Judgement.set_id) == col(SuggestionSet.id))
        .where(col(Judgement.id).in_(judgement_ids))
    )
    query = select(col(Conversation.id)).where(col(Conversation.id).in_(of_them))
    session.execute(query.order_by(col(Conversation.id)).with_for_update(key_share=True))


def _lock(session: Session, key: Any, ids: Sequence[str]) -> None:
    """Takes the lock that every thumb takes on its message, and every label on its item."""
    session.execute(select(key).where(key.in_(ids)).order_by(key).with_for_update(key_share=True))


def _renew_judgements(session: Session, found: Sequence[Any]) -> None:
    """Renews the records of judgements. `found` holds pairs (id, desk)."""
    desk_of = {id: desk_id for id, desk_id in found}
    judged_sets = read_judged(session, which=JUDGED[0].in_(desk_of))
    rows = [derive_record(judged, shown) for judged, shown in judged_sets]
    _replace(session, JUDGEMENT, desk_of, rows)


def _renew_thumbs(session: Session, found: Sequence[Any]) -> None:
    """Renews the records of thumbs. `found` holds pairs (message id, desk)."""
    desk_of = {id: desk_id for id, desk_id in found}
    replies = read_thumbed(session, message_ids=list(desk_of))
    _replace(session, THUMB, desk_of, [derive_thumb_record(reply) for reply in replies])


def _renew_items(session: Session, found: Sequence[Any]) -> None:
    """Renews the records of items that are settled, or were. `found` holds pairs (id, desk)."""
    desk_of = {id: desk_id for id, desk_id in found}
    had = select(_RECORD.c.origin_id).where(
        _RECORD.c.desk_id.in_(set(desk_of.values())),
        _RECORD.c.origin_kind == LABEL,
        _RECORD.c.origin_id.in_(desk_of),
    )
    before = set(session.scalars(had))
    items = read_labelled(session, item_ids=list(desk_of))
    rows = [derive_label_record(item) for item in items if item.state == SETTLED or item.id in before]
    _replace(session, LABEL, desk_of, rows)


def _replace(
    session: Session, origin_kind: str, desk_of: Mapping[str, str], rows: list[dict[str, Any]]
) -> None:
    """Replaces all records of these origins by the new rows."""
    if not desk_of:
        return
    known = (
        _RECORD.c.desk_id.in_(set(desk_of.values())),
        _RECORD.c.origin_kind == origin_kind,
        _RECORD.c.origin_id.in_(desk_of),
    )
    session.execute(delete(_RECORD).where(*known))
    if rows:
        session.execute(_NEW, [{"desk_id": desk_of[row["origin_id"]], **row} for row in rows])
