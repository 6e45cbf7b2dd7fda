"""Verdicts: the labels of a duel's task. Each person has one a round, and several may judge the same round.

What a label is and how it is taken back: `labels.py`. Here is what they come to, and what a closed duel
teaches.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, select
from sqlmodel import Session, col

from feedback.records.candidate import BASE, TUNED
from feedback.records.from_judgement import Judged, ShownReply, ShownSet
from feedback.records.from_label import COMPARE, SIDES
from feedback.records.personal import list_known
from feedback.store.choices import JudgedSet, iterate_query
from feedback.store.conversations import CONVERSATION_COLUMNS
from feedback.store.duels import CLOSED, is_compared
from feedback.store.engine import columns_of, read, within
from feedback.store.exclusions import read_excluded
from feedback.store.labels import select_active_labels
from feedback.store.tables import Conversation, Duel, Item, Label

PLACE = columns_of(Label, "created_at id")


@dataclass(frozen=True)
class ActiveVerdict:
    """A verdict that was not taken back."""

    id: str
    position: int
    verdict: str
    judge: str
    at: datetime


def list_active_verdicts(session: Session, *, task_id: str) -> list[ActiveVerdict]:
    """The verdicts that were not taken back, in the order given; without those of erased rounds."""
    said = (*columns_of(Label, "id"), col(Item.position), col(Label.value)["side"].as_string())
    query = select_active_labels().join(Item, col(Item.id) == col(Label.item_id))
    query = query.with_only_columns(*said, *columns_of(Label, "labeller created_at"))
    query = query.where(col(Label.task_id) == task_id)
    return [ActiveVerdict(*row) for row in session.execute(query)]


def read_judged_round(session: Session, *, desk_id: str, verdict_id: str) -> list[JudgedSet]:
    """One verdict as `iterate_judged_rounds` yields it; empty if it is none of a closed duel, or its judge is
    left out.
    """
    query = _select_judged_rounds(session, desk_id).where(col(Label.id) == verdict_id)
    return _complete_judged_rounds(session, session.execute(query).all())


def iterate_judged_rounds(
    store_engine: Engine, *, desk_id: str, since: datetime | None, until: datetime
) -> Iterator[JudgedSet]:
    """Verdicts of closed duels as judgements on sets of two replies, oldest first, for training; without
    those of judges who are left out.
    """
    with read(store_engine) as session:
        query = _select_judged_rounds(session, desk_id).where(*within(PLACE[0], since, until))
    return iterate_query(store_engine, query, place=PLACE, complete=_complete_judged_rounds)


def _select_judged_rounds(session: Session, desk_id: str) -> Any:
    excluded = read_excluded(session, desk_id=desk_id, kind=COMPARE)
    return (
        select(*PLACE, Label, Item, col(Duel.base_id), *CONVERSATION_COLUMNS)
        .join(Item, col(Item.id) == col(Label.item_id))
        .join(Duel, col(Duel.task_id) == col(Label.task_id))
        .join(Conversation, col(Conversation.id) == col(Item.conversation_id))
        .where(col(Label.desk_id) == desk_id, col(Label.undoes).is_(None))
        .where(col(Duel.state) == CLOSED, is_compared(), col(Label.labeller).not_in(excluded))
    )


def _complete_judged_rounds(session: Session, rows: Sequence[Any]) -> list[JudgedSet]:
    ids = [row.id for row in rows]
    undone = set(session.scalars(select(col(Label.undoes)).where(col(Label.undoes).in_(ids))))
    judged: list[JudgedSet] = []
    for _, _, label, item, base_id, language, tags, customer_id, details in rows:
        is_of_one_base = item.hidden.get("a_arm") is None
        shown = ShownSet(
            conversation=item.conversation,
            prompt=item.shown.get("messages", []),
            replies=show_sides(item),
            design="duel",
            prompt_token_ids=item.hidden.get("prompt_token_ids") if is_of_one_base else None,
            base_id=(base_id or None) if is_of_one_base else None,
            chat_template_kwargs=item.hidden.get("chat_template_kwargs", {}),
            language=language,
            tags=tuple(tags),
            known=tuple(list_known(customer_id, details)),
        )
        judged.append((judged_from_label(label, undone=label.id in undone), shown))
    return judged


def judged_from_label(row: Label, *, undone: bool) -> Judged:
    """A verdict in the form of a judgement: a pick of one side, a tie of both, or none. What was said of an
    erased round is a pick of a reply that has no text any more, and so refused as erased.
    """
    side = row.value["side"] if row.value else SIDES[0]
    return Judged(
        id=row.id,
        kind={"tie": "tie", "both_bad": "none"}.get(side, "pick"),
        agent=row.labeller,
        at=row.created_at,
        candidate_id=side if side in SIDES else None,
        candidate_ids=SIDES if side == "tie" else (),
        dwell_ms=row.dwell_ms,
        undone=undone,
    )


def show_sides(row: Item) -> list[ShownReply]:
    """The two replies in the order shown; each side is the id of its reply. Sides of different bases have no
    token ids in common, so they are texts alone.
    """
    found = row.hidden
    is_of_one_base = found.get("a_arm") is None
    return [
        ShownReply(
            side,
            slot,
            row.shown.get(side),
            TUNED if (adapter := found.get(f"{side}_adapter")) else BASE,
            adapter,
            token_ids=found.get(f"{side}_token_ids") if is_of_one_base else None,
        )
        for slot, side in enumerate(SIDES)
    ]
