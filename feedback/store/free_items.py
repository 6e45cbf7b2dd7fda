"""Which items may be handed to a labeller. Keyword-only, session first, no commit.

An item whose answer is known (gold) is handed out beside all others, takes no slot, and is never settled: it
is open or dropped.
Every claim asks these queries, so each is made once, with parameters: making one costs more than running it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Integer, and_, bindparam, case, func, null, or_, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from feedback.records.item_states import DISPUTED, OPEN
from feedback.store.items import OF_ITEM, OF_LABEL
from feedback.store.tables import Assignment, Item, Label, Task
from feedback.store.withheld_items import is_withheld

EXPERTS_AT_ONCE = 2  # on a dispute, before one of them adjudicates
LOOKED_AT = 20  # items in the order of a task, before others' locks and claims are looked at again


@dataclass(frozen=True)
class Seeker:
    """Who asks for items, and when. Gold that `worn_by` people have labelled, or that was there at
    `oldest_gold`, is given to nobody. `term`: for how long a claim runs.
    """

    labeller: str
    tier: int
    now: datetime
    term: timedelta
    worn_by: int
    oldest_gold: datetime

    def told(self) -> dict[str, Any]:
        """The parameters of the queries below."""
        return {
            "labeller": self.labeller,
            "tier": self.tier,
            "now": self.now,
            "latest": self.now + self.term,
            "worn_by": self.worn_by,
            "oldest_gold": self.oldest_gold,
        }


def list_free_items(
    session: Session, *, task: Task, seeker: Seeker, gold: bool, without: Sequence[str]
) -> list[str]:
    """The first items in the task's order that seem free for this labeller: whoever claims one looks again
    once it is locked.
    """
    asked = _tell(task, seeker) | {"without": list(without)}
    return list(session.scalars(_FREE_GOLD if gold else _FREE, asked))


def is_item_free(session: Session, *, task: Task, seeker: Seeker, gold: bool, item_id: str) -> bool:
    """Whether an item is free for this labeller. The caller holds it."""
    asked = _tell(task, seeker) | {"item_id": item_id}
    return session.scalars(_IS_FREE_GOLD if gold else _IS_FREE, asked).first() is not None


def count_left(
    session: Session, *, task_ids: Sequence[str], seeker: Seeker
) -> Sequence[tuple[str, bool, str | None, int]]:
    """How many items of each task this labeller has or may still get: task, whether it is gold, what they had
    of it (claimed, lapsed or nothing), and the number.
    """
    rows: Any = session.execute(_LEFT, seeker.told() | {"task_ids": list(task_ids)}).all()
    return [(task_id, bool(gold), had, count) for task_id, gold, had, count in rows]


def knows_subject(session: Session, *, item_id: str, labeller: str) -> bool:
    """Whether an item is about a label or a text of this labeller."""
    query = select(1).where(col(Item.id) == item_id, _knows_subject())
    return session.execute(query, {"labeller": labeller}).first() is not None


def is_for() -> ColumnElement[bool]:
    """Whether people of `tier` may get an item, be it that it waits for labels or that it is gold. The state
    stands alone, so that an index leaves out all that is settled.
    """
    return and_(_waits(), or_(col(Item.gold).is_not(null()), col(Item.tier) <= bindparam("tier")))


def _waits() -> ColumnElement[bool]:
    return col(Item.state).in_((OPEN, DISPUTED))


def _is_gold() -> ColumnElement[bool]:
    return and_(col(Item.gold).is_not(null()), col(Item.state) == OPEN)


def _is_worn() -> ColumnElement[bool]:
    """Whether so many people have met a gold item, or for so long, that its answer may have got about."""
    people = _count(col(Assignment.state) == "done")
    return or_(
        people >= bindparam("worn_by", type_=Integer), col(Item.created_at) <= bindparam("oldest_gold")
    )


def _is_asked() -> ColumnElement[bool]:
    """Whether an item waits for labels by people of `tier` or above."""
    return and_(_waits(), col(Item.tier) <= bindparam("tier"), col(Item.gold).is_(null()))


def _has(*states: str) -> ColumnElement[bool]:
    """Whether `labeller` has this item in one of these states."""
    mine = select(1).where(
        col(Assignment.item_id) == col(Item.id),
        col(Assignment.labeller) == bindparam("labeller"),
        col(Assignment.state).in_(states),
    )
    return mine.correlate(Item).exists()


def _knows_subject() -> ColumnElement[bool]:
    """Whether an item repeats or checks another one, which `labeller` has labelled themselves, or a text of
    theirs; or checks what others said of such a text.
    """
    theirs = select(1).where(
        col(Item.subject_kind) == OF_ITEM,
        col(Assignment.item_id) == col(Item.subject_id),
        col(Assignment.labeller) == bindparam("labeller"),
        col(Assignment.state) == "done",
    )
    checked = aliased(Item)
    of_check = select(col(checked.subject_id)).where(
        col(checked.id) == col(Item.subject_id), col(checked.subject_kind) == OF_LABEL
    )
    of_checks = and_(
        col(Item.subject_kind) == OF_ITEM, col(Label.id) == of_check.correlate(Item).scalar_subquery()
    )
    of_text = and_(col(Item.subject_kind) == OF_LABEL, col(Label.id) == col(Item.subject_id))
    written = [
        select(1).where(which, col(Label.labeller) == bindparam("labeller")) for which in (of_text, of_checks)
    ]
    return or_(*(known.correlate(Item).exists() for known in (theirs, *written)))


def _has_room() -> ColumnElement[bool]:
    """Whether fewer hold the item than may label it at once: until the least overlap all of it, then one
    after the other; of a dispute, two experts and then one.
    """
    least, most = bindparam("overlap_min", type_=Integer), bindparam("overlap_max", type_=Integer)
    slot, done, lives = col(Assignment.slot), col(Assignment.state) == "done", _is_claim_live()
    labelled, held = _count(done, slot.is_not(None)), _count(lives, slot.is_not(None))
    asked = case((labelled < least, least - labelled), else_=1)
    has_slot = and_(held < asked, labelled + held < most)
    decided, deciding = _count(done, slot.is_(None)), _count(lives, slot.is_(None))
    wanted = case((decided < EXPERTS_AT_ONCE, EXPERTS_AT_ONCE - decided), else_=1)
    return case((col(Item.state) == OPEN, has_slot), else_=deciding < wanted)


def _count(*which: ColumnElement[bool]) -> Any:
    """The number of such claims on an item."""
    found = select(func.count()).where(col(Assignment.item_id) == col(Item.id), *which)
    return found.correlate(Item).scalar_subquery()


def _is_claim_live() -> ColumnElement[bool]:
    """Whether a claim still runs; one that ends later than any given `now` is none (`clock.still_runs`)."""
    until = col(Assignment.lease_until)
    return and_(col(Assignment.state) == "claimed", until > bindparam("now"), until <= bindparam("latest"))


def _tell(task: Task, seeker: Seeker) -> dict[str, Any]:
    asks = {"task_id": task.id, "overlap_min": task.overlap_min, "overlap_max": task.overlap_max}
    return seeker.told() | asks


def _select_free(*which: ColumnElement[bool]) -> Any:
    """Of `task_id`, what `labeller` neither has nor had, nor knows; what lapsed may be theirs again. Nothing
    of a withdrawn source.
    """
    unknown = ~_has("claimed", "done", "passed"), ~_knows_subject(), ~is_withheld()
    return select(col(Item.id)).where(col(Item.task_id) == bindparam("task_id"), *unknown, *which)


def _in_order(free: Any) -> Any:
    others = col(Item.id).not_in(bindparam("without", expanding=True))
    return free.where(others).order_by(col(Item.position)).limit(LOOKED_AT)


_THIS = col(Item.id) == bindparam("item_id")
_ASKED, _KNOWN = (_is_asked(), _has_room()), (_is_gold(), ~_is_worn())
_FREE, _FREE_GOLD = _in_order(_select_free(*_ASKED)), _in_order(_select_free(*_KNOWN))
_IS_FREE, _IS_FREE_GOLD = _select_free(*_ASKED, _THIS), _select_free(*_KNOWN, _THIS)
_OWN = aliased(Assignment)
_HELD = col(_OWN.state) == "claimed"
_COMES = and_(~_knows_subject(), ~is_withheld(), or_(col(Item.gold).is_(null()), ~_is_worn()))
_GOLD = col(Item.gold).is_not(null()).label("gold")
_LEFT = (
    select(col(Item.task_id), _GOLD, col(_OWN.state), func.count())
    .outerjoin(_OWN, and_(col(_OWN.item_id) == col(Item.id), col(_OWN.labeller) == bindparam("labeller")))
    .where(col(Item.task_id).in_(bindparam("task_ids", expanding=True)), is_for())
    .where(or_(_HELD, and_(or_(col(_OWN.state).is_(None), col(_OWN.state) == "lapsed"), _COMES)))
    .group_by(col(Item.task_id), _GOLD, col(_OWN.state))
)
